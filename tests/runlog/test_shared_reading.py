"""Processes that read for another one: in order, and none is left behind, whoever is killed."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ris_tf.runlog import shared_reading
from ris_tf.runlog.shared_reading import ReadersLostError, SharedReading

SOON_S = 30
# Blocks that take for ever, as on a disk that does not answer.
PROGRAM = """
import time
from ris_tf.runlog.shared_reading import SharedReading
import slow
reading = SharedReading(slow.read, range(1000))
next(reading)
print(*reading.processes, flush=True)
time.sleep(1000)
"""
SLOW = "import time\ndef read(block): return time.sleep(1000) if block[0] else list(block)"


@pytest.fixture
def reading():
    """A reading of which one block was taken and many are to come: `sorted` returns them."""
    with SharedReading(sorted, range(100_000), processes=2) as made:
        next(made)
        yield made


def gone(pids):
    """Whether there were processes, and they end soon."""
    deadline = time.monotonic() + SOON_S
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(pids) and not any(map(psutil.pid_exists, pids))


def test_blocks_come_in_order_and_the_processes_end(monkeypatch):
    monkeypatch.setattr(shared_reading, "AHEAD", 2)
    with SharedReading(sorted, range(1234), processes=2) as reading:
        blocks = [next(reading)]
        pids = reading.processes
        blocks += reading
        assert gone(pids)
    assert [number for block in blocks for number in block] == list(range(1234))
    assert {len(block) for block in blocks[:-1]} == {shared_reading.TOGETHER}


def test_they_read_no_further_ahead_than_is_useful(reading):
    deadline = time.monotonic() + SOON_S
    while len(reading._results) < shared_reading.AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(reading._results) == shared_reading.AHEAD


def test_after_one_was_killed_nobody_waits_and_the_others_end(reading):
    pids = reading.processes
    os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(ReadersLostError):
        list(reading)
    assert gone(pids)


def test_closing_ends_them(reading):
    pids = reading.processes
    reading.close()
    assert gone(pids)
    with pytest.raises(ReadersLostError):
        list(reading)


def test_an_error_of_what_reads_is_a_loss(capfd):
    with pytest.raises(ReadersLostError):
        list(SharedReading(sum, [["no number"]]))
    assert "TypeError" in capfd.readouterr().err  # a fault of ours: its place is on the terminal


def test_where_no_process_can_be_started_nobody_waits(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/there/is/none")
    with pytest.raises(ReadersLostError):
        list(SharedReading(sorted, range(1000)))


def test_whoever_is_killed_outright_leaves_none_behind_even_in_a_block(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    command, environment = [sys.executable, "-c", PROGRAM], {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        pids = list(map(int, process.stdout.readline().split()))
        process.kill()
    assert gone(pids)


@pytest.mark.parametrize("module", ["gui.models.rows", "ris_tf.cli.runs_table"])
def test_what_they_import_is_little(module):
    heavy = "{'tensorflow', 'keras', 'PySide6', 'pydantic', 'rich', 'typer', 'ruamel'}"
    program = f"import sys, {module}; print(*{heavy} & sys.modules.keys())"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")
