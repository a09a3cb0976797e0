"""Columns of the table of runs: what runs are, every knob, every metric."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gui.models.configurations import shown
from gui.models.headline import GOING_ON, gib
from gui.models.index import RunRow
from gui.models.words import MARKS, MEANINGS, duration, moment
from ris_tf.runlog import Summary

KNOB, METRIC = "knob ", "metric "  # how the keys of columns of either kind begin
AT_FIRST = ("run", "state", "done", "epoch", "best", "last", "dropped", "started", "took")
WIDTH = 80  # pixels of a column at first
MANY_DIGITS = 1e4  # from here on, and below its reciprocal, numbers have an exponent

Value = float | str | None  # of a cell; `None` where there is nothing


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: what it is remembered and filtered by.
        title: its header.
        about: its tooltip.
        value: of a run, for sorting and filtering.
        text: of a value.
        total: of the values of a group's runs that have one; `None` where they have none in common.
        width: pixels at first.
        growing: whether a long log that is not read to its end may still change it.
    """

    key: str
    title: str
    about: str
    value: Callable[[RunRow], Value]
    text: Callable[[Any], str] = str
    total: Callable[[Sequence[Any]], Value] | None = None
    width: int = WIDTH
    growing: bool = False

    def cell(self, row: RunRow) -> str:
        """Its text for a run."""
        value = self.value(row)
        unsure = "…" if self.growing and row.summary and not row.complete else ""
        return "" if value is None else self.text(value) + unsure

    def total_of(self, rows: Sequence[RunRow]) -> Value:
        """Its value for a group of runs."""
        values = [value for row in rows if (value := self.value(row)) is not None]
        return self.total(values) if self.total and values else None

    @property
    def aligned_left(self) -> bool:
        """Whether it has words; numbers stand at the right, under each other."""
        return self.key in WORDS


WORDS = ("run", "state", "tags", "note", "began from", "host", "device")


def fixed(value: float) -> str:
    """A number with four decimals, so that points stand below each other; else with an exponent."""
    size = abs(value)
    if math.isfinite(value) and size and not 1 / MANY_DIGITS <= size < MANY_DIGITS:
        return f"{value:.2e}".replace("-", "−")
    return "∞" if math.isinf(value) else f"{value:.4f}".replace("-", "−")


def _of_summary(read: Callable[[Summary], float | str | None]) -> Callable[[RunRow], Value]:
    """A value of the summary; numbers that are none count as nothing."""

    def value(row: RunRow) -> Value:
        found = read(row.summary) if row.summary else None
        return None if isinstance(found, float) and math.isnan(found) else found

    return value


def _left(row: RunRow) -> Value:
    if not row.summary or row.summary.state not in GOING_ON:
        return None
    left = row.summary.pace.left_s
    return left if math.isfinite(left) else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _states(values: Sequence[str]) -> str:
    """How many runs of a group are in which state."""
    return "  ".join(f"{MARKS.get(state, '')} {values.count(state)}" for state in sorted({*values}))


def _state_text(state: str) -> str:
    return f"{MARKS[state]} {state}" if state in MARKS else state


def _share(summary: Summary) -> float:
    return min(summary.step / summary.windows, 1.0) if summary.windows else 0.0


def _epoch_text(row: RunRow) -> Value:
    return row.summary.epoch if row.summary else None


def _whole(value: float) -> str:
    return f"{value:,.0f}"


OWN = (
    Column("run", "run", "its title, or its folder's name", lambda row: row.title, width=148),
    Column(
        "state", "state",
        "; ".join(f"{_state_text(state)}: {words}" for state, words in MEANINGS.items()),
        lambda row: row.state, _state_text, _states, 88,
    ),
    Column("done", "done", "share of all windows", _of_summary(_share), "{:.0%}".format, _mean, 56),
    Column("epoch", "epoch", "epochs done", _epoch_text, _whole, width=54),
    Column("epochs", "epochs", "epochs planned", _of_summary(lambda s: s.epochs or None), _whole),
    Column("best", "best", "lowest validation loss", _of_summary(lambda s: s.best_loss), fixed, min,
           growing=True),
    Column("last", "last", "last validation loss", _of_summary(lambda s: s.last_loss), fixed),
    Column("dropped", "dropped", "windows that were dropped because something was not finite",
           _of_summary(lambda s: s.skipped), _whole, sum, growing=True),
    Column("started", "started", "when it was made", lambda row: row.created or None, moment, min,
           120),
    Column("took", "took", "time in training, pauses between sessions left out",
           _of_summary(lambda s: s.seconds), duration, sum, growing=True),
    Column("left", "left", "time that it will take at the pace of its session", _left, duration),
    Column("scenes/s", "scenes/s", "scenes a second, of its last epoch",
           _of_summary(lambda s: s.pace.scenes_per_second), "{:,.0f}".format),
    Column("best at", "best at", "epoch of the lowest validation loss",
           _of_summary(lambda s: s.pace.best_epoch or None), _whole),
    Column("device", "device", "what it computes with",
           _of_summary(lambda s: s.usage.device if s.usage else None), width=110),
    Column("cores", "cores", "processors that were busy, as last measured",
           _of_summary(lambda s: s.usage.processors if s.usage else None), "{:.1f}".format),
    Column("memory", "memory", "of its process, as last measured",
           _of_summary(lambda s: float(s.usage.memory) if s.usage else None), gib),
    Column("window", "window", "windows done", _of_summary(lambda s: s.step), _whole, sum),
    Column("tags", "tags", "words that people gave it",
           lambda row: ", ".join(row.remarks.tags) or None),
    Column("note", "note", "what people noted about it",
           lambda row: " ".join(row.remarks.note.split()) or None, width=200),
    Column("host", "host", "machine of its last session",
           _of_summary(lambda s: s.run.identity.host or None)),
    Column("began from", "began from", "weights that it began at",
           _of_summary(lambda s: s.run.identity.began_from.path or None)),
)  # fmt: skip
BY_KEY = {column.key: column for column in OWN}


def column_of(key: str) -> Column | None:
    """The column of a key as it is remembered; `None` where there is none."""
    if key.startswith(KNOB):
        return _knob(key.removeprefix(KNOB))
    if key.startswith(METRIC):
        return _metric(key.removeprefix(METRIC))
    return BY_KEY.get(key)


def _knob(path: str) -> Column:
    def value(row: RunRow) -> Value:
        given = (row.knobs or {}).get(path)
        if isinstance(given, bool) or not isinstance(given, int | float | None):
            return shown(given)
        return given

    title = path.rpartition(".")[2]
    return Column(KNOB + path, title, f"{path} in its configuration", value, shown)


def _metric(name: str) -> Column:
    def value(row: RunRow) -> Value:
        found = row.summary.metrics.get(name, math.nan) if row.summary else math.nan
        return None if math.isnan(found) else found

    title = name.removeprefix("term/")
    return Column(METRIC + name, title, f"{name} of the last validation", value, fixed, min)


def metrics_of(rows: Sequence[RunRow]) -> list[str]:
    """Names of all metrics that runs have."""
    found = dict.fromkeys(name for row in rows if row.summary for name in row.summary.metrics)
    return sorted(found)


def resolve(key: str, row: RunRow) -> Value:
    """The value that a filter means by a key: of a column, else a knob, else a metric.

    Knobs and metrics may be named by the last part of their name alone.
    """
    if key in BY_KEY:
        return BY_KEY[key].value(row)
    for names, kind in ((row.knobs or {}, _knob), (row.summary and row.summary.metrics, _metric)):
        name = _named(key, names or {})
        if name is not None:
            return kind(name).value(row)
    return None


def _named(key: str, names) -> str | None:
    if key in names:
        return key
    ends = re.compile(rf"(?:^|[./]){re.escape(key)}$", re.IGNORECASE)
    return next((name for name in names if ends.search(name)), None)
