"""The contrast loss and its gradient, against dense algebra in float64."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.covariance import Covariance, effective, from_factor, with_trace_n
from ris_tf.objective.structure import contrast_loss
from ris_tf.scene import Simulator, Split, make_panel, steering_vectors

CONFIG = parse_config({"scene": {"sources_max": 3}, "training": {"batch": 4}})
STEP, TEMPERATURE = 0.05, 0.1


@pytest.fixture(scope="module")
def scenes():
    return Simulator(CONFIG)(Split.TRAINING, 0, 0, 4)


def noise(*shape):
    real, imaginary = np.random.default_rng(0).standard_normal((2, *shape)) / np.sqrt(2 * 144)
    return tf.constant(real + 1j * imaginary, tf.complex64)


FACTORS = {
    "rank one": lambda u: u[:, :, :1],
    "rank one, almost": lambda u: u[:, :, :1] + 0.02 * noise(4, 144, 1),
    "rank K, almost": lambda u: u + 0.3 * noise(4, 144, 3),
    "coincident columns": lambda u: tf.concat([u[:, :, :1], u[:, :, :1], 1e-4 * u[:, :, :1]], -1),
    "of no source": lambda u: noise(4, 144, 6),
}
# At the optimum the gradient is small, and follows the last bit of the steering vectors, which
# compiled code rounds in another way.
PERFECT = {"rank K": lambda u: u}
CASES = [
    *((kind, compiled) for kind in FACTORS for compiled in (False, True)),
    *((kind, False) for kind in PERFECT),
]


def oracle(factor, loading, scenes):
    """The definition, `N x N` matrices inverted, on the same steering vectors."""
    sources, panel = scenes.sources, make_panel(CONFIG.geometry)
    offset = STEP * (np.arange(5, dtype=np.float32) - 2)
    azimuth, elevation = (axis.ravel() for axis in np.meshgrid(offset, offset))
    angles = sources.azimuth[..., None] + azimuth, sources.elevation[..., None] + elevation
    at = tf.broadcast_to(sources.range_m[..., None], angles[0].shape)
    vectors = tf.cast(steering_vectors(panel, *angles, at), tf.complex128)
    eye = tf.eye(factor.shape[1], dtype=tf.complex128)
    loaded = tf.cast(loading, tf.complex128)[:, None, None] * eye
    matrix = factor @ tf.linalg.adjoint(factor) + loaded
    form = tf.einsum("bkpn,bnm,bkpm->bkp", tf.math.conj(vectors), tf.linalg.inv(matrix), vectors)
    spectrum = 1 / tf.math.real(form)
    spectrum /= tf.reduce_max(spectrum, axis=-1, keepdims=True)
    share = tf.exp(spectrum / TEMPERATURE)
    each = -tf.math.log(share[..., 12] / tf.reduce_sum(share, -1))
    active = tf.cast(sources.active, tf.float64)
    return tf.reduce_sum(each * active, -1) / tf.reduce_sum(active, -1)


@pytest.mark.parametrize("loading", [1e-3, 1e-4])
@pytest.mark.parametrize(("kind", "compiled"), CASES)
def test_contrast_and_its_gradient_are_those_of_dense_algebra(scenes, kind, loading, compiled):
    factor = (FACTORS | PERFECT)[kind](scenes.steering)
    knobs = CONFIG.covariance.model_copy(update={"loading": loading})
    covariance = effective(with_trace_n(from_factor(factor)), tf.constant([20.0] * 4), knobs)
    panel = make_panel(CONFIG.geometry)

    def ours(factor):
        with tf.GradientTape() as tape:
            tape.watch(factor)
            both = Covariance(factor, covariance.loading)
            loss = contrast_loss(both, panel, scenes.sources, STEP, TEMPERATURE)
        return loss, tape.gradient(loss, factor)

    run = tf.function(ours, jit_compile=True, autograph=False) if compiled else ours
    loss, gradient = run(covariance.factor)
    exact = tf.cast(covariance.factor, tf.complex128)
    with tf.GradientTape() as tape:
        tape.watch(exact)
        wanted = oracle(exact, tf.cast(covariance.loading, tf.float64), scenes)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5 if compiled else 3e-7, atol=1e-9)
    wanted_gradient = tape.gradient(wanted, exact).numpy()
    error = np.linalg.norm(gradient.numpy() - wanted_gradient) / np.linalg.norm(wanted_gradient)
    assert error < 1e-5
