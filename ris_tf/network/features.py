"""Inputs of the heads besides learned features: anti-diagonal means and eigenvalues (SPEC 3)."""

import math

import numpy as np
import tensorflow as tf

from ris_tf.covariance import Covariance, largest_eigenvalues, log_determinant
from ris_tf.covariance.lowrank import trace
from ris_tf.parts import imag, real, squared
from ris_tf.shapes import sizes

ROW_POWER = 1e-6  # added to diag(A A^H)
SMALL = 1e-12  # below any eigenvalue of an effective covariance


def antidiagonal_means(factor: tf.Tensor) -> tf.Tensor:
    """Means of the anti-diagonals of `D^-1/2 A A^H D^-1/2`, `D = diag(A A^H) + 1e-6`.

    Entry `s` is the mean over `n + m = s` of `sum_k b_nk conj(b_mk)`: a convolution, by FFT. Each
    sum holds its terms' conjugates too, so imaginary parts are zero up to rounding; they are kept
    for the shapes of the reference network.

    Args:
        factor: `[B, N, K_max]` complex64, `A`.

    Returns:
        `[B, 2(2N-1)]` float32, real and imaginary parts interleaved.
    """
    elements = factor.shape[-2]
    row_power = tf.reduce_sum(squared(factor), -1, keepdims=True)
    rows = tf.transpose(
        factor * tf.cast(tf.math.rsqrt(row_power + ROW_POWER), tf.complex64), [0, 2, 1]
    )
    length = 2 ** math.ceil(math.log2(2 * elements - 1))
    padded = tf.pad(rows, [[0, 0], [0, 0], [0, length - elements]])
    product = tf.signal.fft(padded) * tf.signal.fft(tf.math.conj(padded))
    sums = tf.signal.ifft(tf.reduce_sum(product, axis=1))[:, : 2 * elements - 1]
    entries = elements - np.abs(np.arange(2 * elements - 1) - (elements - 1))
    means = tf.stack([real(sums), imag(sums)], -1) / entries[:, None].astype("f4")
    return tf.reshape(means, [sizes(factor)[0], 2 * (2 * elements - 1)])


def spectral_features(
    covariance: Covariance, snapshots: int, max_sources: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Features of the eigenvalues of `R_eff`, without gradient; eigenvalues as shares of the trace.

    Args:
        covariance: effective covariance of trace `N`, factor `[B, N, r]`, `r > max_sources`.
        snapshots: `L`, of the description length.
        max_sources: `K_max`.

    Returns:
        `[B, 2 K_max + 2]`: the `K_max + 1` largest eigenvalues, the mean of the rest, `K_max`
        gaps; and `[B, 5 K_max + 2]`: gaps, cumulative energy ratios, log-eigenvalue differences,
        MDL scores, one-hot of the least MDL, largest and smallest eigenvalue.
    """
    covariance = Covariance(*map(tf.stop_gradient, covariance))
    elements = covariance.factor.shape[-2]
    total = trace(covariance)[:, None]
    eigenvalues = largest_eigenvalues(covariance.factor, max_sources + 1)
    largest = tf.maximum((eigenvalues + covariance.loading[:, None]) / total, SMALL)
    gaps = largest[:, :-1] - largest[:, 1:]
    rest = (1 - tf.reduce_sum(largest, -1, keepdims=True)) / (elements - max_sources - 1)
    energy = tf.cumsum(largest[:, :-1], axis=-1)
    logs = tf.math.log(largest)
    log_det = log_determinant(covariance)[:, None] - elements * tf.math.log(total)
    mdl = description_lengths(logs[:, :-1], energy, log_det, elements, snapshots)
    best = tf.one_hot(tf.argmin(mdl, axis=-1), max_sources)
    smallest = covariance.loading[:, None] / total
    fusion = tf.concat([largest, rest, gaps], axis=-1)
    differences = logs[:, :-1] - logs[:, 1:]
    per_entry = mdl / (elements * snapshots)
    count = [gaps, energy, differences, per_entry, best, largest[:, :1], smallest]
    return fusion, tf.concat(count, axis=-1)


def description_lengths(
    logs: tf.Tensor, energy: tf.Tensor, log_det: tf.Tensor, elements: int, snapshots: int
) -> tf.Tensor:
    """Minimum description lengths of orders `k = 1..K_max` (Wax and Kailath 1985, eq. 13).

    `MDL(k) = -L (N-k) log(geometric / arithmetic mean of the N-k smallest) + k (2N-k) log(L) / 2`.
    With `L < N` they are features, not the classical test.

    Args:
        logs: `[B, K_max]` logarithms of the largest eigenvalues.
        energy: `[B, K_max]` cumulative sums of the largest eigenvalues, of a trace of 1.
        log_det: `[B, 1]` sum of the logarithms of all eigenvalues.
        elements: `N`.
        snapshots: `L`.

    Returns:
        `[B, K_max]`.
    """
    order = np.arange(1, logs.shape[-1] + 1, dtype=np.float32)
    others = elements - order
    arithmetic = tf.math.log(tf.maximum(1 - energy, SMALL) / others)
    geometric = (log_det - tf.cumsum(logs, axis=-1)) / others
    parameters = order * (2 * elements - order) / 2 * math.log(snapshots)
    return snapshots * others * (arithmetic - geometric) + parameters
