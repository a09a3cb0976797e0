"""Complex numbers as pairs of real tensors, for runtimes that have no complex type."""

from typing import Any, NamedTuple

import tensorflow as tf


class Pair(NamedTuple):
    """`re + j im`, two real tensors of one shape, or of shapes that broadcast to one."""

    re: Any
    im: Any

    @property
    def size(self) -> int:
        """Length of the last axis, which must be known."""
        return int(self.re.shape[-1])

    def __getitem__(self, key: Any) -> "Pair":
        return Pair(self.re[key], self.im[key])

    def __add__(self, other: "Pair") -> "Pair":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Pair(self.re + other.re, self.im + other.im)

    def __sub__(self, other: "Pair") -> "Pair":
        return Pair(self.re - other.re, self.im - other.im)

    def __mul__(self, other: "Pair") -> "Pair":  # pyright: ignore[reportIncompatibleMethodOverride]
        re = self.re * other.re - self.im * other.im
        return Pair(re, self.re * other.im + self.im * other.re)

    def __matmul__(self, other: "Pair") -> "Pair":
        re = tf.matmul(self.re, other.re) - tf.matmul(self.im, other.im)
        return Pair(re, tf.matmul(self.re, other.im) + tf.matmul(self.im, other.re))

    def scaled(self, gain: Any) -> "Pair":
        """Times a real tensor."""
        return Pair(self.re * gain, self.im * gain)

    def conj(self) -> "Pair":
        """`re - j im`."""
        return Pair(self.re, -self.im)

    def transposed(self) -> "Pair":
        """The last two axes exchanged."""
        return Pair(*map(tf.linalg.matrix_transpose, self))

    def adjoint(self) -> "Pair":
        """Conjugate and transposed."""
        return self.conj().transposed()

    def power(self) -> Any:
        """`|x|^2`, real."""
        return self.re**2 + self.im**2

    def divided(self, other: "Pair") -> "Pair":
        """By another."""
        return (self * other.conj()).scaled(1 / other.power())
