"""What a fit shows of detections, against simulated truth, numpy and the bound."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.covariance.small import small_inverse
from ris_tf.estimation.bound import cramer_rao_bound
from ris_tf.network.detections import Cells
from ris_tf.network.evidence import FEATURES, evidence
from ris_tf.receiver import observed
from ris_tf.scene import Simulator, Split, make_panel
from ris_tf.scene.positions import true_positions

SIZE = (0.1, 0.1)  # radians


@pytest.mark.parametrize("kind", [np.float32, np.complex64])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_small_inverse(kind, size):
    rng = np.random.default_rng(size)
    parts = rng.standard_normal((2, 4, 5, size, 2 * size))
    x = parts[0] + 1j * parts[1] if np.issubdtype(kind, np.complexfloating) else parts[0]
    gram = (x @ x.conj().swapaxes(-1, -2) + 0.1 * np.eye(size)).astype(kind)
    for compiled in (False, True):
        inverse = tf.function(small_inverse, jit_compile=compiled)(tf.constant(gram))
        np.testing.assert_allclose(inverse, np.linalg.inv(gram), atol=1e-4)


@pytest.fixture(scope="module")
def scenes(make_config):
    config = make_config("scene.sources_min=1", "scene.sources_max=1", "scene.snr_db=[20, 20]")
    return config, Simulator(config)(Split.TEST, 0, 0, 64)


def shown_at(config, scenes, logit=3.0, azimuth=0.0, log_range=0.0):
    """Evidence of the true source, moved by some cells and in log range."""
    s = scenes.sources
    found = Cells(
        tf.fill(s.azimuth.shape, logit),
        s.azimuth + azimuth * SIZE[0],
        s.elevation,
        tf.math.log(s.range_m) + log_range,
        tf.zeros_like(s.azimuth),
    )
    data = observed(scenes.measurement, make_panel(config.geometry), config.scene.symbols)
    return data, evidence(data, found, SIZE)


def test_the_truth_needs_no_step_and_explains_all(scenes):
    config, simulated = scenes
    _, shown = shown_at(config, simulated)
    assert np.median(np.abs(shown.step[..., :2])) < 0.1
    assert np.median(shown.rest) == pytest.approx(0.01, rel=0.4)  # the noise of 20 dB
    assert np.median(shown.support) > 50
    assert shown.features().shape == (64, 1, FEATURES)


def test_a_step_leads_back_to_the_truth(scenes):
    config, simulated = scenes
    for moved in (-0.3, 0.3):
        _, shown = shown_at(config, simulated, azimuth=moved)
        assert np.median(shown.step[..., 0]) == pytest.approx(-moved, abs=0.1)


def test_deviations_are_the_bound_where_the_prior_is_wide(scenes):
    """Of one source, and its posterior; in azimuth, whose bound is far below a cell."""
    config, simulated = scenes
    data, shown = shown_at(config, simulated)
    energy = tf.reduce_mean(tf.abs(simulated.measurement.y) ** 2, axis=[1, 2])
    noise = energy / (1 + 10 ** (simulated.measurement.snr_db / 10))
    bound = cramer_rao_bound(data, true_positions(simulated.sources), noise)
    ratio = SIZE[0] * shown.deviation[..., 0].numpy() / np.asarray(bound.azimuth)
    assert np.median(ratio) == pytest.approx(1, abs=0.25)


def test_an_improbable_detection_stays_small(scenes):
    config, simulated = scenes
    _, sure = shown_at(config, simulated, logit=6.0)
    _, unsure = shown_at(config, simulated, logit=-9.0)
    assert np.median(unsure.rest) > 10 * np.median(sure.rest)


def test_nothing_flows_back(scenes):
    config, simulated = scenes
    s = simulated.sources
    azimuth = tf.identity(s.azimuth)
    with tf.GradientTape() as tape:
        tape.watch(azimuth)
        data = observed(simulated.measurement, make_panel(config.geometry), config.scene.symbols)
        zero = tf.zeros_like(azimuth)
        found = Cells(zero, azimuth, s.elevation, tf.math.log(s.range_m), zero)
        loss = tf.reduce_sum(evidence(data, found, SIZE).features())
    assert tape.gradient(loss, azimuth) is None
