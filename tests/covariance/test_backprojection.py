"""Back-projection: what the ridge solution must do, and the sample covariance made of it."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.covariance import back_projection, sample_covariance

B, M, N, L = 2, 4, 12, 5
seeds = st.integers(0, 1000)


def complex_normal(rng, *shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def measured(seed):
    """`y`, `H` and codes of random scenes."""
    rng = np.random.default_rng(seed)
    codes = np.exp(2j * np.pi * rng.random((B, L, N))).astype(np.complex64)
    return complex_normal(rng, B, L, M), complex_normal(rng, B, M, N), codes


def heard(channel, codes, field):
    """`H diag(c_l) x_l`: `[B, L, M]` of panel fields `[B, N, L]`."""
    return np.einsum("bmn,bln,bnl->blm", channel, codes, field)


@given(seeds, st.floats(1e-3, 10))
def test_it_is_the_ridge_minimum(seed, ridge):
    """`Phi^H (y - Phi x) = load x`: the gradient of `|y - Phi x|^2 + load |x|^2` is zero."""
    y, h, c = measured(seed)
    x = back_projection(y, h, c, ridge).numpy()
    residual = y - heard(h, c, x)
    pull = np.einsum("bmn,bln,blm->bnl", h.conj(), c.conj(), residual)
    load = ridge / M * np.linalg.norm(h, axis=(1, 2)) ** 2
    np.testing.assert_allclose(pull, load[:, None, None] * x, rtol=1e-3, atol=1e-3)


@given(seeds)
def test_small_ridge_explains_the_measurements(seed):
    y, h, c = measured(seed)
    x = back_projection(y, h, c, 1e-5).numpy()
    error = np.linalg.norm(heard(h, c, x) - y, axis=(1, 2)) / np.linalg.norm(y, axis=(1, 2))
    condition = np.linalg.cond(h) ** 2
    np.testing.assert_array_less(error, 1e-5 * condition + 1e-3)


@given(seeds, st.floats(0.01, 100), st.floats(0, 6.28))
def test_it_is_linear_in_the_measurements_and_blind_to_the_channels_units(seed, gain, phase):
    """The ridge is relative to the channel, so `g y` through `g H` is the same field."""
    y, h, c = measured(seed)
    g = np.complex64(gain * np.exp(1j * phase))
    x = back_projection(y, h, c).numpy()
    atol = 1e-4 * np.abs(x).max()
    np.testing.assert_allclose(back_projection(g * y, g * h, c), x, atol=atol)
    np.testing.assert_allclose(back_projection(g * y, h, c), g * x, atol=gain * atol)


@given(seeds)
def test_snapshots_do_not_meet(seed):
    y, h, c = measured(seed)
    order = np.random.default_rng(seed).permutation(L)
    shuffled = back_projection(y[:, order], h, c[:, order]).numpy()
    np.testing.assert_allclose(shuffled, back_projection(y, h, c).numpy()[:, :, order], atol=1e-5)


@given(seeds, st.floats(1e-3, 1e3))
def test_sample_covariance_has_trace_n_whatever_the_units(seed, gain):
    y, h, c = measured(seed)
    x = back_projection(y, h, c).numpy()
    ours = sample_covariance(tf.constant(gain * x, tf.complex64))
    dense = x @ x.conj().swapaxes(1, 2)
    dense *= N / np.trace(dense, axis1=1, axis2=2)[:, None, None]
    g = ours.factor.numpy()
    np.testing.assert_allclose(g @ g.conj().swapaxes(1, 2), dense, atol=1e-4)
    np.testing.assert_array_equal(ours.loading, 0)


def test_sample_covariance_stops_the_gradient():
    y, h, c = map(tf.constant, measured(0))
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = tf.reduce_sum(tf.abs(sample_covariance(back_projection(y, h, c)).factor) ** 4)
    assert tape.gradient(value, y) is None


def test_silence_has_a_sample_covariance_of_zeros():
    y, h, c = measured(0)
    factor = sample_covariance(back_projection(0 * y, h, c)).factor
    np.testing.assert_array_equal(factor, 0)
