"""Largest eigenvalues by subspace iteration, and the edges of the low-rank algebra."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf import covariance as lr

N, RANK, COUNT, SCENES = 144, 26, 6, 24


def complex_normal(seed, *shape):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def orthonormal(seed):
    return np.linalg.qr(complex_normal(seed, SCENES, N, RANK))[0]


def first_columns_zero(seed):
    return complex_normal(seed, SCENES, N, RANK) * (np.arange(RANK) >= 13)


def some_columns_zero(seed):
    return complex_normal(seed, SCENES, N, RANK) * (np.arange(RANK) % 10 >= 5)


def orthogonal_blocks(seed):
    """The strong columns come last, and the first are orthogonal to them."""
    return orthonormal(seed) * np.where(np.arange(RANK) < 13, 1, 3)


def phased_copies(seed):
    """One vector times phases that run linearly over the columns."""
    phases = np.exp(2j * np.pi * 17 * np.arange(RANK) / RANK)
    return complex_normal(seed, SCENES, N, 1) * phases


FACTORS = {
    "flat spectrum": lambda seed: complex_normal(seed, SCENES, N, RANK),
    "equal eigenvalues": orthonormal,
    "rank one": lambda seed: complex_normal(seed, SCENES, N, 1) @ complex_normal(seed, 1, RANK),
    "rank three": lambda seed: complex_normal(seed, SCENES, N, 3) @ complex_normal(seed, 3, RANK),
    "decaying": lambda seed: complex_normal(seed, SCENES, N, RANK) * np.geomspace(1, 1e-3, RANK),
    "growing": lambda seed: complex_normal(seed, SCENES, N, RANK) * np.geomspace(1e-3, 1, RANK),
    "first columns zero": first_columns_zero,
    "some columns zero": some_columns_zero,
    "orthogonal blocks": orthogonal_blocks,
    "phased copies": phased_copies,
}


@pytest.mark.parametrize("kind", FACTORS)
def test_26_columns_give_the_largest_eigenvalues_whatever_their_order(kind):
    factor = FACTORS[kind](0)
    dense = np.linalg.eigvalsh(factor @ factor.conj().swapaxes(1, 2))[:, ::-1][:, :COUNT]
    ours = lr.largest_eigenvalues(tf.constant(factor, tf.complex64), COUNT).numpy()
    np.testing.assert_array_less(np.abs(ours - dense) / dense[:, :1], 1e-3)


@given(st.integers(0, 1000), st.sampled_from([4, 10, 26]), st.floats(0.01, 100))
def test_eigenvalues_follow_scale_and_ignore_unitary_mixing(seed, rank, gain):
    """`G Q` is the same covariance as `G`, and `g G` has `g^2` times its eigenvalues."""
    factor = complex_normal(seed, 2, N, rank) * np.geomspace(1, 0.1, rank)
    mixing = np.linalg.qr(complex_normal(seed + 1, rank, rank))[0]
    one = lr.largest_eigenvalues(tf.constant(factor, tf.complex64), 3).numpy()
    other = lr.largest_eigenvalues(tf.constant(gain * factor @ mixing, tf.complex64), 3).numpy()
    np.testing.assert_allclose(other, gain**2 * one, rtol=1e-3, atol=1e-3 * gain**2 * one.max())


@pytest.mark.parametrize("rank", [10, 26])
@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_hopeless_factors_have_finite_eigenvalues(rank, bad):
    factor = tf.fill([1, N, rank], tf.complex(np.float32(bad), np.float32(0)))
    values = lr.largest_eigenvalues(factor, COUNT).numpy()
    np.testing.assert_allclose(values, 0, atol=1e-6)


def test_a_covariance_of_zeros_stays_one_and_has_a_finite_gradient():
    factor = tf.zeros([2, N, 3], tf.complex64)
    with tf.GradientTape() as tape:
        tape.watch(factor)
        normed = lr.with_trace_n(lr.from_factor(lr.unit_columns(factor)))
        value = tf.reduce_sum(lr.energy(normed.factor) + normed.loading)
    np.testing.assert_array_equal(normed.factor, 0)
    assert np.isfinite(tape.gradient(value, factor).numpy()).all()


@given(st.integers(0, 1000), st.integers(1, 30), st.floats(1e-3, 10))
def test_more_columns_than_elements(seed, rank, loading):
    """Ranks beyond `N` change nothing: `(N - r) log c` may be negative."""
    factor = complex_normal(seed, 1, 9, rank)
    c = lr.Covariance(tf.constant(factor, tf.complex64), tf.constant([loading], tf.float32))
    dense = factor @ factor.conj().swapaxes(1, 2) + loading * np.eye(9)
    log_det = lr.log_determinant(c).numpy()
    # Rounding of the Gram matrix moves eigenvalues of 1e-3 by a per cent each.
    np.testing.assert_allclose(log_det, np.linalg.slogdet(dense)[1], atol=0.1 + 0.02 * rank)


@given(st.integers(0, 1000), st.integers(1, 5), st.floats(1e-3, 1))
def test_steering_vectors_see_the_inverse(seed, rank, loading):
    """`a^H R^-1 a` lies between the inverses of the extreme eigenvalues for unit `a`."""
    c = lr.Covariance(
        tf.constant(complex_normal(seed, 1, N, rank), tf.complex64),
        tf.constant([loading], tf.float32),
    )
    a = complex_normal(seed + 1, 1, N, 4)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    form = lr.inverse_quadratic_form(c, tf.constant(a, tf.complex64)).numpy()
    largest = lr.largest_eigenvalues(c.factor, 1).numpy() + loading
    assert (form >= 1 / largest * (1 - 1e-4)).all()
    assert (form <= 1 / loading * (1 + 1e-4)).all()
