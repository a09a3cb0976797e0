"""Grids of directions for a panel that is its own mirror image, at half the cost.

Half a turn about its normal takes such a panel to itself, its elements in reverse order, and
changes the signs of azimuth and elevation: `a(-phi, -theta, r) = J a(phi, theta, r)`, `J` the
reversal. A basis is the sum of `W + J W` and `W - J W`, whose rows repeat: products with half of
the vectors and half of their entries give all.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ris_tf.covariance.lowrank import inside, real_products, squares
from ris_tf.scene import Panel

SAME = 1e-9  # of radians and metres


@dataclass(frozen=True)
class Directions:
    """A grid of directions; half of them are computed if the panel is its own mirror image.

    Attributes:
        azimuth: `[a]` radians, of the steering vectors that are computed: all of the grid, or half.
        azimuths: `A`, of the whole grid.
        mirrored: whether the rest follows from the first half.
    """

    azimuth: np.ndarray
    azimuths: int
    mirrored: bool

    @classmethod
    def of_grid(cls, panel: Panel, azimuth: np.ndarray, elevation: np.ndarray) -> "Directions":
        """The directions of a grid: axes `[A]` and `[E]`, ascending radians."""
        mirrored = is_mirrored(panel, azimuth, elevation)
        half = azimuth[: -(-len(azimuth) // 2)]  # the middle one is in it
        return cls(half if mirrored else azimuth, len(azimuth), mirrored)

    def inside(self, basis: tf.Tensor, vectors: tf.Tensor | np.ndarray) -> list[tf.Tensor]:
        """`|W^H a|^2`, and also `|W^H J a|^2` where mirrored; see the function `inside`.

        Args:
            basis: `[..., N, r]` complex64, `W`.
            vectors: `[P, N]` complex64, a vector `a` a row; those of numpy become constants.

        Returns:
            One or two of `[..., P]` float32, for `whole`.
        """
        return list(inside_both(basis, vectors)) if self.mirrored else [inside(basis, vectors)]

    def whole(self, parts: list[tf.Tensor]) -> tf.Tensor:
        """All directions, `[..., A, E]`, from the computed and the opposite ones, `[..., a, E]`."""
        if not self.mirrored:
            return parts[0]
        computed, opposite = parts
        rest = tf.reverse(opposite, [-2, -1])[..., 2 * computed.shape[-2] - self.azimuths :, :]
        return tf.concat([computed, rest], axis=-2)


def is_mirrored(panel: Panel, azimuth: np.ndarray, elevation: np.ndarray) -> bool:
    """Whether half a turn takes panel and directions, `[A]` and `[E]` ascending, to themselves."""
    axes = panel.x, panel.z, azimuth, elevation
    return all(
        isinstance(axis, np.ndarray) and np.allclose(axis, -axis[::-1], rtol=0, atol=SAME)
        for axis in axes
    )


def inside_both(basis: tf.Tensor, vectors: tf.Tensor | np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """`|W^H a|^2` and `|W^H J a|^2`, from sums and differences of opposite elements."""
    elements = basis.shape[-2]
    half = -(-elements // 2)
    share = np.full([half, 1], 0.5, np.complex64)  # of an entry's two places
    share[elements // 2 :] = 0.25  # the middle one's are the same
    rows, turned_rows = (share * x[..., :half, :] for x in (basis, tf.reverse(basis, [-2])))
    columns, turned_columns = (x[:, :half] for x in (vectors, vectors[:, ::-1]))
    even = real_products(rows + turned_rows, columns + turned_columns)
    odd = real_products(rows - turned_rows, columns - turned_columns)
    return squares(even + odd), squares(even - odd)
