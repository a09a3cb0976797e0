"""Inverses and factors of many small matrices: eliminations whose innermost axis is the matrices.

XLA's factorizations on CPUs take a matrix at a time, and are a hundred operations to compile; here
each operation is one loop over all. What an elimination has not reached yet stays Hermitian: its
columns are not read.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ris_tf.parts import real
from ris_tf.shapes import sizes


def small_inverse(matrices: tf.Tensor) -> tf.Tensor:
    """Inverses of Hermitian positive definite matrices by Gauss-Jordan elimination, in place.

    No pivoting: the matrices' diagonals must be loaded well above rounding.

    Args:
        matrices: `[..., n, n]` real or complex, `n` known and small.

    Returns:
        `[..., n, n]`.
    """
    place = np.arange(matrices.shape[-1], dtype=np.int32)[:, None]

    def eliminated(k: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        row, here = tf.gather(left, k), tf.equal(place, k)
        pivot = 1 / tf.gather(row, k)
        share = row * pivot
        column = tf.where(place < k, -tf.math.conj(row), tf.math.conj(row))
        swept = left - column[:, None] * share
        swept = tf.where(here, -(column * pivot)[:, None], swept)
        return tf.where(here[:, None], tf.where(here, pivot, share), swept)

    return _outermost(_step_by_step(eliminated, matrices), matrices)


def inverse_cholesky(matrices: tf.Tensor) -> tf.Tensor:
    """`L^-1` of Hermitian positive definite `A = L L^H`, so that `A^-1 = L^-H L^-1`.

    No pivoting, and not meant for gradients to pass.

    Args:
        matrices: `[..., n, n]` real or complex, `n` known and small.

    Returns:
        `[..., n, n]`, lower triangular.
    """
    place = np.arange(matrices.shape[-1], dtype=np.int32)[:, None]

    def eliminated(k: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        row, here, below = tf.gather(left, k), tf.equal(place, k), (place > k)[:, None]
        share = tf.math.conj(row) / tf.gather(row, k)
        # In column k and left of it stands the inverse, whose diagonal is one.
        before = tf.where(here, tf.zeros_like(row), left)
        swept = before - share[:, None] * tf.where(here, tf.ones_like(row), row)
        return tf.where(below, swept, left)

    left = _step_by_step(eliminated, matrices)
    pivots = tf.reshape(left, [place.size**2, -1])[:: place.size + 1]
    scale = tf.cast(tf.math.rsqrt(real(pivots)), left.dtype)
    unit = tf.constant(np.eye(place.size)[..., None], left.dtype)
    lower = tf.where((place > place.T)[..., None], left, unit)
    return _outermost(lower * scale[:, None], matrices)


def diagonal(matrices: tf.Tensor) -> tf.Tensor:
    """Diagonals of matrices `[..., n, n]`: `[..., n]`. TensorFlow's takes XLA 23 operations."""
    *leading, size, _ = sizes(matrices)
    return tf.reshape(matrices, [*leading, size * size])[..., :: size + 1]


def _step_by_step(step: Callable, matrices: tf.Tensor) -> tf.Tensor:
    """`step(k, .)` for each row `k` of `[n, n, B]` numbers, in a loop whose graph is that of one.

    Unrolled, XLA computes rows again and again.
    """
    size = matrices.shape[-1]
    numbers = tf.transpose(tf.reshape(matrices, [-1, size, size]), [1, 2, 0])
    return tf.while_loop(
        lambda k, _: k < size, lambda k, left: (k + 1, step(k, left)), (tf.constant(0), numbers)
    )[1]


def _outermost(numbers: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Matrices of another's shape from `[n, n, B]` numbers."""
    return tf.reshape(tf.transpose(numbers, [2, 0, 1]), sizes(like))
