"""Truth, blend and the effective covariance at the panel's real size."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf import covariance as lr
from ris_tf.config.learning import Covariance as Knobs
from ris_tf.config.scene import Geometry
from ris_tf.scene import make_panel, steering_vectors

PANEL = make_panel(Geometry())
N = 144
scenes = st.integers(0, 1000)


def dense(covariance):
    g = np.asarray(covariance.factor, np.complex128)
    eye = np.eye(g.shape[-2])
    loading = np.asarray(covariance.loading, np.float64)
    return g @ g.conj().swapaxes(-1, -2) + loading[..., None, None] * eye


def random_sources(seed, count=5, decibels=40.0):
    """Steering vectors `[1, N, K]` of random sources and their powers `[1, K]`."""
    rng = np.random.default_rng(seed)
    azimuth, elevation = rng.uniform(-1, 1, (1, count)), rng.uniform(-0.5, 0.5, (1, count))
    at = [azimuth, elevation, rng.uniform(0.5, 10, (1, count))]
    vectors = steering_vectors(PANEL, *(tf.constant(x, tf.float32) for x in at))
    power = 10 ** (rng.uniform(-decibels / 2, decibels / 2, (1, count)) / 10)
    return tf.transpose(vectors, [0, 2, 1]), tf.constant(power, tf.float32)


def trace_of(matrix):
    return np.trace(matrix, axis1=-2, axis2=-1).real


@given(scenes, st.integers(1, 5))
def test_truth_is_the_sum_of_the_sources_scaled_to_trace_n(seed, count):
    steering, power = random_sources(seed, count)
    a = np.asarray(steering, np.complex128)[0]
    expected = a @ np.diag(np.asarray(power, np.float64)[0]) @ a.conj().T
    ours = dense(lr.true_covariance(steering, power))[0]
    np.testing.assert_allclose(ours, expected * N / trace_of(expected), atol=1e-4)


def test_inactive_sources_are_not_in_the_truth():
    steering, power = random_sources(0)
    few = lr.true_covariance(steering[..., :2], power[:, :2])
    masked = lr.true_covariance(steering, power * [1.0, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(dense(masked), dense(few), atol=1e-5)


@given(scenes, st.integers(1, 5), st.floats(-5, 20), st.floats(0, 0.95))
def test_a_perfect_blend_has_no_error(seed, count, snr_db, beta):
    """`R_blend = R_true`, each half of the blend by columns of its own: below 1e-5."""
    steering, power = random_sources(seed, count)
    truth = lr.true_covariance(steering, power)
    mixing = np.linalg.qr(np.random.default_rng(seed).standard_normal((count, count)))[0]
    blended = lr.blend(truth._replace(factor=truth.factor @ mixing), truth, beta)
    snr, knobs = tf.constant([snr_db], tf.float32), Knobs()
    error = lr.nmse(lr.effective(blended, snr, knobs), lr.effective(truth, snr, knobs)).numpy()
    assert 0 <= error < 1e-5


@given(scenes, st.floats(-60, 100), st.floats(0, 1), st.floats(0, 1))
def test_effective_covariance_is_its_formula(seed, snr_db, loading, shrinkage):
    knobs = Knobs(loading=loading, shrinkage=shrinkage)
    truth = lr.true_covariance(*random_sources(seed, 3))
    ours = dense(lr.effective(truth, tf.constant([snr_db], tf.float32), knobs))
    loaded = dense(truth) + loading * np.eye(N)
    loaded *= N / trace_of(loaded)
    a = np.clip(shrinkage * 10 ** (-snr_db / 20), 1e-4, 5e-2)
    np.testing.assert_allclose(ours, (1 - a) * loaded + a * np.eye(N), atol=1e-4)
    assert trace_of(ours) == pytest.approx(N, rel=1e-5)


def test_gradient_of_the_blend_is_the_predictions_alone():
    """At `beta` the factor's energy is `(1 - beta) |F|^2` plus what no gradient sees."""
    f, x = random_sources(0)[0], random_sources(1)[0]
    beta = 0.3
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([f, x])
        blended = lr.blend(lr.from_factor(f), lr.from_factor(x), beta)
        value = tf.reduce_sum(lr.energy(blended.factor))
    np.testing.assert_allclose(tape.gradient(value, f), 2 * (1 - beta) * f.numpy(), atol=1e-5)
    assert tape.gradient(value, x) is None


def test_gradient_of_the_error_is_its_difference_quotient():
    truth = lr.true_covariance(*random_sources(0, 2, decibels=6.0))
    rng = np.random.default_rng(2)
    raw = rng.standard_normal((2, 1, N, 4)).astype(np.float32)
    step = rng.standard_normal((2, 1, N, 4)).astype(np.float32)
    snr, knobs = tf.constant([5.0]), Knobs()

    def error(parts):
        prediction = lr.predicted_covariance(*tf.split(tf.complex(parts[0], parts[1]), 2, axis=-1))
        return lr.nmse(lr.effective(prediction, snr, knobs), lr.effective(truth, snr, knobs))

    with tf.GradientTape() as tape:
        parts = tf.constant(raw)
        tape.watch(parts)
        value = error(parts)
    slope = np.sum(tape.gradient(value, parts).numpy() * step)
    h = 1e-2
    quotient = (error(raw + h * step) - error(raw - h * step)) / (2 * h)
    assert slope == pytest.approx(quotient.numpy()[0], rel=0.02)
