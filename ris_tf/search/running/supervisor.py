"""Several workers on one machine: a chief and workers, started again where they die."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import StopSignals
from ris_tf.process import CHECKPOINT
from ris_tf.registry import named_plugins
from ris_tf.runlog import RunError
from ris_tf.search import SearchDirectory
from ris_tf.search.ending import STOPPED, Ending
from ris_tf.search.running.workers import ADDRESS, ID, LOOK_S, MODULE, PORT, STOPPED_S

RESTARTS = 5  # of a process that died, in a row without a trial more


def supervise(search: SearchDirectory, workers: int, reporter: Reporter) -> Ending | None:
    """Start a chief and workers here, and again those that die; why it ended early, or nothing.

    Raises:
        RunError: one of them dies again and again.
    """
    remaining = search.search.trials - sum(trial.settled for trial in search.trials())
    workers = max(min(workers, remaining), 1)
    signals = StopSignals(b"\nstopping with a checkpoint of every trial\n")
    environment = {**os.environ, ADDRESS: "127.0.0.1", PORT: str(_free_port())}
    names = ["chief", *(f"worker{number}" for number in range(1, workers + 1))]
    cores = _shares(workers)
    processes = {name: _Process(name, search.path, environment, cores.get(name)) for name in names}
    with signals.caught():
        try:
            while any(processes[name].running(signals, search) for name in names[1:]):
                time.sleep(LOOK_S)
                wanted, signals.checkpoint = signals.checkpoint, False
                for name in names[1:] if wanted else ():
                    processes[name].send(CHECKPOINT[0])
                if signals.received and not search.stop_requested():
                    search.request_stop()
                if not search.stop_requested():
                    for process in processes.values():
                        process.restart_if_dead(search, reporter)
        finally:
            for process in processes.values():
                process.end()
    if signals.received:
        return Ending(signals.cause, f"interrupted by {signals.received}")
    return STOPPED if search.stop_requested() else None


class _Process:
    """A chief or worker of this machine."""

    def __init__(
        self, name: str, search: Path, environment: dict[str, str], cores: list[int] | None
    ):
        self.name = name
        self.cores = cores
        words = [str(search.resolve()), str(os.getpid()), *named_plugins()]
        self._command = [sys.executable, "-m", MODULE, *words]
        self._environment = {**environment, ID: name}
        self._deaths = self._ended = 0
        self._process = self._started()

    def running(self, signals: StopSignals, search: SearchDirectory) -> bool:
        """Whether it has work, or will be started again, which it is not where the search stops."""
        code = self._process.poll()
        stopping = signals.received or search.stop_requested()
        return code is None or (code != 0 and not stopping)

    def restart_if_dead(self, search: SearchDirectory, reporter: Reporter) -> None:
        """Start it again where it died, unless that helps nothing."""
        code = self._process.poll()
        if not code:
            return
        ended = sum(trial.settled for trial in search.trials())
        self._deaths = self._deaths + 1 if ended == self._ended else 1
        self._ended = ended
        if self._deaths > RESTARTS:
            problem = f"ended {RESTARTS} times with exit code {code}"
            raise RunError(problem, source=self.name, remedy="see its lines above")
        reporter.say(f"{self.name} ended with exit code {code}; started again", "warning")
        self._process = self._started()

    def send(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def end(self) -> None:
        """End it: a worker checkpoints its trial, a chief has nothing to lose."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOPPED_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _started(self) -> subprocess.Popen:
        process = subprocess.Popen(self._command, env=self._environment)
        if self.cores:
            with suppress(psutil.Error, AttributeError):  # macOS pins no process
                psutil.Process(process.pid).cpu_affinity(self.cores)
        return process


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


def _shares(workers: int) -> dict[str, list[int]]:
    """Cores of each worker: all of them dealt out in turn, at least one each."""
    try:
        cores = sorted(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return {}
    shares = {number: cores[number - 1 :: workers] for number in range(1, workers + 1)}
    return {
        f"worker{number}": share or [cores[number % len(cores)]] for number, share in shares.items()
    }
