"""The event log's schema: the one module that its writer and its readers share.

A log is a file of lines, each a JSON object with a `kind`. Readers skip kinds and fields that they
do not know, so old monitors open new runs. Change `SCHEMA` when a field changes its meaning.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
import orjson

from ris_tf.runlog.declared import read_fields, schema_of

SCHEMA = 1
NAN = math.nan


class Reason(StrEnum):
    """How a session ended."""

    FINISHED = "finished"
    EARLY = "early"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    PRUNED = "pruned"
    FAILED = "failed"
    IMPORTED = "imported"  # there was none: the network comes from elsewhere

    @classmethod
    def of(cls, text: str) -> "Reason":
        """The reason that a log names; one that is not known here is a failure."""
        try:
            return cls(text)
        except ValueError:
            return cls.FAILED


class Cause(StrEnum):
    """Why a session or a trial ended, where its reason or state alone is not enough."""

    # It failed:
    NOT_FINITE = "not finite"
    OUT_OF_MEMORY = "out of memory"
    DISK = "disk"
    DATA = "data"  # a file of scenes is missing, changed or not usable
    LOST_WORKER = "lost worker"
    GRADIENT_PATH = "gradient path"
    ERROR = "error"
    KILLED = "killed"  # its process died
    TAKEN_OVER = "taken over"  # another process works on its folder now
    REFUSED = "refused"  # no configuration allows its hyperparameters
    DAMAGED = "damaged"  # no file of it is readable
    # It ended before its last epoch:
    PATIENCE = "patience"
    MEDIAN = "median"
    UNHEALTHY = "unhealthy"  # a health check failed that no further epoch mends
    ROUND = "round"
    # Somebody stopped it:
    ON_REQUEST = "on request"
    SIGNAL = "signal"
    PREEMPTED = "preempted"  # by a scheduler, which starts it again

    @classmethod
    def of(cls, text: str) -> "Cause | None":
        """The cause that a file names; `None` where it names none that is known here."""
        return cls(text) if text in list(cls) else None


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True)
class Session(Event):
    """A process begins, or goes on with, a run.

    Attributes:
        session: from 1, counted up by every resume.
        time: seconds since 1970.
        step: first window of this session.
        epoch: its epoch.
        windows: `T`, all planned windows.
        epochs: all planned epochs.
        windows_per_epoch: windows an epoch.
        schema: version of this module.
        device: what computes it: the kind of GPU, or the processor; empty in older logs.
        threads: of the processor; 0 in older logs.
        replicas: devices that share each batch; 0 in older logs.
    """

    kind: ClassVar[str] = "session"
    session: int
    time: float
    step: int
    epoch: int
    windows: int
    epochs: int
    windows_per_epoch: int
    schema: int = SCHEMA
    device: str = ""
    threads: int = 0
    replicas: int = 0


@dataclass(frozen=True)
class Series(Event):
    """Names of the values of the step events that follow."""

    kind: ClassVar[str] = "series"
    names: list[str]


@dataclass(frozen=True)
class Step(Event):
    """One window: `step` from 0 over the whole run, `epoch` from 0, values in order of `names`."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    time: float
    values: list[float]


@dataclass(frozen=True)
class Epoch(Event):
    """The windows of an epoch are done; `untrained` variables have had no gradient so far."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    step: int
    time: float
    seconds: float
    scenes_per_second: float
    untrained: list[str]


@dataclass(frozen=True)
class Validation(Event):
    """Metrics of a validation, made with the `raw`, `ema` or `swa` weights."""

    kind: ClassVar[str] = "validation"
    epoch: int
    step: int
    time: float
    weights: str
    values: dict[str, float]


@dataclass(frozen=True)
class Phase(Event):
    """A schedule enters a new phase with window `step`: `what` changes, `text` says to what.

    `what` is `weights`, `beta`, `rate` or `averages`.
    """

    kind: ClassVar[str] = "phase"
    step: int
    epoch: int
    time: float
    what: str
    text: str


@dataclass(frozen=True)
class Notice(Event):
    """Something that a person should know; `level` is `info`, `warning` or `error`.

    Programs read `what` and `values`, never the text.

    Attributes:
        what: kind of notice, such as `dropped`; empty where there is nothing to tell apart.
        values: what the text is made of, numbers and texts by name.
    """

    kind: ClassVar[str] = "notice"
    time: float
    level: str
    text: str
    what: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis(Event):
    """What health checks need besides the numbers of each window.

    Attributes:
        of: what was looked at: `plan`, `data`, `first window` or `epoch`.
        values: numbers and texts by name.
    """

    kind: ClassVar[str] = "diagnosis"
    step: int
    epoch: int
    time: float
    of: str
    values: dict[str, Any]


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """A checkpoint was written before window `step`; `best` if validation was never better."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    epoch: int
    time: float
    path: str
    best: bool


@dataclass(frozen=True)
class Sample(Event):
    """Spectra of validation scenes were written to `path`."""

    kind: ClassVar[str] = "sample"
    step: int
    epoch: int
    time: float
    path: str


@dataclass(frozen=True)
class Usage(Event):
    """What the run's process takes of its machine, written now and then.

    Attributes:
        time: seconds since 1970.
        step: last window before.
        device: accelerators by name, or how many threads compute.
        processors: cores that were busy on average since the last such event.
        memory: bytes of memory that the process has.
        device_memory: bytes in use on accelerators; 0 without any.
    """

    kind: ClassVar[str] = "usage"
    time: float
    step: int
    device: str
    processors: float
    memory: int
    device_memory: int = 0


@dataclass(frozen=True)
class End(Event):
    """The session ended.

    Programs read `reason` and `cause`, never the text.

    Attributes:
        reason: how, of `Reason`.
        cause: why, of `Cause`; empty where the reason is enough, and in older logs.
    """

    kind: ClassVar[str] = "end"
    time: float
    step: int
    reason: str
    text: str
    cause: str = ""


KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        Session,
        Series,
        Step,
        Epoch,
        Validation,
        Phase,
        Notice,
        Diagnosis,
        CheckpointEvent,
        Sample,
        Usage,
        End,
    )
}


def encode(event: Event) -> bytes:
    """One line of the log, its newline included; numbers that are not finite become `null`."""
    document = {"kind": event.kind, **asdict(event)}
    texts = {name: as_utf8(value) for name, value in document.items() if isinstance(value, str)}
    return orjson.dumps({**document, **texts}, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def as_utf8(text: str) -> str:
    """Text that JSON can have: file names may have bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def encode_step(step: int, epoch: int, time: float, values: Iterable[float]) -> bytes:
    """The line of a step event, values to 6 significant digits, whole numbers with all of them."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values  # 3 times faster
    rounded = [
        value if value.is_integer() else float(f"{value:.6g}") for value in map(float, plain)
    ]
    return (
        orjson.dumps(
            {"kind": Step.kind, "step": step, "epoch": epoch, "time": time, "values": rounded}
        )
        + b"\n"
    )


def decode(line: bytes) -> Event | None:
    """The event of a line; `None` where it is of no known kind or is not as the schema says.

    Control characters in its texts are made visible: anybody may have written the line.
    """
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    known = document.get("kind")
    event = KINDS.get(known) if isinstance(known, str) else None
    if event is None:
        return None
    values = read_fields(_SCHEMAS[event], document)
    return None if values is None else event(**values)


_SCHEMAS = {event: schema_of(event) for event in KINDS.values()}
