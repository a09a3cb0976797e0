"""Low-rank algebra, back-projection and the effective covariance against dense matrices."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf import covariance as lr
from ris_tf.config.learning import Covariance as Knobs
from ris_tf.covariance.lowrank import inner_product, squared_norm, trace

N = 12
shapes = st.tuples(st.integers(1, 8), st.floats(1e-3, 2.0), st.integers(0, 10_000))


def random(seed, *shape):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def covariance(rank, loading, seed, batch=2):
    return lr.Covariance(
        tf.constant(random(seed, batch, N, rank)), tf.fill([batch], np.float32(loading))
    )


def dense(c):
    g = np.asarray(c.factor, np.complex128)
    eye = np.eye(g.shape[-2])
    return g @ g.conj().swapaxes(-1, -2) + np.asarray(c.loading)[..., None, None] * eye


@given(shapes, shapes)
def test_traces_norms_and_products(one, other):
    a, b = covariance(*one), covariance(*other)
    A, B = dense(a), dense(b)
    np.testing.assert_allclose(trace(a), np.trace(A, axis1=1, axis2=2).real, rtol=1e-4)
    np.testing.assert_allclose(squared_norm(a), np.linalg.norm(A, axis=(1, 2)) ** 2, rtol=1e-4)
    product = np.trace(A @ B, axis1=1, axis2=2).real
    np.testing.assert_allclose(inner_product(a, b), product, rtol=1e-4)
    error = np.linalg.norm(A - B, axis=(1, 2)) ** 2 / np.linalg.norm(B, axis=(1, 2)) ** 2
    np.testing.assert_allclose(lr.nmse(a, b), error, rtol=1e-3, atol=1e-5)


@given(shapes)
def test_inverse_and_determinant(one):
    c = covariance(*one)
    vectors = random(1, 2, N, 5)
    form = np.einsum("bnp,bnm,bmp->bp", vectors.conj(), np.linalg.inv(dense(c)), vectors).real
    # Where a vector lies in the factor's range the form is a small difference of large numbers.
    scale = np.einsum("bnp,bnp->bp", vectors.conj(), vectors).real / one[1]
    ours = lr.inverse_quadratic_form(c, tf.constant(vectors)).numpy()
    np.testing.assert_array_less(np.abs(ours - form) / scale, 1e-4)
    log_det = np.linalg.slogdet(dense(c))[1]
    np.testing.assert_allclose(lr.log_determinant(c), log_det, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("rank", [6, 10, 12, 26])
def test_largest_eigenvalues(rank):
    """Exact up to 12 columns; by subspace iteration above."""
    g = random(rank, 16, 144, rank) * np.geomspace(1, 0.05, rank).astype("f4")
    values = np.linalg.eigvalsh(g @ g.conj().swapaxes(1, 2))[:, ::-1]
    ours = lr.largest_eigenvalues(tf.constant(g), 6).numpy()
    np.testing.assert_allclose(ours, values[:, :6], rtol=1e-3, atol=1e-3 * values[:, :1].max())


def test_eigenvalues_carry_no_gradient():
    g = tf.Variable(random(0, 1, N, 4))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(lr.largest_eigenvalues(tf.convert_to_tensor(g), 2))
    assert tape.gradient(value, g) is None


def test_back_projection_is_the_ridge_solution_of_each_snapshot():
    y, h = random(0, 2, 5, 4), random(1, 2, 4, N)
    c = np.exp(1j * np.angle(random(2, 2, 5, N))).astype(np.complex64)
    ours = lr.back_projection(*map(tf.constant, (y, h, c)), ridge=0.1).numpy()
    for b in range(2):
        for snapshot in range(5):
            phi = h[b] * c[b, snapshot]
            gram = phi @ phi.conj().T
            load = 0.1 * np.trace(gram) / 4 * np.eye(4)
            x = phi.conj().T @ np.linalg.solve(gram + load, y[b, snapshot])
            np.testing.assert_allclose(ours[b, :, snapshot], x, rtol=1e-3, atol=1e-4)


def test_predicted_covariance_is_normalised_columns_of_trace_n():
    angle, distance = random(3, 2, N, 3), random(4, 2, N, 3)
    ours = dense(lr.predicted_covariance(tf.constant(angle), tf.constant(distance)))
    f = np.concatenate(
        [
            angle / np.linalg.norm(angle, axis=1, keepdims=True),
            np.sqrt(0.3) * distance / np.linalg.norm(distance, axis=1, keepdims=True),
        ],
        axis=2,
    )
    expected = f @ f.conj().swapaxes(1, 2)
    expected *= N / np.trace(expected, axis1=1, axis2=2).real[:, None, None]
    np.testing.assert_allclose(ours, expected, atol=1e-4)


@given(st.floats(0, 0.95), st.integers(0, 1000))
def test_blend_mixes_and_takes_no_gradient_from_the_sample(beta, seed):
    predicted = lr.with_trace_n(covariance(3, 0.0, seed))
    raw = tf.constant(random(seed + 1, 2, N, 4))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([predicted.factor, raw])
        sample = lr.sample_covariance(raw)
        blended = lr.blend(predicted, sample, beta)
        value = lr.energy(blended.factor)
    expected = (1 - beta) * dense(predicted) + beta * dense(sample)
    np.testing.assert_allclose(dense(blended), expected, atol=1e-3)
    assert tape.gradient(value, raw) is None
    assert tape.gradient(value, predicted.factor) is not None


@given(st.floats(-60, 100))
def test_effective_covariance(snr_db):
    knobs = Knobs()
    c = lr.with_trace_n(covariance(3, 0.0, 5))
    ours = dense(lr.effective(c, tf.fill([2], np.float32(snr_db)), knobs))
    loaded = dense(c) + 1e-3 * np.eye(N)
    loaded *= N / np.trace(loaded, axis1=1, axis2=2).real[:, None, None]
    a = np.clip(1e-3 * 10 ** (-snr_db / 20), 1e-4, 5e-2)
    np.testing.assert_allclose(ours, (1 - a) * loaded + a * np.eye(N), atol=1e-4)


@given(st.floats(-20, 40), st.integers(0, 1000))
def test_perfect_prediction_has_no_error_left(snr_db, seed):
    truth = lr.with_trace_n(covariance(3, 0.0, seed))
    rotation = np.linalg.qr(random(seed, 3, 3))[0].astype(np.complex64)
    same = truth._replace(factor=truth.factor @ rotation)
    snr = tf.fill([2], np.float32(snr_db))
    error = lr.nmse(lr.effective(same, snr, Knobs()), lr.effective(truth, snr, Knobs()))
    assert (error.numpy() < 1e-5).all()
    assert (error.numpy() >= 0).all()
