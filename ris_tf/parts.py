"""Real and imaginary parts of complex tensors, one by one and as the rows of real products.

XLA gets them at once. TensorFlow translates most operations for it directly; `Real` and `Imag` (and
`Abs`, `Sqrt`, `Cos`, `Exp`, ...) go through a compiler pipeline that is set up for each of them
anew, some milliseconds each, before anything is compiled: a training step has hundreds of them.
`Cast` takes the same real part, to the bit, and has the same gradient.

Products of complex matrices are several times as fast on CPUs as products of real ones. A row `x`
is stored as `[Re x | Im x]`, and the vector `v` that it is multiplied with as two rows: the inner
products with them are the real and the imaginary part of `x^T v`. One real product gives both,
alternating, which is also the layout of complex numbers in memory.
"""

from typing import Any

import numpy as np
import tensorflow as tf


def real(z: tf.Tensor) -> tf.Tensor:
    """`Re z`, of any shape; a real tensor stays as it is."""
    z = tf.convert_to_tensor(z)
    return tf.raw_ops.Cast(x=z, DstT=z.dtype.real_dtype) if z.dtype.is_complex else z


def imag(z: tf.Tensor) -> tf.Tensor:
    """`Im z = Re(-j z)` of a complex tensor; NaN where the real part is not finite."""
    return real(z * tf.constant(-1j, z.dtype))


def squared(z: tf.Tensor) -> tf.Tensor:
    """`|z|^2` of a complex tensor, without the root and its gradient at 0."""
    return real(z * tf.math.conj(z))


def side_by_side(x: tf.Tensor, axis: int = -1) -> tf.Tensor:
    """`[Re x | Im x]`: `[..., n]` complex to `[..., 2 n]` real, or along another axis."""
    return tf.concat([real(x), imag(x)], axis=axis)


def real_rows(re: Any, im: Any) -> Any:
    """Rows whose inner products with `[Re x | Im x]` are, alternating, `Re(x^T v)` and `Im(x^T v)`.

    Of numpy's arrays numpy makes them: a graph holds them as one constant, which is ten times as
    quick to make of real numbers as of complex ones.

    Args:
        re: `[..., V, n]` real, a vector `v` a row; a tensor, or numpy's.
        im: the same of its imaginary part; with the sign changed the products are `x^T conj(v)`.

    Returns:
        `[..., 2 V, 2 n]` real.
    """
    count, elements = re.shape[-2:]
    if isinstance(re, np.ndarray):
        stacked = np.stack([re, -im, im, re], axis=-2)
        return stacked.reshape(*re.shape[:-2], 2 * count, 2 * elements)
    shape = tf.concat([tf.shape(re)[:-2], [2 * count, 2 * elements]], axis=0)
    return tf.reshape(tf.stack([re, -im, im, re], axis=-2), shape)
