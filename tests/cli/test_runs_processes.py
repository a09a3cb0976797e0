"""`ris-tf runs` reads in several processes: whichever of them is killed, nothing hangs."""

import subprocess
import sys

import psutil
import pytest

from ris_tf.cli import runs
from ris_tf.runlog import shared_reading

PROGRAM = """
import sys
from ris_tf.cli import runs
from ris_tf.cli.main import main
from ris_tf.runlog import shared_reading
runs.TOGETHER_S, shared_reading.MANY, shared_reading.TOGETHER = 0.0, 1, 1
runs._runs_of = lambda folder: [str(folder)] * 100_000
sys.argv = ["ris-tf", "runs", sys.argv[1]]
main()
"""
SOON_S = 30


@pytest.fixture
def one(make_run):
    """A run's folder."""
    return make_run().path


@pytest.fixture
def reading(one):
    """A process that prints rows and rows, its output, and the processes that read for it."""
    command = [sys.executable, "-c", PROGRAM, str(one)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"run ")
        assert process.stdout.readline().startswith(str(one).encode())
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        yield process, workers
        process.kill()


def test_killed_processes_leave_their_rows_to_the_one_that_prints(one, monkeypatch):
    monkeypatch.setattr(shared_reading, "MANY", 1)
    monkeypatch.setattr(shared_reading, "TOGETHER", 1)
    others = psutil.Process().children()  # those that other tests' commands are forked from
    rows = runs._rows([str(one)] * 200)
    first = next(rows)
    workers = [child for child in psutil.Process().children() if child not in others]
    assert workers
    for worker in workers:
        worker.kill()
    assert [first, *rows] == [first] * 200


def test_without_a_reader_all_of_them_end(reading):
    """`ris-tf runs | head -2`."""
    process, workers = reading
    process.stdout.close()
    assert process.wait(SOON_S) == 0
    assert not psutil.wait_procs(workers, SOON_S)[1]


def test_none_outlives_the_one_that_prints(reading):
    process, workers = reading
    process.kill()
    process.wait(SOON_S)
    assert not psutil.wait_procs(workers, SOON_S)[1]
