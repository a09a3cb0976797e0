"""Who does what in a search: one process alone, or keras-tuner's chief and workers over gRPC.

The chief draws trials and answers; workers train them. On several machines the environment says
which one this is, as keras-tuner has it; on one machine `supervise` starts them all. The search's
folder must be the same one everywhere. Any of them may die: what they know is in the trials' files.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ris_tf.config import ConfigError
from ris_tf.runlog import RunError, SearchDirectory, TrialState
from ris_tf.runlog.search import SEARCH_FILE
from ris_tf.runlog.state import SILENT_S
from ris_tf.training.reporter import Reporter
from ris_tf.training.stopping import StopSignals
from ris_tf.tuning.outcome import repair
from ris_tf.tuning.pruning import given_up
from ris_tf.tuning.results import write_results

if TYPE_CHECKING:
    from ris_tf.tuning.tuner import TrialTuner

ID, ADDRESS, PORT = (f"KERASTUNER_{name}" for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT"))
LOOK_S = 0.5
VISIBLE_S = 600.0  # that a worker waits for the chief to make the search's folder
RESTARTS = 5  # of a process that died, in a row without a trial more
PATIENCE_S = 3.0  # that a worker has to leave of itself
INTERRUPTED = 130  # exit code
MODULE = "ris_tf.tuning.workers"  # what `supervise` starts
STOPPED_S = 600.0  # that trials have to come to the end of their window


@dataclass(frozen=True)
class Part:
    """Which process of a search this is.

    Attributes:
        name: id of the worker; empty where there is one process alone.
        chief: whether it draws the trials for the others.
    """

    name: str = ""
    chief: bool = False

    @property
    def works(self) -> bool:
        """Whether it is a worker of a chief."""
        return bool(self.name) and not self.chief

    @classmethod
    def of_environment(cls) -> "Part":
        """The part that keras-tuner's variables name.

        Raises:
            ConfigError: some of them are missing, or the port is no number.
        """
        given = {name: os.environ.get(name, "") for name in (ID, ADDRESS, PORT)}
        for name in (name for name, value in given.items() if not value):
            os.environ.pop(name, None)  # keras-tuner takes an empty one for set
        if not any(given.values()):
            return cls()
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise ConfigError(
                f"{missing[0]}: is not set, but {next(n for n in given if given[n])} is; a search "
                f"on several machines needs {ID} (chief, worker0, ...), {ADDRESS} and {PORT}"
            )
        if not given[PORT].isdecimal() or not 0 < int(given[PORT]) < 1 << 16:
            raise ConfigError(f"{PORT} = {given[PORT]!r}: must be a port, 1 to 65535")
        return cls(given[ID], "chief" in given[ID])


def take_part(
    search: SearchDirectory,
    part: Part,
    reporter: Reporter,
    quiet: bool = True,
    supervisor: int | None = None,
) -> str:
    """Do a part's work until the search ends; why it was left before, empty where it was not.

    Args:
        search: the search.
        part: which part.
        reporter: what a person sees.
        quiet: trials print nothing themselves.
        supervisor: process that started this one and ends it; with it, this one ends, too.

    Raises:
        RunError: a folder or file cannot be used, or the chief cannot be reached.
        KeyboardInterrupt: interrupted twice.
    """
    from ris_tf.training.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    import grpc
    from keras_tuner.errors import FatalError

    from ris_tf.tuning.oracle import make_oracle
    from ris_tf.tuning.tuner import SearchStopped, TrialTuner

    config = search.config()
    signals = StopSignals(
        b"\nstopping with a checkpoint; again to stop at once\n" * (not part.chief)
    )
    oracle = make_oracle(search, config, remember=not part.works)
    tuner = TrialTuner(oracle, search, config, reporter, signals, quiet)
    if part.chief:
        return _answer_workers(tuner, search, reporter, supervisor)
    if part.works:
        watch = (tuner, search, signals, supervisor)
        threading.Thread(target=_leave_when_asked, args=watch, daemon=True).start()
    try:
        with signals.caught():
            tuner.search()
    except SearchStopped as stopped:
        return str(stopped)
    except FatalError as error:
        raise RunError(str(error)) from error
    except grpc.RpcError as error:
        raise RunError(
            f"the chief at {os.environ.get(ADDRESS)}:{os.environ.get(PORT)} does not answer: "
            f"{error.details() if isinstance(error, grpc.Call) else error}; start it, then this"
        ) from error
    return ""


def _answer_workers(
    tuner: "TrialTuner", search: SearchDirectory, reporter: Reporter, supervisor: int | None
) -> str:
    """The chief's work."""
    address = f"{os.environ[ADDRESS]}:{os.environ[PORT]}"
    reporter.say(f"chief at {address}, waiting for workers")
    watch = (search, supervisor)
    threading.Thread(target=_interrupt_when_asked, args=watch, daemon=True).start()
    try:
        tuner.search()
    except KeyboardInterrupt:
        return "stopped on request" if search.stop_requested() else "interrupted"
    except RuntimeError as error:
        raise RunError(
            f"{ADDRESS} and {PORT}: nothing can listen at {address}: {error}; choose another port"
        ) from error
    return ""


def _interrupt_when_asked(search: SearchDirectory, supervisor: int | None) -> None:
    """End a chief where the search stops, or where its supervisor is gone, who does it else."""
    while not search.stop_requested() if supervisor is None else os.getppid() == supervisor:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGINT)


def _leave_when_asked(
    tuner: "TrialTuner", search: SearchDirectory, signals: StopSignals, supervisor: int | None
) -> None:
    """End a worker that should stop and has no trial: it may wait for a chief that is gone.

    One that has a trial sees itself that it should stop.
    """
    idle = 0.0
    while idle < PATIENCE_S:
        time.sleep(LOOK_S)
        if supervisor is not None and os.getppid() != supervisor:
            signals.received = signals.received or "the end of its search"
        asked = signals.received or search.stop_requested()
        idle = idle + LOOK_S if asked and not tuner.busy else 0.0
    os._exit(INTERRUPTED if signals.received else 0)


def begin(search: SearchDirectory, trials: int, command: list[str], part: Part) -> list[str]:
    """Take up a search in this process; what a person should know of it, line by line.

    Raises:
        RunError: another living process works on it, or its folder takes no file.
    """
    search.begin_session(command, trials, alone=not part.name)
    _wait_for_parts(search)
    search.clear_stop()
    lines = repair(search, search.config())
    _release(search, others=bool(part.name))
    return lines


def _wait_for_parts(search: SearchDirectory) -> None:
    """Let processes of a supervisor that was killed come to their end: they see that it is gone."""
    until = time.monotonic() + STOPPED_S
    while alive := _parts_here(search):
        if time.monotonic() > until:
            raise RunError(
                f"{search.path}: process {alive[0]} of a search before is still working on it; "
                "end that first"
            )
        time.sleep(LOOK_S)


def _parts_here(search: SearchDirectory) -> list[int]:
    """Processes of this machine that `supervise` started for a search."""
    wanted = [MODULE, str(search.path.resolve())]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if line[2:4] == wanted and process.pid != os.getpid():
            found.append(process.pid)
    return found


def _release(search: SearchDirectory, others: bool) -> None:
    """Take trials from workers that are gone.

    Args:
        others: workers on other machines may live on; only those long silent are gone.
    """
    for trial in search.trials():
        if trial.settled or not trial.worker:
            continue
        if others and not (trial.state == TrialState.LOST and _silent(trial.path)):
            continue
        search.write_trial(replace(trial, state=TrialState.WAITING, worker="", reason=""))


def _silent(path: Path | None) -> bool:
    stamps = [file.stat().st_mtime for file in path.glob("*") if file.is_file()] if path else []
    return time.time() - max(stamps, default=0.0) > SILENT_S


def wait_for_search(path: Path, reporter: Reporter) -> SearchDirectory:
    """The search that the chief makes, seen from a worker.

    Raises:
        RunError: it does not appear.
    """
    until, told = time.monotonic() + VISIBLE_S, False
    while not (path / SEARCH_FILE).exists() or (path / "stop").exists():
        if time.monotonic() > until:
            raise RunError(
                f"{path}: no chief began a search in {VISIBLE_S:.0f} s; start it, and give all of "
                "them the same --runs-dir and --name on a file system that all see"
            )
        if not told:
            reporter.say(f"waiting for the chief to begin with {path}")
        told = True
        time.sleep(LOOK_S)
    return SearchDirectory.open(path)


# -- several workers on one machine -----------------------------------------------------------


def supervise(search: SearchDirectory, workers: int, reporter: Reporter) -> str:
    """Start a chief and workers here, and again those that die; why it ended early, or nothing.

    Raises:
        RunError: one of them dies again and again.
    """
    left = search.search.trials - sum(trial.settled for trial in search.trials())
    workers = max(min(workers, left), 1)
    signals = StopSignals(b"\nstopping with a checkpoint of every trial\n")
    environment = {**os.environ, ADDRESS: "127.0.0.1", PORT: str(_free_port())}
    names = ["chief", *(f"worker{number}" for number in range(1, workers + 1))]
    cores = _shares(workers)
    parts = {name: _Process(name, search.path, environment, cores.get(name)) for name in names}
    with signals.caught():
        try:
            while any(parts[name].running(signals, search) for name in names[1:]):
                time.sleep(LOOK_S)
                if signals.received and not search.stop_requested():
                    search.request_stop()
                if not search.stop_requested():
                    for part in parts.values():
                        part.restart_if_dead(search, reporter)
        finally:
            for part in parts.values():
                part.end()
    if signals.received:
        return f"interrupted by {signals.received}"
    return "stopped on request" if search.stop_requested() else ""


class _Process:
    """A chief or worker of this machine."""

    def __init__(
        self, name: str, search: Path, environment: dict[str, str], cores: list[int] | None
    ):
        self.name = name
        self.cores = cores
        self._command = [sys.executable, "-m", MODULE, str(search.resolve()), str(os.getpid())]
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
            raise RunError(f"{self.name} ended {RESTARTS} times with exit code {code}; see above")
        reporter.say(f"{self.name} ended with exit code {code}; started again", "warning")
        self._process = self._started()

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


def finish(search: SearchDirectory) -> str:
    """Write the results, and say why the search gave up, or nothing."""
    write_results(search, search.config())
    return given_up(search.trials(), search.search.pid_started)


def main() -> None:
    """A chief or worker that `supervise` started."""
    search = SearchDirectory.open(Path(sys.argv[1]))
    with Reporter(search.path / "console.log") as reporter:
        try:
            take_part(search, Part.of_environment(), reporter, supervisor=int(sys.argv[2]))
        except ConfigError as error:
            reporter.say(str(error), "error")
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
