"""What is known about scenes, and their present fits: numpy arrays, indexed by scene."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.refinement import Refined
from ris_tf.scene.positions import Place, Positions

CHANGED = 1e-4  # least relative descent of the residual energy that counts as a change


class Known(NamedTuple):
    """What is known, and so is not estimated.

    Attributes:
        noise_variance: `[B]`, or `None` to estimate it from the residual.
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


class Fits:
    """The present fit of each scene: numpy arrays of a `Refined`, replaced scene by scene."""

    def __init__(self, refined: Refined):
        self.refined = refined

    @property
    def positions(self) -> Positions:
        """Where sources are."""
        return self.refined.positions

    @property
    def energy(self) -> np.ndarray:
        """`[B]` residual energy."""
        return np.asarray(self.refined.energy)

    @property
    def support(self) -> np.ndarray:
        """`[B, K]` increase of the residual energy without each source."""
        return np.asarray(self.refined.support)

    @property
    def count(self) -> np.ndarray:
        """`[B]` sources of each scene."""
        return (np.asarray(self.positions.active) > 0).sum(axis=-1)

    def without_weakest(self, scenes: np.ndarray) -> Positions:
        """Positions of some scenes, each without its source of least support."""
        others = take(self.positions, scenes)
        others.active[np.arange(len(scenes)), self.support[scenes].argmin(axis=-1)] = 0
        return others

    def put(
        self, scenes: np.ndarray, other: Refined, chosen: np.ndarray | slice = slice(None)
    ) -> None:
        """Replace the fits of some scenes, or of the chosen ones among them."""
        flat = zip(tf.nest.flatten(self.refined), tf.nest.flatten(other), strict=True)
        for present, new in flat:
            present[scenes[chosen]] = new[chosen]


def take(arrays: Any, rows: np.ndarray) -> Any:
    """Some rows of numpy arrays in any structure."""
    return tf.nest.map_structure(lambda x: x[rows], arrays)


def of_scenes(places: Place | None, scenes: np.ndarray) -> Place | None:
    """The places of some scenes, or `None`."""
    return None if places is None else take(places, scenes)


def as_arrays(places: Place | None) -> Place | None:
    """Places as numpy arrays, if there are any."""
    if places is None:
        return None
    azimuth, elevation, range_m = map(np.asarray, places)
    return azimuth, elevation, range_m


def joined(one: Any, other: Any) -> Any:
    """Rows of numpy arrays in any structure, then those of others."""
    return tf.nest.map_structure(lambda a, b: np.concatenate([a, b]), one, other)
