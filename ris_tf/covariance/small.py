"""Inverses of many small matrices: an elimination whose innermost axis is the matrices.

XLA's factorizations on CPUs take a matrix at a time; here each operation is one loop over all.
"""

import numpy as np
import tensorflow as tf

from ris_tf.scene.shapes import sizes


def small_inverse(matrices: tf.Tensor) -> tf.Tensor:
    """Inverses of Hermitian positive definite matrices by Gauss-Jordan elimination, in place.

    No pivoting: the matrices' diagonals must be loaded well above rounding.

    Args:
        matrices: `[..., n, n]` real or complex, `n` known and small.

    Returns:
        `[..., n, n]`.
    """
    size, shape = matrices.shape[-1], sizes(matrices)
    rows, columns = np.indices((size, size, 1))[:2]
    left = tf.transpose(tf.reshape(matrices, [-1, size, size]), [1, 2, 0])

    def eliminated(k: tf.Tensor, left: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        row, column = left[k], tf.gather(left, k, axis=1)
        pivot = 1 / row[k]
        swept = left - column[:, None] * (row * pivot)[None]
        in_row = tf.where(columns == k, pivot[None, None], (row * pivot)[None])
        swept = tf.where(columns == k, -(column * pivot)[:, None], swept)
        return k + 1, tf.where(rows == k, in_row, swept)

    _, left = tf.while_loop(
        lambda k, left: k < size, eliminated, (tf.constant(0), left), maximum_iterations=size
    )
    return tf.reshape(tf.transpose(left, [2, 0, 1]), shape)
