"""Ranges that were brushed on the axes of a search's parallel coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ris_tf.search import Parallel


@dataclass(frozen=True)
class Brush:
    """Ranges of some axes; a trial is in where it is in all of them.

    Attributes:
        ranges: lower and upper end, 0..1 of the axis, by its key.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def with_range(self, key: str, one: float, other: float) -> "Brush":
        """The same with another range of an axis, whichever end comes first."""
        return Brush({**self.ranges, key: (min(one, other), max(one, other))})

    def without(self, key: str) -> "Brush":
        """The same with all of an axis."""
        return Brush({k: ends for k, ends in self.ranges.items() if k != key})

    def chosen(self, shown: Parallel) -> np.ndarray:
        """`[lines]` whether each trial is in; one that has no place on a brushed axis is not."""
        inside = np.ones(len(shown.trials), bool)
        for i, axis in enumerate(shown.axes):
            if axis.key in self.ranges:
                low, high = self.ranges[axis.key]
                inside &= (shown.places[:, i] >= low) & (shown.places[:, i] <= high)
        return inside

    def paths(self, shown: Parallel) -> frozenset[Path] | None:
        """Folders of the trials that are in; `None` where nothing is brushed."""
        if not any(axis.key in self.ranges for axis in shown.axes):
            return None
        pairs = zip(shown.trials, self.chosen(shown), strict=True)
        return frozenset(trial.path for trial, inside in pairs if inside and trial.path)
