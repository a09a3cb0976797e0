"""Runs that something happens to: start them, break them, go on with them, compare them."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from ris_tf.runlog import RunDirectory, RunLog, read_run_log

FULL = os.environ.get("RIS_FAULTS") == "full"  # set by conftest.py
SEED = int(os.environ.get("RIS_FAULTS_SEED", "0"))  # other kill points of the full form
KILLED = -signal.SIGKILL
HANGS_AFTER_S = 300
# Files whose statements are where a kill could do harm, and the share of kills that they get.
DELICATE, DELICATE_SHARE = ("checkpoint.", "atomic.", "writer.", "session."), 0.7
QUICK = (
    "training.compile=false",
    *(f"objective.weights.{term}=0" for term in ("angle", "range", "chamfer", "count", "cross")),
    "objective.weights.orthogonality=0",
)


def seeds(short: int, full: int) -> list[int]:
    """Numbers of the random trials of this form."""
    return list(range(full if FULL else short))


def random_of(name: str, seed: int) -> random.Random:
    """The draws of one trial, the same in every process."""
    return random.Random(f"{name} {seed} {SEED}")


# -- children -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a child, and where.

    Attributes:
        place: `module.function:line`, or the beginning of it.
        call: or a function of `os`, at which the process dies.
        nth: which time it comes there.
        deed: at a place: `kill`, `fill`, `raise`, `stop`, `SIGINT`, `SIGTERM`, `SIGINT twice`.
        when: of a call: `before`, `half`, `after`.
        seconds: or after a time from outside: `kill`, or `stop` with a `file`.
        folder: what is filled is its disk.
        spare: bytes left free there.
        file: what `stop` makes.
        count: nothing goes wrong; the places are written to this file.
    """

    place: str = ""
    call: str = ""
    nth: int = 1
    deed: str = "kill"
    when: str = "before"
    seconds: float = 0.0
    folder: str = ""
    spare: int = 0
    file: str = ""
    count: str = ""

    def request(self) -> dict:
        """What a child is told."""
        return {name: value for name, value in vars(self).items() if value}

    def __str__(self) -> str:
        if self.seconds:
            return f"{self.deed} after {self.seconds:.2f} s"
        if self.call:
            return f"{self.deed} {self.when} os.{self.call} #{self.nth}"
        return f"{self.deed} at {self.place} #{self.nth}"


NOTHING = Fault()


@dataclass(frozen=True)
class Ended:
    """What a child left.

    Attributes:
        code: exit code, negative for a signal.
        out, errors: what it printed.
        seconds: how long it took.
    """

    code: int
    out: str
    errors: str
    seconds: float

    @property
    def terminal(self) -> str:
        """Everything that a person saw."""
        return self.out + self.errors

    def line(self, *words: str) -> str:
        """The one line with all of these words; asserts that there is one."""
        found = [line for line in self.terminal.splitlines() if all(w in line for w in words)]
        assert len(found) == 1, (words, self.terminal)
        return found[0]


class Starter:
    """Starts `ris-tf` in forks of one process that has imported TensorFlow (child.py)."""

    def __init__(self, folder: Path):
        self.folder = folder
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"}
        self._errors = (folder / "starter.txt").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,
        )
        self._answer("pid")

    def _answer(self, name: str) -> int:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, (self.folder / "starter.txt").read_text()[-2000:]
        return json.loads(line)[name]

    def close(self) -> None:
        """End the process that is forked."""
        self._process.communicate()
        self._errors.close()

    def run(
        self, *arguments: object, cwd: Path, fault: Fault = NOTHING, quick: bool = True
    ) -> Ended:
        """`ris-tf` with these arguments, to its end.

        Args:
            arguments: of the command.
            cwd: where it is typed.
            fault: what happens to it.
            quick: scenes from a table, which are traced sooner than simulated ones.
        """
        request = {
            "arguments": [str(argument) for argument in arguments],
            "cwd": str(cwd),
            "out": str(self.folder / "out.txt"),
            "errors": str(self.folder / "errors.txt"),
            "quick": quick,
            "fault": {} if fault.seconds else fault.request(),
        }
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        pid, began = self._answer("pid"), time.monotonic()
        with _after(HANGS_AFTER_S, lambda: _kill(pid)), _after(fault.seconds, _deed(fault, pid)):
            code = self._answer("status")
        seconds = time.monotonic() - began
        assert seconds < HANGS_AFTER_S, f"hangs: {fault}"
        out, errors = (
            (self.folder / name).read_text(errors="replace") for name in ("out.txt", "errors.txt")
        )
        return Ended(code, out, errors, seconds)


@contextmanager
def _after(seconds: float, deed: Callable[[], None]) -> Iterator[None]:
    """Do something in a while, unless what runs meanwhile ends first; never for 0 seconds."""
    timer = threading.Timer(seconds, deed)
    if seconds:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _deed(fault: Fault, pid: int) -> Callable[[], None]:
    if fault.deed == "stop":
        return lambda: _touch(Path(fault.file))
    return lambda: _kill(pid)


def _touch(stop: Path) -> None:
    with suppress(FileNotFoundError):  # the run's folder is not there yet
        stop.touch()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# -- runs -----------------------------------------------------------------------------------------


@dataclass
class Trial:
    """One run, and all that happens to it.

    Args:
        starter: starts its processes.
        config: the configuration file.
        path: the run's folder, in the folder of runs.
        overrides: of the configuration.
        quick: scenes from a table.
    """

    starter: Starter
    config: Path
    path: Path
    overrides: Sequence[str] = QUICK
    quick: bool = True
    story: list[str] = field(default_factory=list)

    def begin(self, fault: Fault = NOTHING) -> Ended:
        """Train from the configuration."""
        sets = [word for override in self.overrides for word in ("--set", override)]
        where = ("--runs-dir", self.path.parent, "--name", self.path.name)
        return self._run(("train", self.config, *sets, *where), fault)

    def resume(self, fault: Fault = NOTHING) -> Ended:
        """Go on from the last checkpoint."""
        return self._run(("train", "--resume", self.path), fault)

    def go_on(self, fault: Fault = NOTHING) -> Ended:
        """What a person does after a kill: resume the run, or begin it if it is not there."""
        return self.resume(fault) if self.path.exists() else self.begin(fault)

    def _run(self, arguments: tuple, fault: Fault) -> Ended:
        ended = self.starter.run(
            *arguments, cwd=self.path.parent, fault=fault, quick=self.quick
        )
        self.story.append(f"{fault}: exit {ended.code} after {ended.seconds:.1f} s")
        return ended

    def log(self) -> RunLog:
        """Its event log, which must be readable at any time."""
        return read_run_log(self.path / "events.jsonl")

    def finished(self) -> bool:
        """Whether its last process came to the end."""
        end = self.log().end if self.path.exists() else None
        return end is not None and end.reason in ("finished", "early")

    def finish(self) -> Ended | None:
        """Go on until the end; `None` where it was there already."""
        if self.finished():
            return None
        ended = self.go_on()
        assert ended.code == 0, (self.story, ended.terminal)
        return ended

    def shown(self, line: str) -> str:
        """A line as in the table: `RUN` for the run's folder."""
        return line.strip().replace(str(self.path), "RUN")

    def last_line(self, ended: Ended, *words: str) -> str:
        """The line of a process with these words, as in the table."""
        return self.shown(ended.line(*words))


# -- comparing ------------------------------------------------------------------------------------


def differences(run: Path, reference: Path) -> list[str]:
    """What a run has differently from one that nothing happened to; times aside."""
    ours, theirs = read_run_log(run / "events.jsonl"), read_run_log(reference / "events.jsonl")
    found = [
        f"log: {name}: {_short(mine)} instead of {_short(other)}"
        for (name, mine), (_, other) in zip(_told(ours), _told(theirs), strict=True)
        if mine != other
    ]
    if ours.values.tobytes() != theirs.values.tobytes():
        found.append("log: values of the steps")
    return found + _arrays_differ(run, reference) + _best_differs(run, reference)


def _told(log: RunLog) -> list[tuple[str, list]]:
    """What a log says, without its times."""
    return [
        ("steps", log.steps.tolist()),
        ("epochs of steps", log.epochs.tolist()),
        ("series", log.names),
        ("epoch events", [(e.epoch, e.step, e.untrained) for e in log.epoch_ends]),
        ("validations", [(v.epoch, v.step, v.weights, v.values) for v in log.validations]),
        ("phases", [(p.step, p.epoch, p.what, p.text) for p in log.phases]),
        ("end", [log.end.reason, log.end.step] if log.end else []),
    ]


def _short(value: object) -> str:
    return str(value) if len(str(value)) < 300 else f"{str(value)[:300]}..."


def _arrays_differ(run: Path, reference: Path) -> list[str]:
    (ours, at), (theirs, wanted) = (
        checkpoint(folder / "checkpoints" / "last.npz") for folder in (run, reference)
    )
    if sorted(ours) != sorted(theirs):
        return [f"checkpoint: arrays {sorted(set(ours) ^ set(theirs))}"]
    found = [f"checkpoint: {name}" for name in ours if not same_bits(ours[name], theirs[name])]
    return found + [f"progress: {name}" for name in wanted if at.get(name) != wanted[name]]


def checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays of a checkpoint, and its progress without the length of the log."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    progress = json.loads(str(arrays.pop("progress")[()]))
    progress.pop("events_length")
    return arrays, progress


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same, zeros' signs and NaNs included."""
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _best_differs(run: Path, reference: Path) -> list[str]:
    ours, theirs = (_network(folder / "checkpoints" / "best.keras") for folder in (run, reference))
    if sorted(ours) != sorted(theirs):
        return [f"best.keras: weights {sorted(set(ours) ^ set(theirs))}"]
    return [f"best.keras: {name}" for name in ours if not same_bits(ours[name], theirs[name])]


def _network(path: Path) -> dict[str, np.ndarray]:
    """Weights in a `.keras` file."""
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with zipfile.ZipFile(path) as archive:
        weights = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(keep)
    return arrays


# -- where and when -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ways:
    """Where an uninterrupted run can be killed.

    Attributes:
        places: every statement that it came by, in order, with repetitions.
        calls: how often it called the functions of `os`.
        seconds: how long it took.
    """

    places: list[str]
    calls: dict[str, int]
    seconds: float

    def line(self, draw: random.Random) -> Fault:
        """Between two lines: most often where files are written, each line as often as another."""
        delicate = [place for place in self.places if place.startswith(DELICATE)]
        if draw.random() < DELICATE_SHARE:
            place = draw.choice(sorted(set(delicate)))
        else:
            place = draw.choice(self.places)
        return Fault(place=place, nth=draw.randint(1, self.places.count(place)))

    def call(self, draw: random.Random) -> Fault:
        """Before, after or in the middle of an operation on a file."""
        name = draw.choice(sorted(self.calls))
        when = draw.choice(["before", "half", "after"] if name in ("write", "fsync") else ["before", "after"])
        return Fault(call=name, nth=draw.randint(1, self.calls[name]), when=when)

    def time(self, draw: random.Random) -> Fault:
        """At a moment."""
        return Fault(seconds=draw.uniform(0.01, self.seconds))
