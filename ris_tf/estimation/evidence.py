"""How much a source must explain, and how much noise leaves: the count test on many scenes."""

import numpy as np

from ris_tf.estimation.count_test import NoiseTest
from ris_tf.estimation.found import Found, Known

ROUNDING = 1e-9  # of a measurement's energy, may be left of a perfect fit in single precision


class Evidence:
    """The count test, of scenes whose noise is known, and of what was found in them.

    Args:
        test: what noise alone explains.
        most: sources that there may be.
    """

    def __init__(self, test: NoiseTest, most: int):
        self.test = test
        self.most = most

    def least_drop(self, known: Known) -> np.ndarray:
        """`[B]` energy that a source must explain; nothing, where the count is known."""
        assert known.noise_variance is not None
        if known.count is not None:
            return np.full(len(known.noise_variance), -np.inf)
        return self.test.least_drop(self.most, known.estimated) * known.noise_variance

    def room(self, now: Found, known: Known) -> np.ndarray:
        """Sources that there may be in each scene."""
        return np.full(len(now.energy), self.most) if known.count is None else known.count

    def lacking(self, now: Found, known: Known, fresh: np.ndarray, deviations: float) -> np.ndarray:
        """Scenes of which more is left than noise, by so many of its standard deviations."""
        assert known.noise_variance is not None
        count = now.count
        lacking = now.energy > self.test.most_left(count, deviations) * known.noise_variance
        if known.count is not None:
            lacking |= count < known.count
        if known.estimated:  # it may contain a source
            lacking |= count > 1
        return fresh[lacking[fresh]]

    def level(self, energy: np.ndarray, known: Known) -> np.ndarray:
        """The noise variance from the energy that 0, 1, .. sources leave.

        It is what the count leaves, and the count is what that noise would not explain: from the
        most sources downwards, until both agree.
        """
        scenes = np.arange(len(energy))
        most = np.full(len(energy), energy.shape[1] - 1)
        count = most if known.count is None else np.minimum(known.count, most)
        level = self.noise(energy[scenes, count], count, energy[:, 0])
        for _ in range(energy.shape[1] - 1):
            if known.count is None:
                count = _before_first(energy, self.test.least_drop(count, True) * level)
            level = self.noise(energy[scenes, count], count, energy[:, 0])
        return level

    def noise(self, left: np.ndarray, count: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The noise variance from what sources leave, at least what rounding does."""
        rounding = ROUNDING * whole / (self.test.groups * self.test.numbers)
        return np.maximum(self.test.noise_variance(left, count), rounding)


def _before_first(energy: np.ndarray, least: np.ndarray) -> np.ndarray:
    """`[B]` how many sources come before the first that explains less than `[B]` the least."""
    drop = energy[:, :-1] - energy[:, 1:]
    return np.argmin(np.pad(drop >= least[:, None], ((0, 0), (0, 1))), axis=1)
