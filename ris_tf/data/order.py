"""The order in which scenes of files are trained on."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

PERMUTATIONS = 2  # that are kept: a batch may lie across the end of one


class Shuffled:
    """The order in which scenes are trained on: one permutation of all of them after the other.

    Which scenes a batch has follows from its number alone, and every scene comes equally often,
    however long an epoch is.

    Args:
        scenes: how many there are.
        seed: of the permutations, as a sequence of whole numbers.
    """

    def __init__(self, scenes: int, seed: Sequence[int]):
        self.scenes = scenes
        self._seed = tuple(seed)
        self._permutation = lru_cache(PERMUTATIONS)(self._drawn)

    def numbers(self, first: int, count: int) -> np.ndarray:
        """Numbers of `count` scenes, from place `first` of the order: `[count]` int64."""
        passes, places = np.divmod(np.arange(first, first + count), self.scenes)
        numbers = np.empty(count, np.int64)
        for one in np.unique(passes).tolist():
            numbers[passes == one] = self._permutation(one)[places[passes == one]]
        return numbers

    def _drawn(self, one: int) -> np.ndarray:
        return np.random.default_rng([*self._seed, one]).permutation(self.scenes)
