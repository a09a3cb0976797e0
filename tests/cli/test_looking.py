"""What the commands that look at runs print, refuse and exit with."""

import re
import shutil

import pytest

from ris_tf.config import Config, dump_config
from ris_tf.runlog import RunDirectory, distinct_names
from ris_tf.search import Choices, Search, SearchDirectory


def test_runs_are_one_line_each_in_a_pipe(make_run, typed):
    make_run("2026-11-23_12-45-01_a-configuration-with-a-long-name", skipped=(3, 4), scale=8.0)
    make_run("two", ended="stopped")
    answer = typed("runs")
    header, first, second = answer.out.splitlines()
    assert answer.code == 0
    assert header.split()[:3] == ["run", "state", "epoch"]
    name = r"runs/2026-11-23_12-45-01_a-configuration-with-a-long-name"
    assert re.match(rf"{name}\s+finished\s+2/2\s+40\s+0\.\d+\s+0\.\d+\s+2\s", first)
    assert re.match(r"runs/two\s+stopped\s+2/2", second)


@pytest.mark.parametrize("width", [80, 160])
def test_table_fits_the_terminal(make_run, typed, monkeypatch, width):
    make_run("2026-11-23_12-45-01_quickstart")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    lines = re.sub(r"\x1b\[\d*m", "", typed("runs").out).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    assert ("last loss" in lines[0]) == (width == 160)


def test_a_log_that_cannot_be_read_spoils_one_row_only(make_run, typed):
    broken = make_run("broken")
    make_run("whole")
    broken.events_path.unlink()
    broken.events_path.mkdir()
    listed = typed("runs").out
    assert re.search(r"runs/broken\s+unreadable", listed)
    assert re.search(r"runs/whole\s+finished", listed)


@pytest.mark.parametrize("command", [("show",), ("check",), ("stop",), ("figure", "training")])
def test_a_log_that_cannot_be_read_is_one_line(make_run, typed, command):
    run = make_run()
    run.events_path.unlink()
    run.events_path.mkdir()
    answer = typed(*command, "runs/one")
    assert (answer.code, answer.out) == (2, "")
    assert re.fullmatch(r"ris-tf: .*events\.jsonl: cannot be read: .*\n", answer.err)


def test_names_are_printed_as_they_are(make_run, typed, tmp_path):
    """Brackets are markup to rich: a closing one would even raise."""
    make_run("one[bold]")
    (tmp_path / "[").mkdir()
    (tmp_path / "runs").rename(tmp_path / "[" / "x]")
    assert "[/x]/one[bold]" in typed("runs", "[").out


def test_rows_that_come_later_stand_below_those_before(make_run, typed, monkeypatch):
    """Read by several processes, printed block by block: one table, oldest first, as of a few."""
    for name in ("b", "a", "a-longer-name", "c"):
        make_run(name)
    whole = typed("runs").out
    monkeypatch.setattr("ris_tf.cli.runs.TOGETHER_S", 0.0)
    monkeypatch.setattr("ris_tf.runlog.shared_reading.MANY", 1)
    monkeypatch.setattr("ris_tf.runlog.shared_reading.TOGETHER", 1)
    assert typed("runs").out == whole
    assert [line.split()[0] for line in whole.splitlines()[1:]] == [
        f"runs/{name}" for name in ("b", "a", "a-longer-name", "c")
    ]


def test_no_runs(typed):
    assert "no runs under runs/; start one: ris-tf train" in typed("runs").out
    assert typed("runs", "elsewhere").code == 2


def test_show_says_all_about_a_run(make_run, typed):
    make_run(skipped=(3,), scale=8.0)
    shown = typed("show", "runs/one").out
    for expected in (
        "finished: finished for a reason",
        "epoch 2 of 2, window 40 of 40",
        "1 window",
        "covariance               0.4000   (sample covariance 1.0400)",
        "something to know",
        "ris-tf train quick.yaml",
    ):
        assert expected in shown, expected
    assert "--resume" not in shown


def test_show_says_how_to_go_on(make_run, typed):
    run = make_run(ended="stopped")
    (run.checkpoints / "last.npz").touch()
    assert "ris-tf train --resume runs/one" in typed("show", "runs/one").out


def test_run_copied_without_its_folders_can_be_looked_at(make_run, typed):
    run = make_run(ended="stopped")
    shutil.rmtree(run.checkpoints)
    shutil.rmtree(run.samples)
    assert typed("show", "runs/one").code == 0
    assert typed("check", "runs/one").code == 0


def test_check_exits_0_only_where_all_is_well(make_run, typed):
    make_run("good")
    make_run("bad", skipped=(3,))
    good, bad = typed("check", "runs/good"), typed("check", "runs/bad")
    assert (good.code, bad.code) == (0, 1)
    assert good.out.startswith("healthy\n")
    assert "6 of 6 checks passed, 9 cannot be told" in good.out
    assert bad.out.startswith("all terms and gradients are finite, the loss is not\n")
    assert re.search(r"NO  gradients finite .*first 3\n .*-> .*\n .*-> .*ris-tf why RUN", bad.out)


def test_stop_asks_a_living_run_and_refuses_others(make_run, typed):
    alive, over = make_run("alive", ended=None), make_run("over")
    assert typed("stop", "runs/alive").code == 0
    assert alive.stop_requested()
    refused = typed("stop", "runs/over")
    assert refused.code == 2
    assert "is finished, so there is nothing to stop" in refused.err
    assert not over.stop_requested()


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("new/a.pdf", b"%PDF")]
)
def test_figure_of_a_run(make_run, typed, tmp_path, name, begins):
    make_run(epochs=1)
    answer = typed("figure", "training", "runs/one", "--out", name)
    assert (answer.code, answer.out) == (0, f"{name}\n")
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("out", "message"),
    [("a.jpg", "must end in .png, .svg, .pdf"), ("runs/one/run.json/a.png", "cannot be written")],
)
def test_figure_that_has_no_place(make_run, typed, out, message):
    make_run(epochs=1)
    answer = typed("figure", "training", "runs/one", "--out", out)
    assert answer.code == 2
    assert re.fullmatch(rf"ris-tf: --out {out}: {message}.*\n", answer.err)


def test_figure_of_a_run_without_windows(make_run, typed):
    make_run(epochs=0)
    answer = typed("figure", "training", "runs/one")
    assert answer.code == 2
    assert "no window yet" in answer.err


def test_interruption_is_exit_code_130(make_run, typed, monkeypatch):
    def interrupted(folder):
        raise KeyboardInterrupt

    make_run()
    monkeypatch.setattr("ris_tf.runlog.run_folders", interrupted)
    assert typed("runs").code == 130


def test_version_and_wrong_usage(typed):
    assert typed("--version").out.startswith("ris-tf 0.")
    assert typed("show").code == 2
    assert typed("nothing").code == 2


def test_runs_of_a_run_is_that_run(make_run, typed):
    make_run("one")
    make_run("two", ended="stopped")
    answer = typed("runs", "runs/two")
    assert answer.code == 0
    assert re.match(r"runs/two\s+stopped\s+2/2", answer.out.splitlines()[1])
    assert len(answer.out.splitlines()) == 2


def test_runs_of_a_search_are_its_trials(typed, tmp_path):
    plan = Search(algorithm="random", trials=2, space={"network.width": Choices((448, 512))})
    search = SearchDirectory.create(tmp_path / "runs" / "wide", plan)
    assert "is a search without a trial yet" in typed("runs", "runs/wide").out
    RunDirectory.create(search.trial_path(1), dump_config(Config()), [])
    assert re.match(r"runs/wide/trial_0001\s+", typed("runs", "runs/wide").out.splitlines()[1])


COMMANDS = [("show",), ("check",), ("stop",), ("figure", "training"), ("train", "--resume"),
            ("evaluate",)]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("folder", "below"),
    [("runs", "runs/five, runs/four, runs/one and 2 more"), (".", "runs/five"), ("empty", "")],
)
def test_a_folder_of_runs_names_some(make_run, typed, tmp_path, command, folder, below):
    for name in ("one", "two", "three", "four", "five"):
        make_run(name)
    (tmp_path / "empty").mkdir()
    answer = typed(*command, folder)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"ris-tf: {folder}: has no run.json, so it is no run; ")
    assert (f"name one of those in it: {below}" in answer.err) == bool(below)
    assert ("ris-tf runs lists the runs there are" in answer.err) == (not below)


def test_a_folder_of_searches_names_some(typed, tmp_path):
    plan = Search(algorithm="random", trials=2, space={"network.width": Choices((448, 512))})
    SearchDirectory.create(tmp_path / "runs" / "wide", plan)
    answer = typed("figure", "trials", "runs")
    assert answer.code == 2
    assert answer.err.endswith("so it is no search; name one of those in it: runs/wide\n")


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["a/first"], ["first"]),
        (["a/first", "b/first"], ["a/first", "b/first"]),
        (["a/first", "b/first", "b/second"], ["a/first", "b/first", "second"]),
        (["x/a/first", "y/a/first", "first"], ["x/a/first", "y/a/first", "TMP/first"]),
        (["first/first", "first"], ["first/first", "TMP/first"]),
        ([], []),
    ],
)
def test_runs_are_called_by_the_shortest_paths_that_tell_them_apart(tmp_path, folders, names):
    found = distinct_names([tmp_path / folder for folder in folders])
    assert found == [name.replace("TMP", tmp_path.name) for name in names]
    assert len(set(found)) == len(folders)


def test_a_run_given_twice_is_refused(make_run, typed, tmp_path):
    make_run("one")
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    answer = typed("evaluate", "runs/one", "link/one")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "ris-tf: link/one: is the same run as runs/one; give each once\n"
