"""One trial of a hyperparameter search: its trial.json, read as untrusted data."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeGuard

import orjson

from ris_tf.disk import open_regular
from ris_tf.runlog.events import Cause, as_utf8
from ris_tf.search.ending import Ending

TRIAL_FILE = "trial.json"
MAX_BYTES = 1_000_000  # of a search.json or trial.json; larger ones are damaged or no such file
MAX_NUMBER = 1e30  # size of a number that can still be drawn
MAX_TRIALS = 10_000_000  # trial numbers and counts beyond are damage
MAX_ENTRIES = 64  # of a list that is a hyperparameter's value
MAX_TEXT = 500  # characters of a reason or of a text value

# What a hyperparameter may be: a JSON scalar, or a list of those kept as a tuple.
Value = bool | int | float | str | None | tuple["Value", ...]


class TrialState(StrEnum):
    """What a trial is doing. `LOST` is never written: readers find it by the trial's process."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"
    LOST = "lost"


SETTLED = (TrialState.FINISHED, TrialState.PRUNED, TrialState.FAILED)


@dataclass(frozen=True)
class Trial:
    """A trial; see docs/files-on-disk.md.

    Attributes:
        number: from 1, counted over the whole search.
        hyperparameters: value by configuration key.
        state: what it is doing.
        objective: lower is better; NaN while there is none.
        reason: why it ended, in one line, for people.
        epochs: epochs done.
        objectives: the objective after each of them.
        started: seconds since 1970, 0 before.
        ended: seconds since 1970, 0 before.
        drawn: what keras-tuner's oracle chose, in its own words: it is given them again when
            the search goes on.
        worker: id of the worker that was given it; empty while none is.
        cause: why it ended, for programs, where its state alone is not enough.
        path: its folder; not part of the file.
        damaged: whether its trial.json could not be used, so that the state is read from its run.
    """

    number: int
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    state: TrialState = TrialState.WAITING
    objective: float = math.nan
    reason: str = ""
    epochs: int = 0
    objectives: tuple[float, ...] = ()
    started: float = 0.0
    ended: float = 0.0
    drawn: Mapping[str, Value] = field(default_factory=dict)
    worker: str = ""
    cause: Cause | None = None
    path: Path | None = None
    damaged: bool = False

    @property
    def settled(self) -> bool:
        """Whether it has ended for good."""
        return self.state in SETTLED

    @property
    def counts(self) -> bool:
        """Whether it may be the best: it came to its end and has an objective.

        A pruned trial's objective is that of fewer epochs, so it is compared with no other.
        """
        return self.state == TrialState.FINISHED and math.isfinite(self.objective)

    def failed(self, ending: Ending) -> "Trial":
        """The trial, failed for a reason."""
        return replace(
            self, state=TrialState.FAILED, reason=ending.text, cause=ending.cause, ended=time.time()
        )

    @property
    def left_out(self) -> bool:
        """Whether somebody stopped it, so that the search shall not build upon it."""
        return self.state == TrialState.PRUNED and self.cause == Cause.ON_REQUEST


def trial_folder(number: int) -> str:
    """Name of a trial's folder: `trial_0007`."""
    return f"trial_{number:04d}"


def number_of(folder: Path) -> int | None:
    """The number that a trial's folder is named by."""
    match = re.fullmatch(r"trial_([0-9]{1,7})", folder.name)
    return int(match[1]) if match else None


def encode_trial(trial: Trial) -> bytes:
    """trial.json; an objective that is not finite becomes `null`."""
    document = {
        "number": trial.number,
        "state": str(trial.state),
        "hyperparameters": {as_utf8(k): plain(v) for k, v in trial.hyperparameters.items()},
        "objective": trial.objective,
        "reason": one_line(trial.reason),
        "cause": str(trial.cause or ""),
        "epochs": trial.epochs,
        "objectives": list(trial.objectives),
        "started": trial.started,
        "ended": trial.ended,
        "drawn": {as_utf8(k): plain(v) for k, v in trial.drawn.items()},
        "worker": one_line(trial.worker),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)


def decode_trial(data: bytes, path: Path | None = None) -> Trial | None:
    """The trial of a trial.json, `None` where that is torn or a field is not as it must be.

    Fields that are missing are empty, except `number` and `state`. A wrong one spoils the file:
    what is damaged in one place is not believed in another.
    """
    document = parsed(data)
    if not isinstance(document, dict):
        return None
    hyperparameters = as_values(document.get("hyperparameters", {}))
    drawn, worker = as_values(document.get("drawn", {})), document.get("worker", "")
    objectives = _objectives(document.get("objectives", []))
    objective = document.get("objective")
    state, reason = document.get("state"), document.get("reason", "")
    cause = document.get("cause", "")
    counts = [document.get("number"), document.get("epochs", 0)]
    times = [document.get("started", 0.0), document.get("ended", 0.0)]
    written = [str(known) for known in TrialState if known != TrialState.LOST]
    if (
        hyperparameters is None
        or drawn is None
        or objectives is None
        or state not in written
        or not isinstance(reason, str)
        or not isinstance(cause, str)
        or not isinstance(worker, str)
        or not all(is_count(count) for count in counts)
        or not all(is_number(time) and time >= 0 for time in times)
        or not (objective is None or is_number(objective))
    ):
        return None
    return Trial(
        number=counts[0],
        hyperparameters=hyperparameters,
        state=TrialState(state),
        objective=math.nan if objective is None else float(objective),
        reason=one_line(reason),
        cause=Cause.of(cause) if "cause" in document else _cause_of_old(state, reason),
        epochs=counts[1],
        objectives=objectives,
        started=float(times[0]),
        ended=float(times[1]),
        drawn=drawn,
        worker=one_line(worker),
        path=path,
    )


def _cause_of_old(state: str, reason: str) -> Cause | None:
    """The cause in a file written before there was one: its reason began with it.

    These are words of files that exist, not of messages: they never change.
    """
    began = reason.partition(":")[0]
    if state == TrialState.FAILED:
        return Cause.of(began) or Cause.ERROR
    if state == TrialState.PRUNED:
        return Cause.ON_REQUEST if began.startswith("stopped") else None
    return Cause.PATIENCE if began.startswith("no better") else None


def _objectives(values: Any) -> tuple[float, ...] | None:
    """A list of numbers, `null` for one that is not finite; `None` where it is none."""
    if not isinstance(values, list) or not all(v is None or is_number(v) for v in values):
        return None
    return tuple(math.nan if value is None else float(value) for value in values)


def parsed(data: bytes) -> Any:
    """A JSON document, `None` where the bytes are none or too many."""
    if len(data) > MAX_BYTES:
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def read_limited(path: Path) -> bytes:
    """A file's bytes, at most one more than may be.

    Raises:
        OSError: it cannot be read, or is no regular file: reading a pipe would never end.
    """
    with open_regular(path) as file:
        return file.read(MAX_BYTES + 1)


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a JSON value is a number that can be drawn; true and false are none."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= MAX_NUMBER  # NaN is not, either
    )


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a JSON value is a number of trials or epochs."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TRIALS


def as_values(document: Any) -> dict[str, Value] | None:
    """An object of hyperparameters, `None` where it is none."""
    if not isinstance(document, dict) or not all(map(is_value, document.values())):
        return None
    return {key: frozen(value) for key, value in document.items()}


def is_value(value: Any) -> bool:
    """Whether a JSON value may be a hyperparameter's: a scalar, or a list of scalars."""
    if isinstance(value, list | tuple):
        return len(value) <= MAX_ENTRIES and all(
            not isinstance(entry, list | tuple) and is_value(entry) for entry in value
        )
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return value is None or isinstance(value, bool) or is_number(value)


def frozen(value: Any) -> Value:
    """A hyperparameter's JSON value, lists as tuples."""
    return tuple(frozen(entry) for entry in value) if isinstance(value, list | tuple) else value


def plain(value: Value) -> Any:
    """A hyperparameter's value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(entry) for entry in value]
    return as_utf8(value) if isinstance(value, str) else value


def one_line(text: str) -> str:
    """Text without line breaks or unprintable characters, cut where nobody reads on."""
    text = " ".join(as_utf8(text[: 4 * MAX_TEXT]).split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"
