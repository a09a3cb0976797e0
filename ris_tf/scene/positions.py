"""Positions of sources, estimated or true, of a batch of scenes."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.scene import Sources, unit_direction

Place = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # azimuth, elevation, range


class Positions(NamedTuple):
    """Up to `K` sources a scene; slots whose `active` is 0 have finite numbers without meaning.

    Attributes:
        azimuth: `[B, K]` radians.
        elevation: `[B, K]` radians.
        range_m: `[B, K]` metres, above 0.
        active: `[B, K]` float32, 1 for slots with a source.
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
        """The same with one more slot, which has a source: `[B]` azimuth, elevation, range."""
        columns = (*place, tf.ones_like(place[0]))
        return Positions(
            *(tf.concat([a, b[:, None]], axis=1) for a, b in zip(self, columns, strict=True))
        )

    def padded(self, slots: int, range_m: float) -> "Positions":
        """The same with empty slots appended, `slots` in all."""
        present = self.active.shape[1]
        if slots == present:
            return self
        spare = nowhere(tf.shape(self.active)[0], slots - present, range_m)
        return Positions(*(tf.concat([a, b], axis=1) for a, b in zip(self, spare, strict=True)))

    def without(self, slot: int | tf.Tensor) -> "Positions":
        """The same without one source of every scene; `[B]` slots or one for all."""
        kept = 1 - tf.one_hot(slot, self.active.shape[-1], dtype=self.active.dtype)
        return self._replace(active=self.active * kept)

    def cartesian(self) -> tf.Tensor:
        """`[B, K, 3]` metres: `x` along the panel, `y` in front of it, `z` up."""
        return self.range_m[..., None] * unit_direction(self.azimuth, self.elevation)


def true_positions(sources: Sources) -> Positions:
    """Where simulated sources are."""
    return Positions(sources.azimuth, sources.elevation, sources.range_m, sources.active)


def nowhere(batch: int | tf.Tensor, slots: int, range_m: float) -> Positions:
    """Empty slots, straight ahead at a range in metres."""
    zeros = tf.zeros([batch, slots])
    return Positions(zeros, zeros, zeros + range_m, zeros)
