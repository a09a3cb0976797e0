"""Inverses and factors of many small matrices: eliminations whose innermost axis is the matrices.

XLA's factorizations on CPUs take a matrix at a time, and are a hundred operations to compile; here
each operation is one loop over all, and a step of an elimination is one product and one difference
of them: selecting rows and columns would cost several times as much outside of XLA. What an
elimination has not reached yet stays Hermitian: its columns are not read.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ris_tf.parts import real
from ris_tf.shapes import sizes


def small_inverse(matrices: tf.Tensor) -> tf.Tensor:
    """Inverses of Hermitian positive definite matrices by Gauss-Jordan elimination, in place.

    With column `c`, row `r` and pivot `p` of step `k`, and the unit vector `e` of its place,
    `A - (c - e) (r + e) / p` is all of the step: the rest swept, `r / p` in its row, `-c / p` in
    its column and `1 / p` in its place.

    No pivoting: the matrices' diagonals must be loaded well above rounding.

    Args:
        matrices: `[..., n, n]` real or complex, `n` known and small.

    Returns:
        `[..., n, n]`.
    """
    size = matrices.shape[-1]
    numbers, scale = _of_unit_diagonal(matrices)
    unit = np.eye(size)[..., None].astype(numbers.dtype.as_numpy_dtype)
    sign = (1 - 2 * np.tri(size, k=-1))[..., None].astype(unit.dtype)  # swept: skew-Hermitian

    def eliminated(k: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        row, here = tf.gather(left, k), tf.gather(unit, k)
        column = tf.math.conj(row) * tf.gather(sign, k)
        return left - ((column - here) / tf.gather(row, k))[:, None] * (row + here)

    left = _step_by_step(eliminated, numbers)
    return _outermost(left * scale * scale[:, None], matrices)


def inverse_cholesky(matrices: tf.Tensor) -> tf.Tensor:
    """`L^-1` of Hermitian positive definite `A = L L^H`, so that `A^-1 = L^-H L^-1`.

    In column `k` and left of it stands the inverse, whose diagonal is one. No pivoting, and not
    meant for gradients to pass.

    Args:
        matrices: `[..., n, n]` real or complex, `n` known and small.

    Returns:
        `[..., n, n]`, lower triangular.
    """
    size = matrices.shape[-1]
    numbers, scale = _of_unit_diagonal(matrices)
    unit = np.eye(size)[..., None].astype(numbers.dtype.as_numpy_dtype)
    lower = np.tri(size, k=-1)[..., None].astype(unit.dtype)
    below = np.swapaxes(lower, 0, 1)

    def eliminated(k: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        row = tf.gather(left, k)
        share = tf.math.conj(row) * tf.gather(below, k) / tf.gather(row, k)
        return left - share[:, None] * (row + tf.gather(unit, k))

    left = _step_by_step(eliminated, numbers)
    pivots = tf.reshape(left, [size**2, -1])[:: size + 1]
    pivots = tf.cast(tf.math.rsqrt(real(pivots)), left.dtype)
    return _outermost((left * lower + unit) * pivots[:, None] * scale, matrices)


def diagonal(matrices: tf.Tensor) -> tf.Tensor:
    """Diagonals of matrices `[..., n, n]`: `[..., n]`. TensorFlow's takes XLA 23 operations."""
    *leading, size, _ = sizes(matrices)
    return tf.reshape(matrices, [*leading, size * size])[..., :: size + 1]


def _of_unit_diagonal(matrices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`D A D` of diagonal 1 as `[n, n, B]` numbers, and `D`, `[n, B]`.

    Pivots are then at most 1, and a step's sums cancel no digits.
    """
    size = matrices.shape[-1]
    numbers = tf.transpose(tf.reshape(matrices, [-1, size, size]), [1, 2, 0])
    energy = real(tf.reshape(numbers, [size**2, -1])[:: size + 1])
    scale = tf.cast(tf.math.rsqrt(energy), numbers.dtype)
    return numbers * scale * scale[:, None], scale


def _step_by_step(step: Callable, numbers: tf.Tensor) -> tf.Tensor:
    """`step(k, .)` for each row `k` of `[n, n, B]` numbers, in a loop whose graph is that of one.

    Unrolled, XLA computes rows again and again.
    """
    size = numbers.shape[0]
    return tf.while_loop(
        lambda k, _: k < size, lambda k, left: (k + 1, step(k, left)), (tf.constant(0), numbers)
    )[1]


def _outermost(numbers: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Matrices of another's shape from `[n, n, B]` numbers."""
    return tf.reshape(tf.transpose(numbers, [2, 0, 1]), sizes(like))
