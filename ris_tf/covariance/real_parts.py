"""Products of complex matrices as products of real ones, several times as fast on CPUs.

A row `x` stands as `[Re x | Im x]`; the vector that it is multiplied with as two rows, whose inner
products with it are the real and the imaginary part of `x^T v`. One real product then gives both,
by turns, which is how memory holds complex numbers.
"""

import tensorflow as tf


def side_by_side(x: tf.Tensor, axis: int = -1) -> tf.Tensor:
    """`[Re x | Im x]`: `[..., n]` complex to `[..., 2 n]` real, or along another axis."""
    return tf.concat([tf.math.real(x), tf.math.imag(x)], axis=axis)


def real_rows(re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
    """Rows that give, by turns, `Re(x^T v)` and `Im(x^T v)` of what stands side by side.

    Args:
        re: `[..., V, n]` real, a vector `v` a row.
        im: the same of its imaginary part; with the sign changed the products are `x^T conj(v)`.

    Returns:
        `[..., 2 V, 2 n]` real.
    """
    count, elements = re.shape[-2:]
    shape = tf.concat([tf.shape(re)[:-2], [2 * count, 2 * elements]], axis=0)
    return tf.reshape(tf.stack([re, -im, im, re], axis=-2), shape)
