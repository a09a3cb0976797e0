"""How uncertain maximum-likelihood positions are, from the measurement that they were fitted to.

The information at fitted symbols counts the noise in them as signal, and least squares over symbols
of their own in every snapshot is not efficient where noise is strong. Both follow from the same
matrix. Let `F` be the information with fitted symbols and `R` what noise of variance 1 adds to it:
`B = F - sigma^2 R` is the information of the true symbols, `(2 / sigma^2) F` the covariance of the
gradient and `(2 / sigma^2) B` the mean curvature. So positions have the covariance
`sigma^2 / 2 B^-1 F B^-1` (Stoica and Nehorai, "Performance study of conditional and unconditional
direction-of-arrival estimation", IEEE Trans. ASSP 38(10), 1990): the bound where `F = B`.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.bound import in_double
from ris_tf.receiver import Observed, fit, noise_information
from ris_tf.scene.positions import Positions

WIDE_95 = 1.96  # deviations to either side, of a Gaussian variable's central 95 %
# Deviations go with this power of `B^-1 F`, where the first-order theory above has 1. Where noise
# is strong, higher orders widen the errors further: of quickstart's sources below 5 dB, 87..95 % of
# the intervals hold the truth with 1.0, 93..97 % with 1.75; above 10 dB both have 94..96 %.
POWER = 1.75
LEAST_SIGNAL = 0.3  # of `F^-1 B`: below, fitted symbols are nearly noise and `B` is not known
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
    active = tf.cast(positions.active, tf.float64)
    fitted, noise = _informations(in_double(data), positions, active)
    fitted *= 2 / tf.cast(noise_variance, tf.float64)[:, None, None]
    prior = tf.concat([0 * active, 0 * active, active / curvature_variance(range_m)], axis=1)
    whole = fitted + tf.linalg.diag(prior)
    root = _inverse_root(whole)
    signal = tf.matmul(root, tf.matmul(whole - 2 * noise, root), transpose_a=True)
    share, axes = tf.linalg.eigh(signal)
    scaled = tf.matmul(root, axes) * tf.maximum(share, LEAST_SIGNAL)[:, None] ** -POWER
    deviation = tf.split(tf.norm(scaled, axis=-1), 3, axis=1)
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
    """`F` and `R`, `[B, 3 K, 3 K]`, by azimuth, elevation and inverse range."""
    coordinates = tuple(tf.cast(axis, tf.float64) for axis in positions.coordinates)
    one, by_curvature = tf.ones_like(active), tf.where(active > 0, -(coordinates[2] ** 2), 1)
    slope = tf.concat([one, one, by_curvature], axis=1)
    slopes = slope[:, :, None] * slope[:, None]
    information = fit(data, coordinates, active).information
    return slopes * information, slopes * noise_information(data, coordinates, active)


def _inverse_root(matrix: tf.Tensor) -> tf.Tensor:
    """`T` with `T T^H = M^-1` of positive matrices, scaled to a unit diagonal on the way."""
    unit = tf.math.rsqrt(tf.linalg.diag_part(matrix))
    values, vectors = tf.linalg.eigh(matrix * unit[:, :, None] * unit[:, None])
    return unit[:, :, None] * vectors / tf.sqrt(tf.maximum(values, SINGULAR))[:, None]
