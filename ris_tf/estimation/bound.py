"""The deterministic Cramér-Rao bound on positions, in double precision (SPEC 8).

For unknown symbols and known noise variance it is `sqrt(diag(J^-1))`, with
`J = 2 / sigma^2 sum_l Re(D_l^H P_perp_l D_l)` (Stoica and Nehorai, "MUSIC, maximum likelihood, and
Cramer-Rao bound", IEEE Trans. ASSP 37(5), 1989).
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.receiver import Observed, fit
from ris_tf.scene.positions import Positions

SINGULAR = 1e-13  # eigenvalue of the Fisher matrix scaled to a unit diagonal


class Bound(NamedTuple):
    """Least standard deviations of unbiased estimates.

    Infinite where the measurement does not determine a coordinate; NaN in empty slots.

    Attributes:
        azimuth: `[B, K]` float64 radians.
        elevation: `[B, K]` float64 radians.
        range_m: `[B, K]` float64 metres.
    """

    azimuth: tf.Tensor
    elevation: tf.Tensor
    range_m: tf.Tensor


def in_double(data: Observed, y: tf.Tensor | None = None) -> Observed:
    """Measurements in double precision, or the same receiver with other measurements.

    Args:
        data: measurements.
        y: complex, with as many numbers a scene as `data.y`.
    """
    y = data.y if y is None else tf.reshape(y, data.y.shape)
    x, z = (np.asarray(axis, np.float64) for axis in (data.panel.x, data.panel.z))
    return Observed(
        y=tf.cast(y, tf.complex128),
        sensing=tf.cast(data.sensing, tf.float64),
        panel=data.panel._replace(x=x, z=z),
        equal=data.equal,
    )


def fisher_matrix(data: Observed, positions: Positions, noise_variance: tf.Tensor) -> tf.Tensor:
    """`J` of the positions, symbols unknown, at the symbols that fit the measurement best.

    Args:
        data: noise-free measurements for the bound at the truth, else noisy ones.
        positions: of `K` sources.
        noise_variance: `[B]`, `sigma^2` of a complex number.

    Returns:
        `[B, 3 K, 3 K]` float64: azimuths, elevations (1/rad^2), then ranges (1/m^2).
    """
    coordinates = tuple(tf.cast(axis, tf.float64) for axis in positions.coordinates)
    information = fit(
        in_double(data), coordinates, tf.cast(positions.active, tf.float64)
    ).information
    return 2 / tf.cast(noise_variance, tf.float64)[:, None, None] * information


def cramer_rao_bound(data: Observed, positions: Positions, noise_variance: tf.Tensor) -> Bound:
    """`sqrt(diag(J^-1))` of every coordinate.

    Args:
        data: noise-free measurements for the bound at the truth, else noisy ones.
        positions: of `K` sources.
        noise_variance: `[B]`, `sigma^2` of a complex number.
    """
    fisher = fisher_matrix(data, positions, noise_variance)
    scale = tf.sqrt(tf.linalg.diag_part(fisher))
    scale = tf.where(scale > 0, scale, 1)
    values, vectors = tf.linalg.eigh(fisher / (scale[:, :, None] * scale[:, None, :]))
    inverse = tf.where(values > SINGULAR, 1 / values, np.inf)
    share = vectors**2
    variance = tf.reduce_sum(tf.where(share > SINGULAR, share * inverse[:, None], 0), axis=-1)
    deviation = tf.split(tf.sqrt(variance) / scale, 3, axis=1)
    return Bound(*(tf.where(positions.active > 0, axis, np.nan) for axis in deviation))
