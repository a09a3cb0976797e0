"""Positions of sources, estimated or true, of a batch of scenes."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.scene import Sources, unit_direction

Place = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # azimuth, elevation, range


class Positions(NamedTuple):
    """Up to `K` sources a scene; those with `active` 0 hold finite numbers that mean nothing.

    Attributes:
        azimuth: `[B, K]` radians.
        elevation: `[B, K]` radians.
        range_m: `[B, K]` metres, above 0.
        active: `[B, K]` float32, 1 for sources that are there.
    """

    azimuth: tf.Tensor
    elevation: tf.Tensor
    range_m: tf.Tensor
    active: tf.Tensor

    @property
    def count(self) -> tf.Tensor:
        """`[B]` int32 sources of each scene."""
        return tf.cast(tf.reduce_sum(self.active, axis=-1), tf.int32)

    @property
    def coordinates(self) -> Place:
        """Azimuth, elevation and range, as steering vectors take them."""
        return self.azimuth, self.elevation, self.range_m

    def joined(self, place: Place) -> "Positions":
        """The same with one more slot, and a source in it: `[B]` azimuth, elevation, range."""
        columns = (*place, tf.ones_like(place[0]))
        return Positions(
            *(tf.concat([a, b[:, None]], axis=1) for a, b in zip(self, columns, strict=True))
        )

    def padded(self, slots: int, range_m: float) -> "Positions":
        """The same with empty slots behind, `slots` in all."""
        own = self.active.shape[1]
        spare = nowhere(tf.shape(self.active)[0], slots - own, range_m)
        return Positions(*(tf.concat([a, b], axis=1) for a, b in zip(self, spare, strict=True)))

    def without(self, slot: int | tf.Tensor) -> "Positions":
        """The same less one source in every scene; `[B]` slots or one for all."""
        kept = 1 - tf.one_hot(slot, self.active.shape[-1], dtype=self.active.dtype)
        return self._replace(active=self.active * kept)

    def cartesian(self) -> tf.Tensor:
        """`[B, K, 3]` metres: `x` along the panel, `y` in front of it, `z` up."""
        return self.range_m[..., None] * unit_direction(self.azimuth, self.elevation)


def true_positions(sources: Sources) -> Positions:
    """Where simulated sources are."""
    return Positions(sources.azimuth, sources.elevation, sources.range_m, sources.active)


def nowhere(batch: int | tf.Tensor, slots: int, range_m: float) -> Positions:
    """No sources; the slots point ahead, at some range in metres."""
    zeros = tf.zeros([batch, slots])
    return Positions(zeros, zeros, zeros + range_m, zeros)
