"""Predicted, blended and true covariance, and the effective covariances of them (SPEC 2)."""

import math

import tensorflow as tf

from ris_tf.config.learning import Covariance as CovarianceKnobs
from ris_tf.covariance.lowrank import (
    Covariance,
    from_factor,
    scaled,
    times,
    trace_gain,
    with_trace_n,
)
from ris_tf.parts import squared

TINY = 1e-12  # added to squared column norms: a column of zeros stays zero


def unit_columns(factor: tf.Tensor) -> tf.Tensor:
    """Columns of `[..., N, r]` divided by their norms."""
    norms = tf.reduce_sum(squared(factor), axis=-2, keepdims=True)
    return factor * tf.cast(tf.math.rsqrt(norms + TINY), factor.dtype)


def predicted_covariance(
    angle_factor: tf.Tensor, range_factor: tf.Tensor, range_weight: float = 0.3
) -> Covariance:
    """`R_pred = F F^H` of trace `N`, `F = [A_angle, sqrt(0.3) A_range]`, columns normalised first.

    Args:
        angle_factor: `[B, N, K_max]` complex64.
        range_factor: `[B, N, K_max]` complex64.
        range_weight: weight of the range factor's columns.
    """
    columns = [unit_columns(angle_factor), math.sqrt(range_weight) * unit_columns(range_factor)]
    return with_trace_n(from_factor(tf.concat(columns, axis=-1)))


def true_covariance(steering: tf.Tensor, power: tf.Tensor) -> Covariance:
    """The label `R = A diag(p) A^H`, scaled to trace `N`.

    Args:
        steering: `[B, N, K_max]` complex64.
        power: `[B, K_max]` float32, 0 where inactive.
    """
    amplitude = tf.cast(tf.sqrt(power), steering.dtype)
    return with_trace_n(from_factor(steering * amplitude[:, None, :]))


def blend(predicted: Covariance, sample: Covariance, beta: tf.Tensor) -> Covariance:
    """`R_blend = (1 - beta) R_pred + beta R_samp` of two covariances without loading.

    Args:
        predicted: `R_pred`, which carries the gradient.
        sample: `R_samp`.
        beta: scalar in 0..1.
    """
    share = tf.convert_to_tensor(beta, tf.float32)
    return from_factor(
        tf.concat(
            [
                scaled(predicted.factor, tf.sqrt(1 - share)),
                tf.stop_gradient(scaled(sample.factor, tf.sqrt(share))),
            ],
            axis=-1,
        )
    )


def effective(covariance: Covariance, snr_db: tf.Tensor, knobs: CovarianceKnobs) -> Covariance:
    """`R + eps I` rescaled to trace `N`, then shrunk: `(1 - a) R + a I`.

    `a = 1e-3 x 10^(-SNR_dB / 20)`, clipped. Prediction and truth go through the same transform,
    so that a perfect prediction has no error.

    Args:
        covariance: of trace `N`.
        snr_db: `[B]` signal-to-noise ratio of the scene.
        knobs: `loading` (eps), `shrinkage` (1e-3) and `shrinkage_bounds`.
    """
    loaded = covariance._replace(loading=covariance.loading + knobs.loading)
    shrink = knobs.shrinkage * 10 ** (-snr_db / 20)
    shrink = tf.clip_by_value(shrink, *knobs.shrinkage_bounds)
    kept = times(loaded, (1 - shrink) * trace_gain(loaded))
    return kept._replace(loading=kept.loading + shrink)
