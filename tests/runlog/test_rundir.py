"""The run directory: made whole, opened with care, its state told from outside."""

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from ris_tf.config import Config, dump_config, load_config
from ris_tf.runlog import (
    End,
    EventWriter,
    RunDirectory,
    RunError,
    Series,
    Session,
    State,
    Validation,
    atomic_write,
    default_run_name,
    find_runs,
    summarize,
)

DOCUMENT = dump_config(Config())


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "runs" / "one", DOCUMENT, ["ris-tf", "train"])


def test_new_run_has_what_a_run_has(run):
    assert {path.name for path in run.path.iterdir()} == {
        "run.json",
        "config.yaml",
        "checkpoints",
        "samples",
    }
    again = RunDirectory.open(run.path)
    assert again.identity == run.identity
    assert load_config(again.config_path) == Config()
    assert again.identity.versions["ris-tf"] == version("ris-tf")


def test_existing_folder_is_refused_and_nothing_is_left(run):
    with pytest.raises(RunError, match="exists; choose another name, or go on with it"):
        RunDirectory.create(run.path, DOCUMENT, [])
    assert [path.name for path in run.path.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a\nb"])
def test_names_that_are_no_folder(name):
    from ris_tf.runlog import check_name

    with pytest.raises(RunError, match="must be a folder's name"):
        check_name(name)


def test_default_name_tells_time_and_configuration(tmp_path):
    name = default_run_name(tmp_path / "quickstart.yaml")
    assert name.startswith(time.strftime("%Y-%m-%d_"))
    assert name.endswith("_quickstart")


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        RunDirectory.create(tmp_path / "file" / "run", DOCUMENT, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "not readable as JSON"), (b"[]", "must be an object"), (None, "has no run.json")],
)
def test_folder_that_is_no_run(tmp_path, content, message):
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=message):
        RunDirectory.open(tmp_path)


def test_fields_of_a_wrong_type_keep_their_defaults(run):
    (run.path / "run.json").write_text('{"pid": "x", "session": 3, "host": null}')
    identity = RunDirectory.open(run.path).identity
    assert (identity.pid, identity.session, identity.host) == (0, 3, "")


def log(run, *events):
    with EventWriter(run.events_path) as writer:
        writer.write(Session(1, time.time(), 0, 0, 10, 2, 5))
        for event in events:
            writer.write(event)


def end(reason):
    return End(time.time(), 4, reason, "why")


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("finished", State.FINISHED),
        ("early", State.FINISHED),
        ("stopped", State.STOPPED),
        ("interrupted", State.STOPPED),
        ("failed", State.FAILED),
    ],
)
def test_state_after_the_end(run, reason, state):
    run.begin_session([])
    log(run, Validation(0, 4, 1.0, "raw", {"loss": 0.25}), end(reason))
    summary = summarize(run)
    assert (summary.state, summary.reason) == (state, "why")
    assert (summary.epoch, summary.epochs, summary.windows) == (1, 2, 10)
    assert summary.best_loss == summary.last_loss == 0.25


def test_state_of_a_living_process(run):
    assert summarize(run).state in (State.RUNNING, State.NEW)
    run.begin_session([])
    log(run)
    assert summarize(run).state is State.RUNNING
    assert summarize(run, now=time.time() + 1000).state is State.STALLED


def test_state_of_a_killed_process(run):
    code = f"""
import time
from pathlib import Path
from ris_tf.runlog import RunDirectory
RunDirectory.open(Path({str(run.path)!r})).begin_session([])
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert summarize(RunDirectory.open(run.path)).state is State.RUNNING
        process.kill()
    log(run)
    assert summarize(RunDirectory.open(run.path)).state is State.LOST


def test_stop_request(run):
    assert not run.stop_requested()
    run.request_stop()
    assert run.stop_requested()
    run.clear_stop()
    run.clear_stop()
    assert not run.stop_requested()


def test_runs_are_found_anywhere_below(tmp_path):
    made = [RunDirectory.create(tmp_path / name, DOCUMENT, []) for name in ("b", "search/t1", "a")]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    assert [run.path for run in find_runs(tmp_path)] == [run.path for run in made]
    assert find_runs(tmp_path / "none") == []


def test_links_lead_to_each_run_once(tmp_path):
    run = RunDirectory.create(tmp_path / "one", DOCUMENT, [])
    (tmp_path / "a-link").symlink_to(run.path)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "one-more").symlink_to(tmp_path)
    assert [run.path.name for run in find_runs(tmp_path)] == ["one"]


def test_folders_that_are_not_ours_are_passed_over(tmp_path, monkeypatch):
    RunDirectory.create(tmp_path / "ours", DOCUMENT, [])
    (tmp_path / "theirs").mkdir()
    is_file = Path.is_file

    def refused(path):
        if path.parent.name == "theirs":
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    assert [run.path.name for run in find_runs(tmp_path)] == ["ours"]


def test_what_cannot_be_read_says_so(run):
    run.events_path.mkdir()
    with pytest.raises(RunError, match=r"events\.jsonl: cannot be read: Is a directory"):
        summarize(run)
    (run.path / "run.json").unlink()
    (run.path / "run.json").mkdir()
    with pytest.raises(RunError, match=r"run\.json: cannot be read: Is a directory"):
        RunDirectory.open(run.path)


def test_command_with_bytes_that_are_no_text(tmp_path):
    run = RunDirectory.create(tmp_path / "one", DOCUMENT, ["ris-tf", "\udcff.yaml"])
    assert RunDirectory.open(run.path).identity.command == ["ris-tf", "\\udcff.yaml"]


def test_dropped_windows_are_counted_over_sessions(run):
    applied = [1, 0, 1, 0, 1, 1, 1, 0, 0, 1]
    with EventWriter(run.events_path) as writer:
        for session, first in ((1, 0), (2, 5)):
            writer.write(Session(session, 0.0, first, 0, 10, 1, 10))
            writer.write(Series(["ok", "iteration"]))
            for i in range(first, first + 5):
                writer.step(i, 0, float(i), [applied[i], sum(applied[: i + 1])])
    summary = summarize(run)
    assert (summary.step, summary.skipped) == (10, 4)
    assert summary.skipped == (run.log().column("ok") == 0).sum()


def test_atomic_write_keeps_the_old_content_on_failure(tmp_path, monkeypatch):
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
