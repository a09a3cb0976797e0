"""What noise alone explains: how many sources a measurement supports (SPEC 8)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as variance_ratio
from scipy.stats import gamma

FALSE_ALARM = 1e-3  # of scenes in which noise alone passes for one more source
FINER = 4.0  # independent places between two points of the starting grid, and beyond


@dataclass(frozen=True)
class NoiseTest:
    """Sources explain more than noise can; noise is what they leave.

    Under noise alone, the energy that a fixed place explains is `sigma^2` times a Gamma variable
    of `G` degrees of freedom; the best of all places is its largest over as many independent
    ones as the grid has points, times `FINER`.

    Attributes:
        groups: `G`, snapshots with symbols of their own.
        numbers: `D`, complex numbers in each.
        points: points of the starting grid.
    """

    groups: int
    numbers: int
    points: int

    def freedom(self, count: int | np.ndarray) -> np.ndarray:
        """Complex numbers that `count` sources leave free; positions take 3/2 each."""
        return np.maximum(self.groups * (self.numbers - count) - 1.5 * count, 1.0)

    def noise_variance(self, energy: np.ndarray, count: np.ndarray) -> np.ndarray:
        """`sigma^2` from the residual energy that `count` sources leave."""
        return energy / self.freedom(count)

    def least_drop(self, count: int | np.ndarray, estimated: bool) -> float | np.ndarray:
        """Drop of the residual energy, over `sigma^2`, that noise exceeds once in 1000 scenes.

        Args:
            count: sources behind the noise variance where that is estimated.
            estimated: whether it is, so that its own error counts.
        """
        tail = FALSE_ALARM / (FINER * self.points)
        if not estimated:
            return gamma.isf(tail, self.groups)
        freedom = 2 * self.freedom(count)
        return self.groups * variance_ratio.isf(tail, 2 * self.groups, freedom)

    def most_left(self, count: np.ndarray, deviations: float) -> np.ndarray:
        """Energy of noise alone over `sigma^2`, some standard deviations above its mean."""
        free = self.freedom(count)
        return free + deviations * np.sqrt(free)
