"""Positions of sources, estimated or true, of a batch of scenes."""

from typing import NamedTuple

import numpy as np
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

    def take(self, scenes: np.ndarray) -> "Positions":
        """The same of some scenes."""
        return Positions(*(tf.gather(axis, scenes) for axis in self))

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

    def with_source(self, slot: tf.Tensor, place: Place) -> "Positions":
        """The same with one source put into a slot.

        Args:
            slot: `[B]` or scalar whole number; beyond the last slot nothing happens.
            place: azimuth, elevation and range, `[B]` each.
        """
        hit = tf.broadcast_to(tf.one_hot(slot, self.active.shape[-1]) > 0, tf.shape(self.active))
        new = (*place, tf.ones_like(place[0]))
        return Positions(*(tf.where(hit, a[:, None], b) for a, b in zip(new, self, strict=True)))

    def cartesian(self) -> tf.Tensor:
        """`[B, K, 3]` metres: `x` along the panel, `y` in front of it, `z` up."""
        return self.range_m[..., None] * unit_direction(self.azimuth, self.elevation)


def true_positions(sources: Sources) -> Positions:
    """Where simulated sources are."""
    return Positions(sources.azimuth, sources.elevation, sources.range_m, sources.active)


def where(condition: tf.Tensor, chosen: Positions, other: Positions) -> Positions:
    """`chosen` in scenes where the `[B]` condition holds, `other` elsewhere."""
    return Positions(
        *(tf.where(condition[:, None], a, b) for a, b in zip(chosen, other, strict=True))
    )


def nowhere(batch: int | tf.Tensor, slots: int, range_m: float) -> Positions:
    """No sources; the slots point ahead, at some range in metres."""
    zeros = tf.zeros([batch, slots])
    return Positions(zeros, zeros, zeros + range_m, zeros)
