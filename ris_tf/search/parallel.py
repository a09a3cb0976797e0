"""Parallel coordinates of a search: an axis for each hyperparameter, a line for each trial."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ris_tf.runlog.words import number
from ris_tf.search.document import Search
from ris_tf.search.space import Choices, Range
from ris_tf.search.trial import Trial, TrialState, Value
from ris_tf.search.trial_table import has_objective, short_names, value_text

MAX_TICKS = 8  # categories that an axis names; of more, only the first and the last
OBJECTIVE = "objective"
REACH = 4.0  # the objective's axis ends this many times (median - least) above the least


@dataclass(frozen=True)
class Axis:
    """A vertical axis from 0 to 1.

    Attributes:
        key: configuration key, or `objective`.
        label: what stands below it.
        low: number at 0; of categories, 0.
        high: number at 1; of categories, the last one's index.
        log: whether it is logarithmic.
        categories: values in their order, where it has no numbers.
        ticks: place and text.
        open: whether what lies above `high` stands at 1: single outliers would flatten the rest.
    """

    key: str
    label: str
    low: float
    high: float
    log: bool
    categories: tuple[Value, ...]
    ticks: tuple[tuple[float, str], ...]
    open: bool = False

    def place(self, value: Value) -> float:
        """Where a value is, 0..1; NaN where the axis has no place for it."""
        if self.categories:
            at = _index(self.categories, value)
            return math.nan if at is None else _share(at, self.low, self.high)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return math.nan
        if self.open and value > self.high:
            return 1.0
        if self.log:
            return _share(_log(value), _log(self.low), _log(self.high))
        return _share(value, self.low, self.high)


@dataclass(frozen=True)
class Parallel:
    """Lines through axes.

    Attributes:
        axes: one a hyperparameter, the objective's last.
        trials: one a line.
        places: `[lines, axes]` heights 0..1, NaN where there is none.
        level: `[lines]` objective 0..1 for colour, NaN where it is not to be compared.
    """

    axes: tuple[Axis, ...]
    trials: tuple[Trial, ...]
    places: np.ndarray
    level: np.ndarray

    def nearest(self, x: float, y: float, width: float, height: float, reach: float) -> int | None:
        """The line nearest to a point, `None` where all are further away than `reach`.

        Args:
            x: in axes, from 0.
            y: 0..1.
            width: pixels from axis to axis.
            height: pixels of an axis.
            reach: pixels.
        """
        before = min(max(math.floor(x), 0), len(self.axes) - 2)
        if len(self.axes) < 2 or not len(self.trials):
            return None
        share = min(max(x - before, 0.0), 1.0)
        begin, end = self.places[:, before], self.places[:, before + 1]
        rise = (end - begin) * height
        # Distance to the sloped line, not only along y: steep lines are as easy to hit.
        away = np.abs(begin + share * (end - begin) - y) * height * width / np.hypot(rise, width)
        away = np.where(np.isfinite(away), away, np.inf)
        best = int(np.argmin(away))
        return best if away[best] <= reach else None


def parallel(search: Search, trials: Sequence[Trial]) -> Parallel:
    """Where each trial's line runs.

    Args:
        search: its space gives the axes; they are widened where values lie outside.
        trials: those that have begun are shown.
    """
    shown = tuple(t for t in trials if t.state != TrialState.WAITING and t.hyperparameters)
    axes = axes_of(search, shown)
    places = np.array(
        [
            [_place(axis, t) for axis in axes[:-1]]
            + [axes[-1].place(t.objective) if has_objective(t) else math.nan]
            for t in shown
        ],
        np.float64,
    ).reshape(len(shown), len(axes))
    compared = np.array([trial.counts for trial in shown], bool)
    return Parallel(axes, shown, places, np.where(compared, places[:, -1], np.nan))


def _place(axis: Axis, trial: Trial) -> float:
    if axis.key in trial.hyperparameters:
        return axis.place(trial.hyperparameters[axis.key])
    return math.nan


def axes_of(search: Search, trials: Sequence[Trial]) -> tuple[Axis, ...]:
    """One axis a hyperparameter, and the objective's."""
    keys = list(search.space)
    labels = short_names(keys)
    axes = [
        _axis(
            key,
            label,
            search.space[key],
            [t.hyperparameters[key] for t in trials if key in t.hyperparameters],
        )
        for key, label in zip(keys, labels, strict=True)
    ]
    return (*axes, _objective_axis(trials))


def _objective_axis(trials: Sequence[Trial]) -> Axis:
    """From the least objective to the greatest, or to where outliers begin."""
    values = [trial.objective for trial in trials if has_objective(trial)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    cut = low + REACH * (float(np.median(values or [0.0])) - low)
    if not low < cut < high:
        return _numeric(OBJECTIVE, OBJECTIVE, low, high, False)
    axis = _numeric(OBJECTIVE, OBJECTIVE, low, cut, False)
    ticks = (*axis.ticks[:-1], (1.0, f"≥ {axis.ticks[-1][1]}"))
    return replace(axis, ticks=ticks, open=True)


def _axis(key: str, label: str, entry: Choices | Range, values: Sequence[Value]) -> Axis:
    if isinstance(entry, Range):
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        numbers = [value for value in numbers if value > 0 or not entry.log]
        low, high = min([entry.least, *numbers]), max([entry.most, *numbers])
        return _numeric(key, label, low, high, entry.log)
    categories = _distinct([*entry.values, *values])
    last = len(categories) - 1
    named = range(last + 1) if last < MAX_TICKS else (0, last)
    ticks = tuple((_share(i, 0, last), value_text(categories[i])) for i in named)
    return Axis(key, label, 0, last, False, categories, ticks)


def _numeric(key: str, label: str, low: float, high: float, log: bool) -> Axis:
    middle = math.exp((_log(low) + _log(high)) / 2) if log else low / 2 + high / 2
    values = [low, middle, high] if high > low else [low]
    ticks = tuple(
        (place, number(value, 3)) for place, value in zip((0, 0.5, 1), values, strict=False)
    )
    if high == low:
        ticks = ((0.5, number(low, 3)),)
    return Axis(key, label, low, high, log, (), ticks)


def _distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    """In order of appearance; true and 1 are two values, 448 and 448.0 one."""
    first: dict[tuple[bool, Value], Value] = {}
    for value in values:
        first.setdefault((isinstance(value, bool), value), value)
    return tuple(first.values())


def _index(categories: Sequence[Value], value: Value) -> int | None:
    for i, known in enumerate(categories):
        if known == value and isinstance(known, bool) == isinstance(value, bool):
            return i
    return None


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan
