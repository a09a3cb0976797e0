"""Processes that the monitor starts and ends."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from gui.models.commands import Command
from gui.processes import Process, kill
from ris_tf.runlog import RunError


class Python(Command):
    """Python instead of `ris-tf`: its words are a program."""

    @property
    def argv(self):
        return [sys.executable, "-c", *self.words]


def ended(started):
    until = time.monotonic() + 20
    while started.exit_code() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return started.exit_code()


def test_what_a_refused_command_printed_is_known():
    started = Process(Command(("train", "no-such.yaml")))
    assert ended(started) == 2
    assert started.last_line() == (
        "ris-tf: no-such.yaml: cannot be read: No such file or directory; "
        "give the path of a YAML file"
    )


def test_a_process_of_its_own_group_without_input():
    program = "import os, sys; print(os.getpgrp() == os.getpid(), sys.stdin.read() == '')"
    started = Process(Python((program,)))
    assert ended(started) == 0
    assert started.last_line() == "True True"


def test_much_output_does_not_stop_it():
    started = Process(Python(("print('x' * 10_000_000); print('end')",)))
    assert ended(started) == 0
    assert started.last_line() == "end"


def test_a_command_that_cannot_be_started(tmp_path):
    with pytest.raises(RunError, match="cannot be started"):
        Process(Python(("1",)), tmp_path / "none")


@pytest.fixture
def sleeper():
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    yield process
    process.kill()
    process.wait()


def test_kill_ends_the_process_of_the_run(fake_run, sleeper):
    run = fake_run().folder
    started = psutil.Process(sleeper.pid).create_time()
    run.identity = replace(run.identity, pid=sleeper.pid, pid_started=started)
    kill(run)
    assert sleeper.wait(10) == -9


def test_kill_spares_a_process_that_has_the_number_now(fake_run, sleeper):
    run = fake_run().folder
    run.identity = replace(run.identity, pid=sleeper.pid, pid_started=1.0)
    with pytest.raises(RunError, match="gone already"):
        kill(run)
    assert sleeper.poll() is None


@pytest.mark.parametrize("pid", [0, 1, -1, 2**70])
def test_kill_refuses_numbers_that_are_no_process_of_a_run(fake_run, pid):
    run = fake_run().folder
    run.identity = replace(run.identity, pid=pid, pid_started=time.time())
    with pytest.raises(RunError, match="gone already"):
        kill(run)
    assert os.getpid()


def test_kill_names_the_other_machine(fake_run):
    run = fake_run().folder
    run.identity = replace(run.identity, host="cluster-17")
    with pytest.raises(RunError, match="runs on cluster-17; kill process"):
        kill(run)
