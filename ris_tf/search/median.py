"""The median rule: what trials have to be better than to go on, and how it moved in a search."""

import math
import statistics
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ris_tf.search.trial import Trial

EPOCHS_BEFORE = 6  # a trial may have before it is compared
TRIALS_BEFORE = 8  # there must be that came as far


def there_at(epochs: int, earlier: Iterable[Trial]) -> list[float]:
    """Objectives, after so many epochs, of the trials that came as far."""
    return [
        trial.objectives[epochs - 1]
        for trial in earlier
        if len(trial.objectives) >= epochs and math.isfinite(trial.objectives[epochs - 1])
    ]


def median_at(epochs: int, earlier: Iterable[Trial]) -> float:
    """What a trial must not be above after so many epochs; NaN where it is not compared yet.

    Args:
        epochs: epochs done.
        earlier: trials that were chosen before it.
    """
    there = there_at(epochs, earlier)
    if epochs < EPOCHS_BEFORE or len(there) < TRIALS_BEFORE:
        return math.nan
    return statistics.median(there)


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Band:
    """Where the median rule stops trials: `[m]` numbers of trials, and two objectives for each.

    A trial above `high` is stopped as soon as it is compared; one below `low` is never.

    Attributes:
        x: trial numbers.
        low: least of the medians at all epochs from the first comparison on.
        high: greatest of them.
    """

    x: np.ndarray = field(default_factory=_none)
    low: np.ndarray = field(default_factory=_none)
    high: np.ndarray = field(default_factory=_none)


def median_band(trials: Sequence[Trial]) -> Band:
    """The medians that each trial was, or would be, compared with.

    Args:
        trials: in the order of their numbers.
    """
    in_order: dict[int, list[float]] = {}  # objectives by epochs, of the trials before
    found = []
    for trial in trials:
        known = [_middle(o) for o in in_order.values() if len(o) >= TRIALS_BEFORE]
        if known:
            found.append((float(trial.number), min(known), max(known)))
        for epochs, objective in enumerate(trial.objectives, 1):
            if epochs >= EPOCHS_BEFORE and math.isfinite(objective):
                insort(in_order.setdefault(epochs, []), objective)
    return Band(*np.array(found, np.float64).reshape(-1, 3).T)


def _middle(ascending: list[float]) -> float:
    """The median of numbers in order."""
    middle = len(ascending) // 2
    if len(ascending) % 2:
        return ascending[middle]
    return (ascending[middle - 1] + ascending[middle]) / 2
