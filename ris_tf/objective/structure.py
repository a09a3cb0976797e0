"""Losses of the covariance's structure: peak contrast, orthogonality, agreement (SPEC 4)."""

import numpy as np
import tensorflow as tf

from ris_tf.covariance import (
    Covariance,
    adjoint_times,
    energy,
    inverse_quadratic_form,
    unit_columns,
)
from ris_tf.objective.slots import source_mean
from ris_tf.scene import Panel, Sources, steering_vectors

STENCIL = 5  # points of the contrast stencil along each angle
SMALL = 1e-12  # below any quadratic form of an inverse effective covariance


def contrast_loss(
    covariance: Covariance, panel: Panel, sources: Sources, step: float, temperature: float
) -> tf.Tensor:
    """`-log softmax(S / T)` at the centre of a 5x5 stencil around each true direction.

    `S` is the MVDR spectrum `1 / (a^H R^-1 a)` at the true range, over its largest value on the
    stencil. It is computed in float64: `R` has condition `N / c`, about 10^5, and near a peak
    the softmax of the centre is 1 - 10^-4; in float32 the gradient was wrong by a percent.

    Args:
        covariance: effective `R_blend`, loading above 0.
        panel: the nominal panel.
        sources: the true sources.
        step: radians between points of the stencil.
        temperature: `T`.

    Returns:
        `[B]` float32, mean over active sources.
    """
    offset = step * (np.arange(STENCIL, dtype=np.float32) - STENCIL // 2)
    shift_azimuth, shift_elevation = (axis.ravel() for axis in np.meshgrid(offset, offset))
    azimuth = sources.azimuth[..., None] + shift_azimuth
    elevation = sources.elevation[..., None] + shift_elevation
    range_m = tf.broadcast_to(sources.range_m[..., None], azimuth.shape)
    batch, max_sources, points = azimuth.shape
    vectors = steering_vectors(panel, azimuth, elevation, range_m)
    columns = tf.transpose(tf.reshape(vectors, [batch, max_sources * points, -1]), [0, 2, 1])
    form = inverse_quadratic_form(in_double(covariance), tf.cast(columns, tf.complex128))
    spectrum = tf.reshape(1 / tf.maximum(form, SMALL), [batch, max_sources, points])
    spectrum /= tf.reduce_max(spectrum, axis=-1, keepdims=True)
    at_centre = tf.nn.log_softmax(spectrum / temperature)[..., points // 2]
    return source_mean(tf.cast(-at_centre, tf.float32), sources.active)


def in_double(covariance: Covariance) -> Covariance:
    """The same covariance in complex128 and float64."""
    factor, loading = covariance
    return Covariance(tf.cast(factor, tf.complex128), tf.cast(loading, tf.float64))


def orthogonality_loss(angle_factor: tf.Tensor, active: tf.Tensor) -> tf.Tensor:
    """`||Q^H Q - I||_F^2 / K^2` of the first `K` normalised columns of `A_angle`: `[B]`.

    Args:
        angle_factor: `[B, N, K_max]` complex64.
        active: `[B, K_max]` float32, 1 for the first `K`.
    """
    first = unit_columns(angle_factor) * tf.cast(active, tf.complex64)[:, None, :]
    eye = tf.linalg.diag(tf.cast(active, tf.complex64))
    return energy(adjoint_times(first, first) - eye) / tf.square(tf.reduce_sum(active, -1))


def cross_loss(angle_factor: tf.Tensor, range_factor: tf.Tensor) -> tf.Tensor:
    """Mean over entries of `|offdiag(G_angle) - offdiag(G_range)|^2`, Grams of unit columns: `[B]`.

    Args:
        angle_factor: `[B, N, K_max]` complex64.
        range_factor: `[B, N, K_max]` complex64.
    """
    grams = [adjoint_times(q, q) for q in map(unit_columns, (angle_factor, range_factor))]
    max_sources = angle_factor.shape[-1]
    off_diagonal = 1 - np.eye(max_sources, dtype=np.complex64)
    return energy((grams[0] - grams[1]) * off_diagonal) / max_sources**2
