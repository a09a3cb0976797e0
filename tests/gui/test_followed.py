"""A selected run: everything new is read, nothing on the disk raises."""

import itertools
import json
import shutil

import numpy as np
import pytest
import shiboken6
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gui.models.followed import CONSOLE, FollowedRun
from gui.window.followers import Followers
from ris_tf.runlog import EventWriter, Session

FILES = ("events.jsonl", "run.json", "config.yaml", "console.log")
NUMBERS = itertools.count()


def follow(run):
    followed = FollowedRun(run.path, "a", "#000000")
    return followed, followed.poll()


def test_windows_are_read_as_they_are_written(fake_run):
    run = fake_run().train(5)
    followed, view = follow(run)
    assert len(view.log) == 5
    assert view.configuration["training.epochs"] == 60
    assert view.summary.state == "running"
    run.train(1)
    assert len(followed.poll().log) == 6
    assert len(view.log) == 5, "a view does not change"


def test_nothing_new_is_nothing(fake_run):
    run = fake_run().train(20).end()
    followed, _ = follow(run)
    for _ in range(5):
        followed.poll()
    assert followed.poll() is None


def test_checks_follow(fake_run):
    run = fake_run().train(20)
    view = run.view()
    assert {check.name for check in view.checks if check.passed} >= {"order of updates"}


def test_a_resumed_run_that_cut_its_log_begins_a_generation(fake_run):
    run = fake_run().train(15)
    followed, view = follow(run)
    length = (run.path / "events.jsonl").read_bytes().index(b'{"kind":"step","step":10')
    run.writer.close()
    with EventWriter(run.path / "events.jsonl", length) as writer:
        writer.write(Session(2, 2e9, 10, 1, 40, 4, 10))
        writer.step(10, 1, 2e9, np.zeros(21))
    again = followed.poll()
    assert again.generation is not view.generation
    assert len(again.log) == 11


def test_a_folder_that_goes_away_is_reported_and_what_was_read_stays(fake_run):
    run = fake_run().train(5)
    followed, _ = follow(run)
    shutil.rmtree(run.path)
    view = followed.poll()
    assert "is gone" in view.problem
    assert len(view.log) == 5
    assert followed.poll() is None


def test_a_folder_that_is_no_run_yet_is_reported_and_then_read(fake_run, tmp_path):
    run = fake_run("b").train(5)
    path = tmp_path / "runs" / "a"
    path.mkdir()
    followed = FollowedRun(path, "a", "#000000")
    assert "run.json" in followed.poll().problem
    shutil.copytree(run.path, path, dirs_exist_ok=True)
    view = followed.poll()
    assert view.problem == ""
    assert len(view.log) == 5


def test_an_unreadable_configuration_is_reported_for_as_long_as_it_is_there(fake_run):
    run = fake_run().train(5)
    before = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text("quantum: [true\n")
    followed, view = follow(run)
    assert "not readable as YAML" in view.problem
    assert len(view.log) == 5
    for _ in range(3):
        view = followed.poll() or view
    assert "not readable as YAML" in view.problem
    (run.path / "config.yaml").write_text(before)
    assert followed.poll().problem == ""


def test_keys_that_are_not_known_here_are_values_as_all_others(fake_run):
    """A plug-in's knobs, or those of a later version."""
    run = fake_run().train(5)
    with (run.path / "config.yaml").open("a") as file:
        file.write("quantum: {depth: 3}\n")
    _, view = follow(run)
    assert view.problem == ""
    assert view.configuration["quantum.depth"] == 3


def test_other_models_go_on_by_their_own_programs(fake_run, model_run):
    ours, theirs = (run.train(12).end("stopped") for run in (fake_run("a"), model_run()))
    for run in (ours, theirs):
        (run.path / "checkpoints" / "last.npz").touch()
        document = json.loads((run.path / "run.json").read_text())
        (run.path / "run.json").write_text(json.dumps(document | {"pid": 0}))
    ours, theirs = ours.view(), theirs.view()
    assert (ours.localizes, theirs.localizes) == (True, False)
    assert ours.summary.resumable
    assert theirs.summary.idle
    assert (ours.resumable, theirs.resumable) == (True, False)


def test_a_run_selected_again_is_read_anew(fake_run):
    run = fake_run().train(5)
    assert follow(run)[1].generation is not follow(run)[1].generation


def test_console_is_its_end_without_control_characters(fake_run):
    run = fake_run()
    (run.path / "console.log").write_bytes(b"x" * CONSOLE + b"\nred \x1b[31mtext\x1b[0m\a\n\xff")
    _, view = follow(run)
    assert view.console == "red text\n�"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=60)), min_size=4, max_size=4))
def test_nothing_in_a_folder_raises(fake_run, damages):
    """Truncated, torn, binary, of another schema: each file, anywhere."""
    run = fake_run(f"run-{next(NUMBERS)}").train(12, dropped=(2,)).end()
    for name, (share, garbage) in zip(FILES, damages, strict=True):
        path = run.path / name
        before = path.read_bytes() if path.exists() else b""
        cut = int(share * len(before))
        path.write_bytes(before[:cut] + garbage + before[cut:] * (len(garbage) % 2))
    followed, view = follow(run)
    assert view is None or len(view.log) <= 12
    for _ in range(3):
        followed.poll()


@pytest.mark.parametrize("name", FILES)
def test_folders_in_place_of_files_are_reported(fake_run, name):
    run = fake_run().train(5)
    path = run.path / name
    path.unlink(missing_ok=True)
    path.mkdir()
    _, view = follow(run)
    assert name in view.problem


def test_what_was_read_for_a_window_that_is_gone_is_dropped(qtbot, fake_run):
    followers = Followers(lambda path: path.name)
    followers.follow([fake_run().path])
    (poller,) = followers.pollers.values()
    poller.blockSignals(True)
    qtbot.waitUntil(lambda: poller._latest is not None)
    poller.stop()
    shiboken6.delete(followers)
    poller.blockSignals(False)
    with qtbot.captureExceptions() as raised:
        poller.ready.emit()
        qtbot.wait(10)
    assert not raised
