"""What is known of scenes, and what was found in them so far: numpy arrays, taken by scene."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.refinement import Refined
from ris_tf.scene.positions import Place, Positions

NOWHERE = 10.0  # an azimuth in radians that is far from all others


class Known(NamedTuple):
    """What need not be estimated.

    Attributes:
        noise_variance: `[B]`, or `None` to take it from the residual.
        count: `[B]` sources, or `None` to count them.
        estimated: whether the noise variance is a first estimate.
    """

    noise_variance: np.ndarray | None = None
    count: np.ndarray | None = None
    estimated: bool = False

    def of(self, scenes: np.ndarray | slice) -> "Known":
        """The same of some scenes."""
        noise, count, estimated = self
        return Known(
            None if noise is None else noise[scenes],
            None if count is None else count[scenes],
            estimated,
        )


class Found:
    """What is known of all scenes: numpy arrays of a `Refined`, scene by scene replaced."""

    def __init__(self, refined: Refined):
        self.refined = refined

    @property
    def positions(self) -> Positions:
        """Where sources are."""
        return self.refined.positions

    @property
    def energy(self) -> np.ndarray:
        """`[B]` what they leave."""
        return np.asarray(self.refined.energy)

    @property
    def support(self) -> np.ndarray:
        """`[B, K]` how much more they would leave without each."""
        return np.asarray(self.refined.support)

    @property
    def count(self) -> np.ndarray:
        """`[B]` sources of each scene."""
        return (np.asarray(self.positions.active) > 0).sum(axis=-1)

    def put(
        self, scenes: np.ndarray, other: Refined, chosen: np.ndarray | slice = slice(None)
    ) -> None:
        """Take some of the results for some scenes."""
        flat = zip(tf.nest.flatten(self.refined), tf.nest.flatten(other), strict=True)
        for mine, theirs in flat:
            mine[scenes[chosen]] = theirs[chosen]


def take(arrays: Any, rows: np.ndarray) -> Any:
    """Some rows of numpy arrays in any structure."""
    return tf.nest.map_structure(lambda x: x[rows], arrays)


def of_scenes(places: Place | None, scenes: np.ndarray) -> Place | None:
    """The places of some scenes, if there are any."""
    return None if places is None else take(places, scenes)


def as_arrays(places: Place | None) -> Place | None:
    """Places that can be taken by scene."""
    if places is None:
        return None
    azimuth, elevation, range_m = map(np.asarray, places)
    return azimuth, elevation, range_m


def nowhere_near(scenes: int) -> Place:
    """A direction that no place is near of."""
    axis = np.full(scenes, NOWHERE, np.float32)
    return axis, axis, axis
