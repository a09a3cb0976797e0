"""One process works on a run or search at a time, whoever begins when, dies how, and where."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from locked_folders import AT_ONCE, KINDS, PROGRAM, both_kinds, make_run, make_search, started

from ris_tf.runlog import (
    HeldError,
    RunDirectory,
    RunError,
    State,
    lock,
    summarize,
)
from ris_tf.search import SearchDirectory

pytestmark = pytest.mark.faults  # 200 races are in the full form


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs" / "one")


@both_kinds
def test_of_two_that_begin_at_once_one_does(tmp_path, kind):
    make = KINDS[kind][0]
    for number in range(AT_ONCE):
        folder = make(tmp_path / str(number))
    folder.begin_session(["this process, which holds the last"])
    soon = time.time() + 3
    starts = [soon + 0.02 * number for number in range(AT_ONCE)]
    rivals = [started(kind, PROGRAM, tmp_path, *starts) for _ in range(2)]
    try:
        for rival in rivals:
            rival.stdin.write("\n")
            rival.stdin.flush()
        said = [[rival.stdout.readline().split(" ", 1)[1] for _ in starts] for rival in rivals]
    finally:
        for rival in rivals:
            rival.kill()
            rival.communicate()
    for number, pair in enumerate(zip(*said, strict=True)):
        mine = [rival.pid for rival, line in zip(rivals, pair, strict=True) if line == "mine\n"]
        holder = mine[0] if number < AT_ONCE - 1 else os.getpid()
        assert len(mine) == (number < AT_ONCE - 1), pair
        refused = [line for line in pair if line != "mine\n"]
        assert all(f"process {holder} of " in line for line in refused)
        assert all("is working on it; stop that first: ris-tf stop" in line for line in refused)


MAKE = """
import sys, time
from pathlib import Path
from ris_tf.runlog import RunDirectory, RunError
print("ready", flush=True)
for number, start in enumerate(map(float, sys.stdin.readline().split())):
    while time.time() < start:
        pass
    try:
        RunDirectory.create(Path(sys.argv[1]) / str(number), "{}", ["one of two"])
        print(number, "mine", flush=True)
    except RunError as error:
        print(number, error, flush=True)
"""


def test_of_two_that_make_one_name_at_once_one_does(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    rivals = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    soon = time.time() + 0.3
    starts = " ".join(str(soon + 0.02 * number) for number in range(AT_ONCE))
    for rival in rivals:
        rival.stdin.write(starts + "\n")
        rival.stdin.flush()
    said = [rival.communicate(timeout=60)[0].splitlines() for rival in rivals]
    for number, pair in enumerate(zip(*said, strict=True)):
        assert sorted(line.endswith(" mine") for line in pair) == [False, True], pair
        refused = next(line for line in pair if not line.endswith(" mine"))
        assert f"{tmp_path / str(number)}: exists; choose another name" in refused
    assert len(list(tmp_path.iterdir())) == AT_ONCE, "nothing half made is left"


@both_kinds
def test_killed_process_leaves_no_lock(tmp_path, kind):
    folder = KINDS[kind][0](tmp_path / "0")
    with started(kind, PROGRAM, tmp_path, 0) as process:
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0 mine\n"
        folder = type(folder).open(folder.path)
        assert folder.holder_alive()
        with pytest.raises(HeldError, match=f"process {process.pid} of .*, since 20") as refused:
            folder.begin_session([])
        assert refused.value.holder.pid == process.pid
        process.kill()
    assert folder.holder_alive() is False
    folder.begin_session([])
    assert folder.holder_alive()


def test_identity_is_read_again_under_the_lock(run):
    stale = RunDirectory.open(run.path)
    for _ in range(3):
        run.begin_session(["again"])
        run.end_session()
    stale.begin_session(["stale"])
    assert RunDirectory.open(run.path).identity.session == stale.identity.session == 4


def test_search_that_was_enlarged_meanwhile_stays_so(tmp_path):
    search = make_search(tmp_path / "s")
    stale = SearchDirectory.open(search.path)
    search.begin_session([], trials=20)
    search.end_session()
    stale.begin_session([])
    assert SearchDirectory.open(search.path).search.trials == 20


def test_session_of_this_process_keeps_another_of_it_out(run):
    run.begin_session([])
    again, refused = RunDirectory.open(run.path), []

    def begin():
        try:
            again.begin_session([])
        except HeldError as error:
            refused.append(str(error))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    assert len(refused) == 1
    assert refused[0].endswith("is working on it; end its session first")
    run.end_session()
    run.end_session()
    again.begin_session([])
    assert again.identity.session == 2


def test_ended_session_is_not_alive_though_its_process_is(run):
    run.begin_session([])
    run.events_path.touch()
    assert summarize(run).state is State.RUNNING
    run.end_session()
    assert run.holder_alive() is False
    assert summarize(run).state is State.LOST


def test_forked_child_neither_holds_nor_releases(run):
    run.begin_session([])
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            run.end_session()
            os.write(tell, b"ready")
            time.sleep(60)
        os._exit(1)
    try:
        assert os.read(told, 5) == b"ready"
        with pytest.raises(HeldError, match=f"process {os.getpid()}"):
            RunDirectory.open(run.path).begin_session([])
        run.end_session()
        RunDirectory.open(run.path).begin_session([])
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)


def test_started_program_does_not_inherit_the_lock(run):
    run.begin_session([])
    with subprocess.Popen(["sleep", "60"], close_fds=False) as process:
        run.end_session()
        RunDirectory.open(run.path).begin_session([])
        process.kill()


def test_process_of_a_version_without_locks_is_believed(run):
    """It wrote run.json and no lock."""
    with started("RunDirectory", "sys.stdin.readline()") as process:
        identity = json.loads((run.path / "run.json").read_text())
        began = RunDirectory.open(run.path).identity.pid_started
        identity |= {"session": 1, "pid": process.pid, "pid_started": time.time()}
        assert began < identity["pid_started"]
        (run.path / "run.json").write_text(json.dumps(identity))
        with pytest.raises(HeldError, match=f"process {process.pid} of"):
            RunDirectory.open(run.path).begin_session([])
        process.kill()
    RunDirectory.open(run.path).begin_session([])


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b'{"pid": -1}', b"\xff" * 9000, b"0" * 9000])
def test_damaged_lock_file_keeps_nobody_out(run, data):
    (run.path / "lock").write_bytes(data)
    assert run.holder_alive() in (True, False)
    run.begin_session([])
    assert run.holder_alive()


def test_file_that_is_removed_while_it_is_locked_is_not_the_lock(run, monkeypatch):
    """Who locked a file that has no name any more locks the one that has."""
    flock, removed = lock.fcntl.flock, []

    def lock_what_is_removed(descriptor, operation):
        flock(descriptor, operation)
        if not removed:
            removed.append((run.path / "lock").unlink())

    monkeypatch.setattr(lock.fcntl, "flock", lock_what_is_removed)
    run.begin_session([])
    assert removed
    with pytest.raises(HeldError):
        RunDirectory.open(run.path).begin_session([])


def test_file_system_without_locks_says_so_and_believes_the_file(run, monkeypatch):
    def refused(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", refused)
    run.begin_session([])
    assert "locks no files (No locks available)" in run.lock_problem
    assert "begin one at a time" in run.lock_problem
    with pytest.raises(HeldError, match="end its session first"):
        RunDirectory.open(run.path).begin_session([])
    run.end_session()
    assert run.lock_problem == ""
    with started("RunDirectory", "sys.stdin.readline()") as process:
        record = json.loads((run.path / "lock").read_text())
        record |= {"pid": process.pid, "pid_started": time.time(), "ended": 0.0}
        (run.path / "lock").write_text(json.dumps(record))
        with pytest.raises(HeldError, match=f"process {process.pid} of"):
            run.begin_session([])
        process.kill()


def test_folder_that_takes_no_lock_file(run):
    (run.path / "lock").mkdir()
    with pytest.raises(RunError, match=r"lock: cannot be written: Is a directory; make room"):
        run.begin_session([])


def test_run_json_that_cannot_be_written_leaves_no_lock(run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("ris_tf.runlog.rundir.atomic_write", full)
        with pytest.raises(RunError, match=r"run\.json: cannot be written: No space left"):
            run.begin_session([])
    RunDirectory.open(run.path).begin_session([])
