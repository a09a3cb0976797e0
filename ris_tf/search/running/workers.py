"""Who does what in a search: one process alone, or keras-tuner's chief and workers over gRPC.

The chief draws trials and answers; workers train them. On several machines the environment says
which one this is, as keras-tuner has it; on one machine `supervise` starts them all. The search's
folder must be the same one everywhere. Any of them may die: what they know is in the trials' files.
"""

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ris_tf.config import ConfigError
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import StopSignals
from ris_tf.errors import UserError
from ris_tf.process import (
    INTERRUPTED,
    REQUEUE,
    Preempted,
    ended_by_signals,
    keep_output_going,
    tolerate_full_disk,
)
from ris_tf.registry import load_plugins, require_plugins
from ris_tf.runlog import Cause, RunError
from ris_tf.runlog.state import SILENT_S
from ris_tf.search import SearchDirectory, TrialState
from ris_tf.search.directory import SEARCH_FILE
from ris_tf.search.ending import STOPPED, Ending
from ris_tf.search.running.outcome import repair
from ris_tf.search.running.pruning import given_up
from ris_tf.search.running.results import write_results

if TYPE_CHECKING:
    from ris_tf.search.running.tuner import TrialTuner

ID, ADDRESS, PORT = (f"KERASTUNER_{name}" for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT"))
LOOK_S = 0.5
VISIBLE_S = 600.0  # that a worker waits for the chief to make the search's folder
PATIENCE_S = 3.0  # in which a worker without a trial may end by itself
STOPPING = b"\nstopping with a checkpoint; again to stop at once\n"
MODULE = "ris_tf.search.running.workers"  # what `supervise` starts
STOPPED_S = 600.0  # that trials have to come to the end of their window


@dataclass(frozen=True)
class Role:
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
    def of_environment(cls) -> "Role":
        """The role that keras-tuner's variables name.

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
                f"is not set, but {next(name for name in given if given[name])} is",
                key=missing[0],
                remedy=f"a search on several machines needs {ID} (chief, worker0, ...), {ADDRESS} "
                f"and {PORT}",
            )
        if not given[PORT].isdecimal() or not 0 < int(given[PORT]) < 1 << 16:
            allowed = "must be a port, 1 to 65535"
            raise ConfigError(key=PORT, value=given[PORT], allowed=allowed)
        return cls(given[ID], "chief" in given[ID])


def run_role(
    search: SearchDirectory,
    role: Role,
    reporter: Reporter,
    quiet: bool = True,
    supervisor: int | None = None,
) -> Ending | None:
    """Do the work of a role until the search ends; why it ended early, `None` if it did not.

    Args:
        search: the search.
        role: which process this is.
        reporter: what a person sees.
        quiet: trials print nothing themselves.
        supervisor: process that started this one and ends it; with it, this one ends, too.

    Raises:
        RunError: a folder or file cannot be used, or the chief cannot be reached.
        KeyboardInterrupt: interrupted twice.
    """
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    import grpc
    from keras_tuner.errors import FatalError

    from ris_tf.search.running.oracle import make_oracle
    from ris_tf.search.running.tuner import SearchStopped, TrialTuner

    config = search.config()
    signals = StopSignals(STOPPING)
    oracle = make_oracle(search, config, remember=not role.works)
    tuner = TrialTuner(oracle, search, config, reporter, signals, quiet)
    if role.chief:
        return _answer_workers(tuner, search, reporter, supervisor)
    if role.works:
        watch = (tuner, search, signals, supervisor)
        threading.Thread(target=_leave_when_asked, args=watch, daemon=True).start()
    try:
        with signals.caught():
            tuner.search()
    except SearchStopped as stopped:
        return stopped.ending
    except FatalError as error:
        raise RunError(str(error)) from error
    except grpc.RpcError as error:
        why = error.details() if isinstance(error, grpc.Call) else error
        raise RunError(
            f"does not answer: {why}",
            source=f"the chief at {os.environ.get(ADDRESS)}:{os.environ.get(PORT)}",
            remedy="start it, then this",
        ) from error
    return None


def _answer_workers(
    tuner: "TrialTuner", search: SearchDirectory, reporter: Reporter, supervisor: int | None
) -> Ending | None:
    """The chief's work."""
    address = f"{os.environ[ADDRESS]}:{os.environ[PORT]}"
    reporter.say(f"chief at {address}, waiting for workers")
    watch = (search, supervisor)
    threading.Thread(target=_interrupt_when_asked, args=watch, daemon=True).start()
    try:
        tuner.search()
    except KeyboardInterrupt:
        return STOPPED if search.stop_requested() else Ending(Cause.SIGNAL, "interrupted")
    except Preempted as end:
        return Ending(Cause.PREEMPTED, f"interrupted by {end.by}")
    except RuntimeError as error:
        raise RunError(
            f"nothing can listen at {address}: {error}",
            key=f"{ADDRESS} and {PORT}",
            remedy="choose another port",
        ) from error
    return None


def _interrupt_when_asked(search: SearchDirectory, supervisor: int | None) -> None:
    """End a chief whose search stops, or whose supervisor, which would end it, is gone."""
    while not (search.stop_requested() if supervisor is None else os.getppid() != supervisor):
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
    ending = Ending(signals.cause, signals.received) if signals.received else STOPPED
    os._exit(ending.exit_code)


def begin(search: SearchDirectory, trials: int, command: list[str], role: Role) -> list[str]:
    """Take up a search in this process; what a person should know of it, line by line.

    Raises:
        RunError: another living process works on it, or its folder takes no file.
    """
    search.begin_session(command, trials, alone=not role.name)
    _wait_for_others(search)
    search.clear_stop()
    lines = [search.lock_problem] if search.lock_problem else []
    lines += repair(search, search.config())
    _release(search, others=bool(role.name))
    return lines


def _wait_for_others(search: SearchDirectory) -> None:
    """Let processes of a supervisor that was killed come to their end: they see that it is gone."""
    until = time.monotonic() + STOPPED_S
    while alive := _processes_here(search):
        if time.monotonic() > until:
            problem = f"process {alive[0]} of a search before is still working on it"
            raise RunError(problem, source=str(search.path), remedy="end that process first")
        time.sleep(LOOK_S)


def _processes_here(search: SearchDirectory) -> list[int]:
    """Processes of this machine that `supervise` started for a search."""
    wanted = [MODULE, str(search.path.resolve())]
    processes = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if line[2:4] == wanted and process.pid != os.getpid():
            processes.append(process.pid)
    return processes


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
        search.write_trial(
            replace(trial, state=TrialState.WAITING, worker="", reason="", cause=None)
        )


def _silent(path: Path | None) -> bool:
    stamps = [file.stat().st_mtime for file in path.glob("*") if file.is_file()] if path else []
    return time.time() - max(stamps, default=0.0) > SILENT_S


def wait_for_search(path: Path, reporter: Reporter) -> SearchDirectory:
    """The search that the chief makes, as a worker sees it.

    Raises:
        RunError: it does not appear.
    """
    until, announced = time.monotonic() + VISIBLE_S, False
    while not (path / SEARCH_FILE).exists() or (path / "stop").exists():
        if time.monotonic() > until:
            raise RunError(
                f"no chief began a search in {VISIBLE_S:.0f} s",
                source=str(path),
                remedy="start it, and give all of them the same --runs-dir and --name on a file "
                "system that all can read",
            )
        if not announced:
            reporter.say(f"waiting for the chief to begin with {path}")
        announced = True
        time.sleep(LOOK_S)
    search = SearchDirectory.open(path)
    require_plugins(search.search.plugins, str(path))
    return search


def finish(search: SearchDirectory) -> Ending | None:
    """Write the results, and say why the search gave up, or nothing."""
    write_results(search, search.config())
    return given_up(search.trials(), search.search.pid_started)


def main() -> None:
    """A chief or worker that `supervise` started."""
    keep_output_going()
    tolerate_full_disk()
    search = SearchDirectory.open(Path(sys.argv[1]))
    with Reporter(search.path / "console.log") as reporter:
        try:
            with ended_by_signals():
                load_plugins(sys.argv[3:])
                run_role(search, Role.of_environment(), reporter, supervisor=int(sys.argv[2]))
        except UserError as error:
            reporter.say(str(error), "error")
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except Preempted:
            sys.exit(REQUEUE)


if __name__ == "__main__":
    main()
