"""What the receiver has: measurements, grouped by the symbols that they share (SPEC 8).

Snapshots share no symbols unless the scene's are constant; then all of them are one long snapshot.
So measurements are `[B, G, D]`: `G = L` groups of `D = M` numbers, or one of `L M`.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from ris_tf.parts import imag, real, real_rows, side_by_side, squared
from ris_tf.products import matmul
from ris_tf.scene import Measurement, Panel


class Observed(NamedTuple):
    """Measurements in the form that estimators compute with.

    Attributes:
        y: `[B, G, D]` complex.
        sensing: `[B, G D, 2 N]` real, all `Phi_l = H diag(c_l)`: real parts beside imaginary. Real
            products of this size are three times as fast as complex ones on CPUs.
        panel: the nominal panel.
        noise: `[B]` real, `sigma^2` of the stochastic likelihood; `None` or 0 for the deterministic
            one.
        equal: whether all sources of a scene have the same power.
    """

    y: tf.Tensor
    sensing: tf.Tensor
    panel: Panel
    noise: tf.Tensor | None = None
    equal: bool = True

    @property
    def signal(self) -> tf.Tensor:
        """`[B]` energy of the measurement above the noise's mean, at least two deviations of it."""
        assert self.noise is not None
        numbers = math.prod(self.y.shape[1:])
        energy = squared_sum(self.y, [1, 2])
        return tf.maximum(energy - numbers * self.noise, 2 * math.sqrt(numbers) * self.noise)

    def at_receiver(self, vectors: tf.Tensor) -> tf.Tensor:
        """`Phi_l a` of vectors at the panel, `[B, V, N]` complex or `[V, N]` for all scenes.

        Returns:
            `[B, G, D, V]` complex.
        """
        return self.parts_at_receiver(real(vectors), imag(vectors))

    def parts_at_receiver(self, re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
        """The same of vectors in their real and imaginary parts."""
        rows, count = real_rows(re, im), re.shape[-2]
        if re.shape.rank == 2:
            responses = tf.tensordot(self.sensing, rows, [[-1], [-1]])
        else:
            responses = matmul(self.sensing, rows, transpose_b=True)
        pairs = tf.reshape(responses, [tf.shape(self.y)[0], *self.y.shape[1:], count, 2])
        return tf.bitcast(pairs, self.y.dtype)


def observed(measurement: Measurement, panel: Panel, symbols: str) -> Observed:
    """Measurements, grouped by the symbols that they share.

    Args:
        measurement: what the receiver has.
        panel: the nominal panel.
        symbols: `scene.symbols`, `"independent"` or `"constant"`.
    """
    y, channel, codes, _ = measurement
    straight, turned = side_by_side(channel), side_by_side(1j * channel)
    along, across = (tf.tile(part, [1, 1, 2])[:, :, None] for part in (real(codes), imag(codes)))
    sensing = along * straight[:, None] + across * turned[:, None]  # complex: 2.6 times as long
    numbers = y.shape[1] * y.shape[2]
    if symbols == "constant":
        y = tf.reshape(y, [-1, 1, numbers])
    return Observed(y, tf.reshape(sensing, [-1, numbers, sensing.shape[-1]]), panel)


def with_derivatives(vectors: tf.Tensor, turns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Real and imaginary parts of vectors, then of their derivatives: `[B, 4 K, N]` each.

    Args:
        vectors: `[B, K, N]` complex.
        turns: `[B, 3, K, N]` derivatives of their phases by three coordinates.
    """
    re, im = real(vectors)[:, None], imag(vectors)[:, None]
    shape = [-1, 4 * vectors.shape[1], vectors.shape[2]]
    return (
        tf.reshape(tf.concat([re, -turns * im], axis=1), shape),
        tf.reshape(tf.concat([im, turns * re], axis=1), shape),
    )


def squared_sum(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """`sum |x|^2` of a complex tensor over axes: real."""
    return tf.reduce_sum(squared(x), axis=axes)
