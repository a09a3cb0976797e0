"""The count test: how many sources a measurement supports beyond noise (SPEC 8)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from ris_tf.estimation.fits import Fits, Known
from ris_tf.scene.positions import Positions

FALSE_ALARM = 1e-3  # share of scenes in which fitted symbols of noise count as one more source
# The same by a bound, which is far from tight: of 128 scenes of noise, none counts a source.
GAIN_ALARM = 0.05
MOST_ODDS = 1.0  # that a place's confidence counts for: it comes from the same measurement
FINER = 4.0  # independent places for each point of the starting grid
ROUNDING = (
    1e-8  # residual of a perfect fit in single precision, as a share of the measurement's energy
)


@dataclass(frozen=True)
class NoiseTest:
    """How much noise alone explains, and the noise variance from the residual energy.

    There are `FINER` times as many independent places as the grid has points. Where the noise
    variance is known, a ratio of likelihoods exceeds `e^T` under noise alone with a probability of
    at most `e^-T` (Markov's inequality), whatever the sources. Where it is not, symbols are fitted:
    a source at a fixed place then explains `sigma^2` times a Gamma variable of `G` degrees of
    freedom.

    Attributes:
        groups: `G`, snapshots with symbols of their own.
        numbers: `D`, complex numbers in each.
        points: points of the starting grid.
    """

    groups: int
    numbers: int
    points: int

    def freedom(self, count: int | np.ndarray) -> np.ndarray:
        """Complex degrees of freedom of the residual of `count` sources; a position takes 3/2."""
        return np.maximum(self.groups * (self.numbers - count) - 1.5 * count, 1.0)

    def noise_variance(self, energy: np.ndarray, count: np.ndarray) -> np.ndarray:
        """`sigma^2` from the residual energy of `count` sources."""
        return energy / self.freedom(count)

    def least_drop(self, count: int | np.ndarray) -> float | np.ndarray:
        """Drop of the residual energy over `sigma^2` that noise exceeds in 1 of 1000 scenes.

        Symbols are fitted, and `sigma^2` is estimated from the residual, with an error of its own.

        Args:
            count: sources of the fit from which the noise variance is estimated.
        """
        tail = FALSE_ALARM / (FINER * self.points)
        freedom = self.freedom(count)
        # The quantile of an F variable of 2 G and 2 f degrees of freedom, times G, by its beta one.
        share = betaincinv(freedom, self.groups, tail)
        return freedom * (1 - share) / share

    def least_gain(self, odds: float | np.ndarray = 0.0) -> float | np.ndarray:
        """Gain of the log-likelihood that noise exceeds in `GAIN_ALARM` of the scenes, at most.

        Args:
            odds: of a source at its place, before the test. One place is tested instead of all of
                the grid, and noise may pass as much more often as a source is likelier.
        """
        return -np.log(GAIN_ALARM * np.clip(odds, 1 / (FINER * self.points), MOST_ODDS))

    def noise_energy(self, count: np.ndarray, deviations: float) -> np.ndarray:
        """Residual energy of noise over `sigma^2`, some standard deviations above its mean.

        Of the stochastic likelihood, whose mean is the number of numbers; a position takes 3/2.
        """
        free = np.maximum(self.groups * self.numbers - 1.5 * count, 1.0)
        return free + deviations * np.sqrt(free)


class CountTest:
    """The test on the fits of many scenes.

    Args:
        test: quantiles of noise alone.
        max_sources: largest number of sources.
    """

    def __init__(self, test: NoiseTest, max_sources: int):
        self.test = test
        self.max_sources = max_sources

    def least_gain(self, known: Known) -> np.ndarray:
        """`[B]` by how much a source must lower the cost; -inf where the count is known."""
        assert known.noise_variance is not None
        if known.count is not None:
            return np.full(len(known.noise_variance), -np.inf)
        return self.test.least_gain() * known.noise_variance

    def least_of(self, known: Known, at: Positions, scenes: np.ndarray) -> np.ndarray:
        """`[S, K]` by how much each source must lower the cost, less where it is likely.

        Args:
            known: of all scenes.
            at: `[S, K]` where the sources are.
            scenes: `[S]` which scenes those are.
        """
        least = np.repeat(self.least_gain(known)[scenes, None], at.active.shape[1], axis=1)
        if known.likely is None or known.count is not None or known.estimated:
            return least
        odds = known.likely.odds(scenes, at)
        assert known.noise_variance is not None
        return self.test.least_gain(odds) * known.noise_variance[scenes, None]

    def noise_gain(self, known: Known) -> np.ndarray:
        """`[B]` by how much noise alone may lower the cost, whether or not the count is known."""
        return self.least_gain(known._replace(count=None))

    def max_count(self, fits: Fits, known: Known) -> np.ndarray:
        """Largest number of sources of each scene."""
        largest = np.full(len(fits.energy), self.max_sources)
        return largest if known.count is None else known.count

    def unexplained(
        self, fits: Fits, known: Known, scenes: np.ndarray, deviations: float
    ) -> np.ndarray:
        """The scenes, of some, whose residual exceeds noise by a number of standard deviations."""
        assert known.noise_variance is not None
        count = fits.count
        more = fits.energy > self.test.noise_energy(count, deviations) * known.noise_variance
        if known.count is not None:
            more |= count < known.count
        if known.estimated:  # the estimate may contain a source
            more |= count > 1
        return scenes[more[scenes]]

    def first_noise_variance(self, energy: np.ndarray, known: Known) -> np.ndarray:
        """The noise variance from the residual energies of 0, 1, .. sources, `[B, K + 1]`.

        Variance and count depend on each other: from the largest number of sources downwards,
        both are computed in turn until they agree.
        """
        scenes = np.arange(len(energy))
        largest = np.full(len(energy), energy.shape[1] - 1)
        count = largest if known.count is None else np.minimum(known.count, largest)
        level = self.noise_variance(energy[scenes, count], count, energy[:, 0])
        for _ in range(energy.shape[1] - 1):
            if known.count is None:
                count = _before_first(energy, self.test.least_drop(count) * level)
            level = self.noise_variance(energy[scenes, count], count, energy[:, 0])
        return level

    def noise_variance(
        self, residual: np.ndarray, count: np.ndarray, whole: np.ndarray
    ) -> np.ndarray:
        """The noise variance from residual energies, at least the measurement's rounding error."""
        rounding = ROUNDING * whole / (self.test.groups * self.test.numbers)
        return np.maximum(self.test.noise_variance(residual, count), rounding)


def _before_first(energy: np.ndarray, least: np.ndarray) -> np.ndarray:
    """`[B]` how many sources precede the first that explains less than `least`, `[B]`."""
    drop = energy[:, :-1] - energy[:, 1:]
    return np.argmin(np.pad(drop >= least[:, None], ((0, 0), (0, 1))), axis=1)
