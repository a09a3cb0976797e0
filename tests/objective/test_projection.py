"""Every property that the projection loss promises."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given
from hypothesis import strategies as st

from ris_tf.config.scene import Geometry
from ris_tf.objective import projection_loss
from ris_tf.scene import make_panel, steering_vectors

PANEL = make_panel(Geometry(columns=6, rows=6))
N, K_MAX = 36, 5
seeds = st.integers(0, 100_000)
counts = st.integers(1, K_MAX)


def steering(rng, count, most=K_MAX):
    """`[1, N, most]` true steering vectors, `most - count` columns of zeros."""
    vectors = steering_vectors(
        PANEL,
        tf.constant(rng.uniform(-1, 1, most), tf.float32),
        tf.constant(rng.uniform(-0.5, 0.5, most), tf.float32),
        tf.constant(rng.uniform(0.5, 10, most), tf.float32),
    ).numpy()
    vectors[count:] = 0
    return vectors.T[None]


def gaussian(rng, *shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def value_and_gradient(factor, u):
    factor = tf.constant(factor)
    with tf.GradientTape() as tape:
        tape.watch(factor)
        loss = projection_loss(factor, tf.constant(u))
    return loss.numpy()[0], tape.gradient(loss, factor).numpy()


def dense_loss(factor, u, ridge=3e-4):
    f, u = factor[0].astype(np.complex128), u[0].astype(np.complex128)
    p = u @ np.linalg.inv(u.conj().T @ u + ridge * np.eye(u.shape[1])) @ u.conj().T
    outside, r = np.eye(len(p)) - p, f @ f.conj().T
    return np.linalg.norm(outside @ r @ outside) ** 2 / (np.linalg.norm(r) ** 2 + 1e-12)


@given(seeds, counts, st.integers(1, 12))
def test_equals_the_dense_definition_and_lies_in_0_1(seed, count, rank):
    rng = np.random.default_rng(seed)
    u, factor = steering(rng, count), gaussian(rng, 1, N, rank)
    loss, _ = value_and_gradient(factor, u)
    assert loss == pytest.approx(dense_loss(factor, u), abs=1e-5)
    assert -1e-6 <= loss <= 1 + 1e-6


@given(seeds, counts)
def test_vanishes_for_the_truth(seed, count):
    """`R = U diag(p) U^H`, powers within a factor 100."""
    rng = np.random.default_rng(seed)
    u = steering(rng, count)
    powers = 10 ** rng.uniform(-1, 1, K_MAX).astype("f4")
    assert value_and_gradient(u * np.sqrt(powers), u)[0] < 1e-6


@given(seeds, counts)
def test_vanishes_within_the_signal_subspace(seed, count):
    """Every `R` in the range of `U`, while sources are told apart."""
    rng = np.random.default_rng(seed)
    u = steering(rng, count)
    active = u[0, :, :count]
    assume(np.linalg.eigvalsh(active.conj().T @ active)[0] >= 0.01)
    assert value_and_gradient(u @ gaussian(rng, 1, K_MAX, 7), u)[0] < 1e-6


@given(seeds, counts, st.floats(0.05, 1e3))
def test_unchanged_by_scale_and_order(seed, count, scale):
    rng = np.random.default_rng(seed)
    u, factor = steering(rng, count), gaussian(rng, 1, N, 6)
    loss, _ = value_and_gradient(factor, u)
    assert value_and_gradient(np.float32(scale) * factor, u)[0] == pytest.approx(loss, abs=1e-5)
    order = rng.permutation(K_MAX)
    assert value_and_gradient(factor, u[:, :, order])[0] == pytest.approx(loss, abs=1e-5)


def special_cases():
    rng = np.random.default_rng(0)
    u = steering(rng, K_MAX)
    coincident = np.repeat(u[:, :, :1], K_MAX, axis=2)
    return {
        "rank one": (gaussian(rng, 1, N, 1), u),
        "coincident sources": (gaussian(rng, 1, N, 6), coincident),
        "rank one and coincident": (u[:, :, :1], coincident),
        "one source": (gaussian(rng, 1, N, 6), steering(rng, 1)),
        "one column": (gaussian(rng, 1, N, 6), steering(rng, 1, most=1)),
        "as many as there can be": (gaussian(rng, 1, N, 6), u),
        "no covariance": (np.zeros((1, N, 3), np.complex64), u),
        "no source": (gaussian(rng, 1, N, 6), np.zeros_like(u)),
        "equal columns": (np.repeat(gaussian(rng, 1, N, 1), 6, axis=2), u),
    }


@pytest.mark.parametrize("case", special_cases())
def test_value_and_gradient_are_finite(case):
    loss, gradient = value_and_gradient(*special_cases()[case])
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_inputs(dtype):
    """The network's factors arrive rounded to half precision; the loss computes in float32."""
    rng = np.random.default_rng(1)
    parts = tf.cast(rng.standard_normal((2, 1, N, 6)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(parts)
        wide = tf.cast(parts, tf.float32)
        loss = projection_loss(tf.complex(wide[0], wide[1]), tf.constant(steering(rng, 3)))
    assert loss.dtype == tf.float32
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tf.cast(tape.gradient(loss, parts), tf.float32).numpy()).all()


def test_no_gradient_flows_into_the_steering_vectors():
    rng = np.random.default_rng(2)
    factor, u = tf.constant(gaussian(rng, 1, N, 4)), tf.constant(steering(rng, 3))
    with tf.GradientTape() as tape:
        tape.watch(u)
        loss = projection_loss(factor, u)
    assert tape.gradient(loss, u) is None


def test_gradient_is_the_slope():
    rng = np.random.default_rng(3)
    u, factor = steering(rng, 3), gaussian(rng, 1, N, 4)
    _, gradient = value_and_gradient(factor, u)
    direction = gaussian(rng, 1, N, 4).astype(np.complex128)
    step = 1e-6
    slope = (
        dense_loss(factor + step * direction, u) - dense_loss(factor - step * direction, u)
    ) / (2 * step)
    assert np.real(np.vdot(gradient, direction)) == pytest.approx(slope, rel=1e-3)
