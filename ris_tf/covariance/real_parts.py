"""Products of complex matrices as products of real ones, several times as fast on CPUs.

A row `x` is stored as `[Re x | Im x]`, and the vector `v` that it is multiplied with as two rows:
the inner products with them are the real and the imaginary part of `x^T v`. One real product gives
both, alternating, which is also the layout of complex numbers in memory.
"""

import tensorflow as tf


def side_by_side(x: tf.Tensor, axis: int = -1) -> tf.Tensor:
    """`[Re x | Im x]`: `[..., n]` complex to `[..., 2 n]` real, or along another axis."""
    return tf.concat([tf.math.real(x), tf.math.imag(x)], axis=axis)


def real_rows(re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
    """Rows whose inner products with `[Re x | Im x]` are, alternating, `Re(x^T v)` and `Im(x^T v)`.

    Args:
        re: `[..., V, n]` real, a vector `v` a row.
        im: the same of its imaginary part; with the sign changed the products are `x^T conj(v)`.

    Returns:
        `[..., 2 V, 2 n]` real.
    """
    count, elements = re.shape[-2:]
    shape = tf.concat([tf.shape(re)[:-2], [2 * count, 2 * elements]], axis=0)
    return tf.reshape(tf.stack([re, -im, im, re], axis=-2), shape)
