"""What is known about scenes, and their present fits: numpy arrays, indexed by scene."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.refinement import Refined
from ris_tf.scene.positions import Place, Positions

CHANGED = 1e-4  # least relative descent of the cost that counts as a change


class Likely(NamedTuple):
    """How likely sources are at some places, as a network has it.

    Attributes:
        places: `[B, P]` azimuth, elevation, range.
        confidence: `[B, P]` probabilities that there is a source.
        cell: of the starting grid, in azimuth and elevation: how far a fit may be from its place.
    """

    places: Place
    confidence: np.ndarray
    cell: tuple[float, float]

    def odds(self, scenes: np.ndarray, at: Positions) -> np.ndarray:
        """`[S, K]` of sources, for against: of the likeliest place within a cell, 0 without one.

        A place speaks for the nearest source alone, or one that is fitted by two would be likely
        twice.
        """
        confidence, apart = self.confidence[scenes], self._cells_apart(scenes, at)
        best, rows = np.zeros(at.active.shape), np.arange(len(scenes))
        for _ in range(apart.shape[1]):
            near = np.where((apart <= 1).any(axis=1), confidence, 0)
            place = near.argmax(axis=1)
            source = apart[rows, :, place].argmin(axis=1)
            best[rows, source] = np.maximum(best[rows, source], near[rows, place])
            apart[rows, source] = apart[rows, :, place] = np.inf
        return best / np.maximum(1 - best, 1e-6)

    def _cells_apart(self, scenes: np.ndarray, at: Positions) -> np.ndarray:
        """`[S, K, P]` cells between sources and places, of the direction that has more of them."""
        pairs = zip(self.places[:2], at.coordinates[:2], self.cell, strict=True)
        across = [np.abs(to[scenes][:, None] - x[..., None]) / size for to, x, size in pairs]
        return np.where(np.asarray(at.active)[..., None] > 0, np.maximum(*across), np.inf)


class Known(NamedTuple):
    """What is known, and so is not estimated.

    Attributes:
        noise_variance: `[B]`, or `None` to estimate it from the residual.
        count: `[B]` sources, or `None` to count them.
        estimated: whether the noise variance is a first estimate.
        likely: where sources are likely, or `None`.
    """

    noise_variance: np.ndarray | None = None
    count: np.ndarray | None = None
    estimated: bool = False
    likely: Likely | None = None

    def trusted(self, at: Positions) -> np.ndarray:
        """`[B, K]` whether sources are at places that are likelier than not."""
        if self.likely is None:
            return np.zeros(at.active.shape, bool)
        return self.likely.odds(np.arange(len(at.active)), at) > 1

    def of(self, scenes: np.ndarray | slice) -> "Known":
        """The same of some scenes."""
        noise, count, estimated, likely = self
        return Known(
            None if noise is None else noise[scenes],
            None if count is None else count[scenes],
            estimated,
            likely and Likely(take(likely.places, scenes), likely.confidence[scenes], likely.cell),
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
    def cost(self) -> np.ndarray:
        """`[B]`, to be minimized."""
        return np.asarray(self.refined.cost)

    @property
    def energy(self) -> np.ndarray:
        """`[B]` residual energy."""
        return np.asarray(self.refined.energy)

    @property
    def support(self) -> np.ndarray:
        """`[B, K]` increase of the cost without each source."""
        return np.asarray(self.refined.support)

    @property
    def count(self) -> np.ndarray:
        """`[B]` sources of each scene."""
        return (np.asarray(self.positions.active) > 0).sum(axis=-1)

    def without(self, scenes: np.ndarray, slots: np.ndarray) -> Positions:
        """Positions of some scenes, each without the source of a slot."""
        others = take(self.positions, scenes)
        others.active[np.arange(len(scenes)), slots] = 0
        return others

    def put(
        self, scenes: np.ndarray, other: Refined, chosen: np.ndarray | slice = slice(None)
    ) -> None:
        """Replace the fits of some scenes, or of the chosen ones among them."""
        flat = zip(tf.nest.flatten(self.refined), tf.nest.flatten(other), strict=True)
        for present, new in flat:
            present[scenes[chosen]] = new[chosen]


def take(arrays: Any, rows: np.ndarray | slice) -> Any:
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
