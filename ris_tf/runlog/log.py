"""A run's event log as columns that grow."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ris_tf.runlog.columns import Columns
from ris_tf.runlog.events import (
    CheckpointEvent,
    Diagnosis,
    End,
    Epoch,
    Event,
    Notice,
    Phase,
    Sample,
    Series,
    Session,
    Step,
    Usage,
    Validation,
)

MAX_SERIES = 1024  # further names are passed over: no run has so many, a damaged log may

TERM, NORM = "term/", "norm/"  # how names of the series of terms and of gradient norms begin

# What the columns of a window's own numbers are kept as; series are float32: logs have 6 digits.
INDEX = {"steps": np.int64, "epochs": np.int32, "times": np.float64}
EPOCHS = np.iinfo(np.int32).min, np.iinfo(np.int32).max  # beyond is damage
# Where a log keeps events of a kind.
LISTS: dict[type[Event], str] = {
    Session: "sessions",
    Epoch: "epoch_ends",
    Validation: "validations",
    Phase: "phases",
    Notice: "notices",
    CheckpointEvent: "checkpoints",
    Sample: "samples",
    Diagnosis: "diagnoses",
}


@dataclass(frozen=True)
class Steps:
    """Consecutive step events.

    Attributes:
        steps: `[n]` int64 window numbers.
        epochs: `[n]` int64 their epochs.
        times: `[n]` float64 seconds since 1970.
        values: `[n, m]` float64 in the order of the last `series` event; NaN where not finite.
    """

    steps: np.ndarray
    epochs: np.ndarray
    times: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(step: Step) -> "Steps":
        """A single step event."""
        return Steps(
            np.array([step.step]), np.array([step.epoch]), np.array([step.time]),
            np.array([step.values], np.float64),
        )  # fmt: skip


@dataclass
class RunLog:
    """A log as columns.

    Attributes:
        names: series of the step values.
        end: how the last session ended, `None` while it has not.
        usage: what its process takes of the machine, as last measured; `None` in older logs.
        only: series to keep; `None` keeps all.
        storage: makes what its columns are kept in.
    """

    names: list[str] = field(default_factory=list, init=False)
    sessions: list[Session] = field(default_factory=list)
    epoch_ends: list[Epoch] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    checkpoints: list[CheckpointEvent] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    end: End | None = None
    usage: Usage | None = None
    only: frozenset[str] | None = None
    storage: Callable[[], Columns] = Columns

    def __post_init__(self) -> None:
        self._rows = 0
        self._index, self._series = self.storage(), self.storage()
        for name, dtype in INDEX.items():
            self._index.add(name, dtype)
        # Names of series that are kept and their places in the values of step events, now.
        self._kept: list[tuple[str, int]] = []

    def __len__(self) -> int:
        """Windows."""
        return self._rows

    @property
    def steps(self) -> np.ndarray:
        """`[n]` int64 window numbers."""
        return self._index.read("steps", self._rows)

    @property
    def epochs(self) -> np.ndarray:
        """`[n]` int32 epoch of each window."""
        return self._index.read("epochs", self._rows)

    @property
    def times(self) -> np.ndarray:
        """`[n]` float64 seconds since 1970."""
        return self._index.read("times", self._rows)

    def column(self, name: str) -> np.ndarray:
        """`[n]` float32 values of a series; NaN where the run has none of that name."""
        if name not in self._series:
            return np.full(self._rows, np.nan, np.float32)
        return self._series.read(name, self._rows)

    def term_weights(self) -> dict[str, float]:
        """Largest weight so far of every term; 1 where terms have no weights of their own."""
        weights = {}
        for name in self.names:
            if name.startswith(TERM):
                given = self.column(f"weight/{name[len(TERM) :]}")
                given = given[np.isfinite(given)]
                weights[name[len(TERM) :]] = float(given.max()) if len(given) else 1.0
        return weights

    def groups(self) -> list[str]:
        """Names of the optimizer's groups."""
        norms = [name[len(NORM) :] for name in self.names if name.startswith(NORM)]
        return [name for name in norms if name != "total"]

    def diagnosed(self, of: str) -> dict[str, Any]:
        """The last values of a kind of diagnosis; empty where there is none, as in older logs."""
        found = (diagnosis.values for diagnosis in reversed(self.diagnoses) if diagnosis.of == of)
        return next(found, {})

    def append(self, event: Event | Steps) -> None:
        """Take in an event that follows those before."""
        if isinstance(event, Steps):
            self._append_steps(event)
        elif isinstance(event, Series):
            self._name(event.names)
            places = {name: place for place, name in enumerate(event.names)}
            self._kept = [(name, at) for name, at in places.items() if name in self._series]
        else:
            self._keep(event)

    def reserve(self, rows: int) -> None:
        """Make room for so many windows at once: columns that grow are copied each time."""
        self._index.reserve(rows)
        self._series.reserve(rows)

    def snapshot(self) -> "RunLog":
        """The log as it is now, for another thread: what is appended later is not in it.

        Columns are shared, not copied: rows are only ever written behind those that a snapshot
        has.
        """
        now = copy.copy(self)
        now._index, now._series = self._index.snapshot(), self._series.snapshot()
        for name, value in vars(self).items():
            if isinstance(value, list):
                setattr(now, name, list(value))
        return now

    def _keep(self, event: Event) -> None:
        if isinstance(event, Session):
            self.end = None
        elif isinstance(event, End):
            self.end = event
        elif isinstance(event, Usage):
            self.usage = event
        if name := LISTS.get(type(event)):
            getattr(self, name).append(event)

    def _name(self, names: list[str]) -> None:
        for name in names:
            unwanted = self.only is not None and name not in self.only
            if name in self._series or unwanted or len(self._series) >= MAX_SERIES:
                continue
            self._series.add(name, np.float32)
            self.names = [*self.names, name]

    def _append_steps(self, block: Steps) -> None:
        begin, end = self._rows, self._rows + len(block.steps)
        self._index.make_room(end)
        self._series.make_room(end)
        for name in ("steps", "times"):
            self._index.write(name, begin, getattr(block, name))
        self._index.write(
            "epochs", begin, np.minimum(np.maximum(block.epochs, EPOCHS[0]), EPOCHS[1])
        )
        with np.errstate(over="ignore"):  # beyond float32 is as good as infinite
            # Only the series that are given now: a damaged log may rename them at each window.
            for name, place in self._kept:
                if place < block.values.shape[1]:
                    self._series.write(name, begin, block.values[:, place])
        self._rows = end
