"""What noise alone explains: how many sources a measurement supports (SPEC 8)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as variance_ratio
from scipy.stats import gamma

from ris_tf.estimation.fits import Fits, Known

FALSE_ALARM = 1e-3  # of scenes in which noise alone passes for one more source
FINER = 4.0  # independent places between two points of the starting grid, and beyond
ROUNDING = 1e-9  # of a measurement's energy, may be left of a perfect fit in single precision


@dataclass(frozen=True)
class NoiseTest:
    """Sources explain more than noise can; noise is what they do not explain.

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
        """`sigma^2` from the residual energy of `count` sources."""
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

    def noise_energy(self, count: np.ndarray, deviations: float) -> np.ndarray:
        """Residual energy of noise over `sigma^2`, some standard deviations above its mean."""
        free = self.freedom(count)
        return free + deviations * np.sqrt(free)


class CountTest:
    """The test on the fits of many scenes.

    Args:
        test: what noise alone explains.
        max_sources: that there may be.
    """

    def __init__(self, test: NoiseTest, max_sources: int):
        self.test = test
        self.max_sources = max_sources

    def least_drop(self, known: Known) -> np.ndarray:
        """`[B]` energy that a source must explain; nothing, where the count is known."""
        assert known.noise_variance is not None
        if known.count is not None:
            return np.full(len(known.noise_variance), -np.inf)
        return self.test.least_drop(self.max_sources, known.estimated) * known.noise_variance

    def max_count(self, fits: Fits, known: Known) -> np.ndarray:
        """Sources that there may be in each scene."""
        largest = np.full(len(fits.energy), self.max_sources)
        return largest if known.count is None else known.count

    def unexplained(
        self, fits: Fits, known: Known, scenes: np.ndarray, deviations: float
    ) -> np.ndarray:
        """Those of the scenes whose residual exceeds noise by so many standard deviations."""
        assert known.noise_variance is not None
        count = fits.count
        more = fits.energy > self.test.noise_energy(count, deviations) * known.noise_variance
        if known.count is not None:
            more |= count < known.count
        if known.estimated:  # it may contain a source
            more |= count > 1
        return scenes[more[scenes]]

    def first_noise_variance(self, energy: np.ndarray, known: Known) -> np.ndarray:
        """The noise variance from the residual energies of 0, 1, .. sources, `[B, K + 1]`.

        It is what the count leaves, and the count is what that noise would not explain: from the
        largest number of sources downwards, until both agree.
        """
        scenes = np.arange(len(energy))
        largest = np.full(len(energy), energy.shape[1] - 1)
        count = largest if known.count is None else np.minimum(known.count, largest)
        level = self.noise_variance(energy[scenes, count], count, energy[:, 0])
        for _ in range(energy.shape[1] - 1):
            if known.count is None:
                count = _before_first(energy, self.test.least_drop(count, True) * level)
            level = self.noise_variance(energy[scenes, count], count, energy[:, 0])
        return level

    def noise_variance(
        self, residual: np.ndarray, count: np.ndarray, whole: np.ndarray
    ) -> np.ndarray:
        """The noise variance from residual energies, at least what rounding does to the whole."""
        rounding = ROUNDING * whole / (self.test.groups * self.test.numbers)
        return np.maximum(self.test.noise_variance(residual, count), rounding)


def _before_first(energy: np.ndarray, least: np.ndarray) -> np.ndarray:
    """`[B]` how many sources come before the first that explains less than `[B]` the least."""
    drop = energy[:, :-1] - energy[:, 1:]
    return np.argmin(np.pad(drop >= least[:, None], ((0, 0), (0, 1))), axis=1)
