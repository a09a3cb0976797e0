"""Where the sources are and how strong: positions, separation, powers (SPEC 1)."""

import math
from typing import NamedTuple

import tensorflow as tf

from ris_tf.config.scene import Scene
from ris_tf.scene.panel import unit_direction
from ris_tf.scene.random import Draws, Stream

CANDIDATES = 64  # positions drawn for a source, the first far enough taken: 6e-15 have none


class Sources(NamedTuple):
    """Sources of a batch; the first `count` of each scene are active, the others have power 0.

    Attributes:
        count: `[B]` int32, `K`.
        azimuth: `[B, K_max]` radians.
        elevation: `[B, K_max]` radians.
        range_m: `[B, K_max]` metres.
        power: `[B, K_max]` linear, 0 where inactive.
    """

    count: tf.Tensor
    azimuth: tf.Tensor
    elevation: tf.Tensor
    range_m: tf.Tensor
    power: tf.Tensor

    @property
    def active(self) -> tf.Tensor:
        """`[B, K_max]` float32, 1 for active sources."""
        return tf.sequence_mask(self.count, self.azimuth.shape[-1], tf.float32)


def draw_sources(draws: Draws, size: int, scene: Scene, wavelength_m: float) -> Sources:
    """Sources of a batch of `size` scenes."""
    max_sources = scene.sources_max
    count = draws.whole(Stream.COUNT, [size], scene.sources_min, max_sources)
    azimuth, elevation = _directions(draws, size, scene)
    range_m = draws.uniform(Stream.RANGE, [size, max_sources], *scene.range_m)
    power = _powers(draws, range_m, scene, wavelength_m)
    power *= tf.sequence_mask(count, max_sources, tf.float32)
    return Sources(count, azimuth, elevation, range_m, power)


def _directions(draws: Draws, size: int, scene: Scene) -> tuple[tf.Tensor, tf.Tensor]:
    tries = CANDIDATES if scene.separation_deg else 1
    shape = [size, scene.sources_max, tries]
    azimuth = draws.uniform(Stream.AZIMUTH, shape, *map(math.radians, scene.azimuth_deg))
    elevation = draws.uniform(Stream.ELEVATION, shape, *map(math.radians, scene.elevation_deg))
    if tries == 1:
        return azimuth[..., 0], elevation[..., 0]
    chosen = _first_far_enough(azimuth, elevation, math.radians(scene.separation_deg))
    return (
        tf.gather(azimuth, chosen, batch_dims=2),
        tf.gather(elevation, chosen, batch_dims=2),
    )


def _first_far_enough(azimuth: tf.Tensor, elevation: tf.Tensor, angle: float) -> tf.Tensor:
    """Index of the first of each source's candidates that is far from the sources before it.

    Args:
        azimuth: `[B, K, T]` radians of the candidates.
        elevation: `[B, K, T]` radians.
        angle: least distance in radians.

    Returns:
        `[B, K]` int32; 0 where none is far enough.

    Distances are chords, `2 sin(angle / 2)`: the cosine of a small angle rounds to one.
    """
    directions = unit_direction(azimuth, elevation)
    chord = 2 * math.sin(angle / 2)
    chosen, placed = [], []
    for k in range(azimuth.shape[1]):
        candidates = directions[:, k]
        far = tf.ones(candidates.shape[:-1], tf.bool)
        for other in placed:
            far &= tf.norm(candidates - other[:, None], axis=-1) >= chord
        chosen.append(tf.argmax(tf.cast(far, tf.int32), axis=-1, output_type=tf.int32))
        placed.append(tf.gather(candidates, chosen[-1], batch_dims=1))
    return tf.stack(chosen, axis=1)


def _powers(draws: Draws, range_m: tf.Tensor, scene: Scene, wavelength_m: float) -> tf.Tensor:
    if scene.powers == "path_loss":
        return (wavelength_m / (4 * math.pi * range_m)) ** 2
    if scene.powers == "spread":
        half = scene.power_spread_db / 2
        return 10 ** (draws.uniform(Stream.POWERS, range_m.shape, -half, half) / 10)
    return tf.ones_like(range_m)
