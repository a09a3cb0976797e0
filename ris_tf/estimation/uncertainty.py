"""How uncertain maximum-likelihood positions are, from the measurement that they were fitted to.

Symbols that are averaged over, as Gaussian ones of the sources' powers, make positions as certain
as the stochastic Cramér-Rao bound allows (Stoica and Nehorai, "Performance study of conditional and
unconditional direction-of-arrival estimation", IEEE Trans. ASSP 38(10), 1990). Its information is
`F = 2 / sigma^2 sum Re(D^H P_perp D)` with the mean of the symbols given the measurement, least
squares with the likelihood's ridge, which shrinks them where noise is strong. It is itself
uncertain by what the symbols' errors add to it, `E`: positions have the covariance
`F^-1 + c F^-1 E F^-1`, which is `F^-1` where noise is weak.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.bound import in_double
from ris_tf.receiver import Observed, informations
from ris_tf.scene.positions import Positions

WIDE_95 = 1.96  # deviations to either side, of a Gaussian variable's central 95 %
OF_ERRORS = 0.5  # `c`
SINGULAR = 1e-13  # eigenvalue of the information scaled to a unit diagonal


class Deviations(NamedTuple):
    """Standard deviations of estimates; NaN in empty slots.

    That of the range is of its inverse, in which errors are nearly Gaussian.

    Attributes:
        azimuth: `[B, K]` float64 radians.
        elevation: `[B, K]` float64 radians.
        curvature: `[B, K]` float64 `1 / m`, of `1 / r`.
    """

    azimuth: tf.Tensor
    elevation: tf.Tensor
    curvature: tf.Tensor


def deviations(
    data: Observed, positions: Positions, noise_variance: tf.Tensor, range_m: tuple[float, float]
) -> Deviations:
    """Standard deviations of maximum-likelihood positions, given that the sources are there.

    Ranges are known to lie within bounds, which bounds their deviations: the variance of `1 / r`
    over the bounds is a prior's.

    Args:
        data: measurements of `B` scenes.
        positions: maximum-likelihood fits to them.
        noise_variance: `[B]`, `sigma^2` of a complex number.
        range_m: bounds of the ranges in metres.
    """
    active, noise = (tf.cast(x, tf.float64) for x in (positions.active, noise_variance))
    whole, errors = _informations(in_double(data)._replace(noise=noise), positions, active)
    whole *= 2 / noise[:, None, None]
    prior = tf.concat([0 * active, 0 * active, active / curvature_variance(range_m)], axis=1)
    root = _inverse_root(whole + tf.linalg.diag(prior))
    spread = tf.matmul(errors, root)
    added = 2 * OF_ERRORS * tf.matmul(root, tf.matmul(root, spread, transpose_a=True))
    variance = tf.reduce_sum((root + added) * root, axis=-1)
    deviation = tf.split(tf.sqrt(variance), 3, axis=1)
    return Deviations(*(tf.where(active > 0, axis, np.nan) for axis in deviation))


def range_interval(
    range_m: np.ndarray, curvature_std: np.ndarray, bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals at 95 % in metres: symmetric in `1 / r`, within the bounds."""
    curvature = 1 / np.asarray(range_m, np.float64)
    ends = (curvature + sign * WIDE_95 * curvature_std for sign in (1, -1))
    nearest, farthest = bounds
    low, high = (1 / np.clip(end, 1 / farthest, 1 / nearest) for end in ends)
    return low, high


def curvature_variance(range_m: tuple[float, float]) -> float:
    """Variance of `1 / r` for ranges drawn uniformly within bounds, `1 / m^2`."""
    nearest, farthest = range_m
    width = farthest - nearest
    if width < 1e-6 * farthest:
        return (width / farthest**2) ** 2 / 12 + 1e-30
    return 1 / (nearest * farthest) - (math.log(farthest / nearest) / width) ** 2


def _informations(
    data: Observed, positions: Positions, active: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """At the mean symbols, and of their errors, by azimuth, elevation and inverse range.

    `[B, 3 K, 3 K]` each, the first times `sigma^2 / 2`, the second times 1/2.
    """
    coordinates = tuple(tf.cast(axis, tf.float64) for axis in positions.coordinates)
    one, by_curvature = tf.ones_like(active), tf.where(active > 0, -(coordinates[2] ** 2), 1)
    slope = tf.concat([one, one, by_curvature], axis=1)
    slopes = slope[:, :, None] * slope[:, None]
    at_symbols, errors = informations(data, coordinates, active)
    return slopes * at_symbols, slopes * errors


def _inverse_root(matrix: tf.Tensor) -> tf.Tensor:
    """`T` with `T T^H = M^-1` of positive matrices, scaled to a unit diagonal on the way."""
    unit = tf.math.rsqrt(tf.linalg.diag_part(matrix))
    values, vectors = tf.linalg.eigh(matrix * unit[:, :, None] * unit[:, None])
    return unit[:, :, None] * vectors / tf.sqrt(tf.maximum(values, SINGULAR))[:, None]
