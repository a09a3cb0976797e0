"""Folders whose process is on another machine, or suspended: who is believed, how long."""

import json
import os
import signal
import time

import pytest
from locked_folders import KINDS, PROGRAM, both_kinds, make_run, started

from ris_tf.runlog import (
    HeldError,
    RunDirectory,
    State,
    TakenOverError,
    summarize,
)

pytestmark = pytest.mark.faults


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs" / "one")


def elsewhere(folder, silent_s):
    """As if a process on another machine had begun and written last so many seconds ago."""
    folder.begin_session([])
    folder.end_session()
    for name in ("lock", "run.json", "search.json"):
        if (file := folder.path / name).exists():
            document = json.loads(file.read_text()) | {"host": "node7"}
            file.write_text(json.dumps(document | {"ended": 0.0} if name == "lock" else document))
    moment = time.time() - silent_s
    for path in folder.path.glob("*.json*"):
        os.utime(path, (moment, moment))


def test_a_time_in_the_future_makes_nothing_young_for_ever(run):
    """Times of files can be set; the file system's own record of their last change cannot."""
    ahead = time.time() + 1e6
    for path in (run.path / "run.json", run.events_path):
        path.touch()
        os.utime(path, (ahead, ahead))
    assert run.last_write() <= time.time() + 1
    elsewhere(run, 300)
    assert summarize(RunDirectory.open(run.path), time.time() + 300).state is State.VANISHED


@both_kinds
def test_process_of_another_machine_is_believed_until_it_is_silent_for_long(tmp_path, kind):
    make = KINDS[kind][0]
    elsewhere(make(tmp_path / "one"), 300)
    folder = type(make(tmp_path / "two")).open(tmp_path / "one")
    assert folder.holder_alive() is None
    with pytest.raises(HeldError, match=r"on node7, since .* may be working on it") as refused:
        folder.begin_session([])
    assert "wait for 10 minutes of silence or add --take-over" in refused.value.remedy
    assert (folder.path / "lock").read_text().count("node7") == 1, "the refused write nothing"
    elsewhere(folder_of_last := make(tmp_path / "three"), 700)
    folder_of_last.begin_session([])
    (folder.path / "lock").unlink()
    folder.begin_session([])


@both_kinds
def test_who_knows_that_a_machine_is_gone_need_not_wait(tmp_path, kind):
    elsewhere(KINDS[kind][0](tmp_path / "one"), 5)
    folder = type(KINDS[kind][0](tmp_path / "two")).open(tmp_path / "one")
    folder.take_over = True
    folder.begin_session([])
    with pytest.raises(HeldError, match="is working on it"):
        again = type(folder).open(folder.path)
        again.take_over = True  # which is about other machines: this one's processes are known
        again.begin_session([])


def test_process_whose_folder_was_taken_over_writes_nothing_more(run):
    """As after a long suspension, where locks do not reach from one machine to the other."""
    run.begin_session([])
    run.require_session()
    other = json.loads((run.path / "lock").read_text()) | {"host": "node7", "pid": 7}
    (run.path / "lock").write_text(json.dumps(other))
    run.require_session()  # a moment ago it was ours
    with pytest.raises(
        TakenOverError, match=r"process 7 of .* on node7, since .* has taken it over"
    ):
        run.require_session(at_once=True)
    run.end_session()
    assert json.loads((run.path / "lock").read_text()) == other, "the other's record stays"


def test_suspended_process_and_silent_machine_have_words_of_their_own(tmp_path, run):
    make_run(tmp_path / "0")
    with started("RunDirectory", PROGRAM, tmp_path, 0) as process:
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0 mine\n"
        held = RunDirectory.open(tmp_path / "0")
        assert summarize(held).state is State.RUNNING
        process.send_signal(signal.SIGSTOP)
        until = time.monotonic() + 10
        while summarize(held).state is State.RUNNING and time.monotonic() < until:
            time.sleep(0.01)
        summary = summarize(held)
        assert summary.state is State.SUSPENDED
        assert summary.reason.endswith(f"kill -CONT {process.pid} goes on")
        with pytest.raises(HeldError, match="is working on it"):
            RunDirectory.open(held.path).begin_session([])
        process.kill()
    assert summarize(held).state is State.LOST
    elsewhere(run, 300)
    vanished = summarize(RunDirectory.open(run.path))
    assert vanished.state is State.VANISHED
    assert vanished.reason.endswith("on node7 has written nothing for 5 min")
