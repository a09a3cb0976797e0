"""Layers and features against dense numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import erf

from ris_tf.covariance import Covariance, with_trace_n
from ris_tf.network.features import antidiagonal_means, spectral_features
from ris_tf.network.image import focus_grid, focused_image
from ris_tf.network.layers import (
    DepthwiseConv1D,
    EncoderLayer,
    complex_matrix,
    dropout,
    real_pairs,
)
from ris_tf.scene import field_axes, make_panel, steering_vectors

KEY = tf.constant([1, 2])


def gaussian(seed, *shape):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def test_antidiagonal_means():
    a = gaussian(0, 2, 6, 3)
    r = a @ a.conj().swapaxes(1, 2)
    d = np.einsum("bnn->bn", r).real + 1e-6
    c = r / np.sqrt(d[:, :, None] * d[:, None])
    means = [
        np.mean([c[:, n, s - n] for n in range(6) if 0 <= s - n < 6], axis=0) for s in range(11)
    ]
    expected = np.stack([np.real(means), np.imag(means)], -1).transpose(1, 0, 2).reshape(2, -1)
    np.testing.assert_allclose(antidiagonal_means(tf.constant(a)), expected, atol=1e-5)


def test_spectral_features():
    n, most, snapshots = 20, 3, 8
    c = with_trace_n(Covariance(tf.constant(gaussian(1, 4, n, 7)), tf.fill([4], 0.3)))
    fusion, count = (x.numpy() for x in spectral_features(c, snapshots, most))
    g = c.factor.numpy().astype(np.complex128)
    dense = g @ g.conj().swapaxes(1, 2) + c.loading.numpy()[:, None, None] * np.eye(n)
    values = np.linalg.eigvalsh(dense)[:, ::-1] / n
    gaps = values[:, :most] - values[:, 1 : most + 1]
    rest = values[:, most + 1 :].mean(1, keepdims=True)
    expected = np.concatenate([values[:, : most + 1], rest, gaps], 1)
    np.testing.assert_allclose(fusion, expected, rtol=1e-3, atol=1e-5)
    mdl = []
    for k in range(1, most + 1):
        noise = values[:, k:]
        ratio = np.log(noise).mean(1) - np.log(noise.mean(1))
        mdl.append(-snapshots * (n - k) * ratio + k * (2 * n - k) / 2 * np.log(snapshots))
    mdl = np.stack(mdl, 1)
    logs = np.log(values[:, : most + 1])
    expected = np.concatenate(
        [
            gaps,
            np.cumsum(values[:, :most], 1),
            logs[:, :-1] - logs[:, 1:],
            mdl / (n * snapshots),
            np.eye(most)[mdl.argmin(1)],
            values[:, :1],
            values[:, -1:],
        ],
        1,
    )
    np.testing.assert_allclose(count, expected, rtol=2e-3, atol=1e-4)


def test_no_gradient_flows_through_eigenvalues():
    factor = tf.constant(gaussian(2, 1, 9, 4))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(factor)
        fusion, count = spectral_features(Covariance(factor, tf.constant([0.1])), 4, 2)
    assert tape.gradient(fusion, factor) is None
    assert tape.gradient(count, factor) is None


def test_pairs_and_matrices_are_inverse():
    z = gaussian(3, 2, 4, 3)
    pairs = real_pairs(tf.constant(z))
    assert pairs.shape == (2, 4, 6)
    flat = tf.reshape(pairs, [2, -1])
    np.testing.assert_array_equal(complex_matrix(flat, 4, 3), z)


def test_dropout_is_of_its_key_and_place_alone():
    x = tf.ones([400, 500])
    dropped = dropout(x, 0.2, KEY, 0)
    np.testing.assert_array_equal(dropped, dropout(x, 0.2, KEY, 0))
    assert not np.array_equal(dropped, dropout(x, 0.2, KEY, 1))
    assert not np.array_equal(dropped, dropout(x, 0.2, KEY + 1, 0))
    assert np.mean(dropped.numpy() == 0) == pytest.approx(0.2, abs=0.005)
    assert np.mean(dropped) == pytest.approx(1, abs=0.005)
    assert dropout(x, 0.2, None, 0) is x


def test_depthwise_convolution_is_keras_own():
    x = tf.constant(np.random.default_rng(0).standard_normal((2, 7, 5)), tf.float32)
    ours, theirs = DepthwiseConv1D(3), keras.layers.DepthwiseConv1D(3, padding="same")
    ours.build(x.shape)
    theirs.build(x.shape)
    theirs.kernel.assign(ours.kernel.numpy()[:, :, None])
    ours.bias.assign(np.arange(5.0))
    theirs.bias.assign(np.arange(5.0))
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_encoder_layer_is_post_norm_attention():
    layer = EncoderLayer(width=8, heads=2, feedforward=6, rate=0.0)
    x = np.random.default_rng(0).standard_normal((2, 5, 8)).astype("f4")
    layer.build(x.shape)
    weights = {part: [w.numpy() for w in getattr(layer, part).weights] for part in (
        "query_key_value", "projection", "expand", "contract"
    )}  # fmt: skip

    def dense(part, value):
        kernel, bias = weights[part]
        return value @ kernel + bias

    def norm(value):
        centred = value - value.mean(-1, keepdims=True)
        return centred / np.sqrt(value.var(-1, keepdims=True) + 1e-5)

    q, k, v = np.split(dense("query_key_value", x), 3, axis=-1)
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        scores = np.exp(q[..., h] @ k[..., h].swapaxes(1, 2) / 2)
        heads.append(scores / scores.sum(-1, keepdims=True) @ v[..., h])
    y = norm(x + dense("projection", np.concatenate(heads, -1)))
    hidden = dense("expand", y)
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    expected = norm(y + dense("contract", hidden))
    np.testing.assert_allclose(layer(tf.constant(x)), expected, atol=1e-4)


@pytest.mark.parametrize("azimuth_deg", ["[-60, 60]", "[-60, 40]"])  # mirrored, and not
def test_image_is_power_and_mvdr_amplitude(make_config, azimuth_deg):
    config = make_config(f"scene.azimuth_deg={azimuth_deg}")
    axes = field_axes(config.scene, 7, 5)
    plane, *angles = np.meshgrid([1.0, 4.0], *axes, indexing="ij")
    panel = make_panel(config.geometry)
    vectors = steering_vectors(panel, *map(tf.constant, (*angles, plane))).numpy()
    x = gaussian(4, 3, 16, 4)
    power = (np.abs(np.einsum("paen,bnl->bpael", vectors.conj(), x)) ** 2).mean(-1)
    sample = x @ np.conj(x.swapaxes(1, 2))
    sample *= 16 / np.trace(sample, axis1=1, axis2=2)[:, None, None]
    inverse = np.linalg.inv(sample + 1e-2 * np.eye(16))
    form = np.einsum("paen,bnm,paem->bpae", vectors.conj(), inverse, vectors).real
    expected = [part / part.max((1, 2, 3), keepdims=True) for part in (power, 1 / np.sqrt(form))]
    image = focused_image(tf.constant(x), focus_grid(config))
    np.testing.assert_allclose(image, np.moveaxis(np.concatenate(expected, 1), 1, -1), rtol=2e-3)
