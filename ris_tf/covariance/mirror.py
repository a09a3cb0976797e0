"""Grids of directions before a panel that is its own mirror image, at half the cost.

Half a turn about its normal takes such a panel to itself, its elements in reverse order, and
changes the signs of azimuth and elevation: `a(-phi, -theta, r) = J a(phi, theta, r)`, `J` the
reversal. A basis is the sum of `W + J W` and `W - J W`, whose rows repeat, so that products with
half of the vectors and half of their entries answer for all.
"""

import numpy as np
import tensorflow as tf

from ris_tf.covariance.lowrank import real_products
from ris_tf.scene import Panel

SAME = 1e-9  # of radians and metres


def is_mirrored(panel: Panel, azimuth: np.ndarray, elevation: np.ndarray) -> bool:
    """Whether half a turn takes panel and directions, `[A]` and `[E]` ascending, to themselves."""
    axes = panel.x, panel.z, azimuth, elevation
    return all(
        isinstance(axis, np.ndarray) and np.allclose(axis, -axis[::-1], rtol=0, atol=SAME)
        for axis in axes
    )


def first_half(axis: np.ndarray) -> np.ndarray:
    """The part of a mirrored axis whose mirror image is the rest; the middle is in it."""
    return axis[: -(-len(axis) // 2)]


def inside_both(basis: tf.Tensor, vectors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`|W^H a|^2` and `|W^H J a|^2`, as `inside` has them.

    Args:
        basis: `[..., N, r]` complex64, `W`.
        vectors: `[P, N]` complex64, a vector `a` a row.

    Returns:
        Two of `[..., P]` float32.
    """
    elements = basis.shape[-2]
    half = -(-elements // 2)
    share = np.full([half, 1], 0.5, np.complex64)  # of an entry's two places
    share[elements // 2 :] = 0.25  # the middle one's are the same
    rows, turned_rows = (share * x[..., :half, :] for x in (basis, tf.reverse(basis, [-2])))
    columns, turned_columns = (x[:, :half] for x in (vectors, tf.reverse(vectors, [-1])))
    even = real_products(rows + turned_rows, columns + turned_columns)
    odd = real_products(rows - turned_rows, columns - turned_columns)
    here, there = (tf.reduce_sum(part**2, axis=[-3, -2]) for part in (even + odd, even - odd))
    return here, there


def unfolded(here: tf.Tensor, there: tf.Tensor, azimuths: int) -> tf.Tensor:
    """All directions, `[..., A, E]`, from those of the first half and those opposite to them."""
    rest = tf.reverse(there, [-2, -1])[..., 2 * here.shape[-2] - azimuths :, :]
    return tf.concat([here, rest], axis=-2)
