"""Terms of detections, against numpy and brute force."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.network import build_network
from ris_tf.objective import compare, term_values
from ris_tf.objective.detections import WITHIN, focal_loss, interval_loss
from ris_tf.scene import Simulator, Split

SEEDS = st.integers(0, 100_000)


@given(SEEDS)
def test_focal_loss(seed):
    rng = np.random.default_rng(seed)
    logit, target = rng.normal(0, 3, (2, 7)), rng.uniform(0, 1, (2, 7))
    holds = np.array([[1, 0, 0, 1, 0, 0, 0], [0] * 7])
    p = 1 / (1 + np.exp(-logit))
    positive, negative = (1 - p) ** 2 * np.log(p), (1 - target) ** 4 * p**2 * np.log(1 - p)
    expected = -np.where(holds, positive, negative).sum(1) / [2, 1]
    ours = focal_loss(*(tf.constant(x, tf.float32) for x in (logit, target, holds)))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5)


def test_interval_loss_is_least_where_95_percent_lie_within():
    """Whatever the distribution of errors: here that of Laplace."""
    error = np.random.default_rng(0).laplace(0, 0.02, 20_000).astype(np.float32)
    deviations = np.geomspace(0.005, 0.2, 400, dtype=np.float32)
    losses = [float(tf.reduce_mean(interval_loss(tf.constant(error), s))) for s in deviations]
    best = deviations[np.argmin(losses)]
    assert np.mean(np.abs(error) <= WITHIN * best) == pytest.approx(0.95, abs=0.005)


@pytest.fixture(scope="module")
def compared(make_config):
    """A network's prediction moved to the truth, the detections in any order."""
    config = make_config()
    scenes = Simulator(config)(Split.TRAINING, 0, 0, 16)
    return config, scenes, at_the_truth(build_network(config)(scenes.measurement), scenes)


def at_the_truth(prediction, scenes):
    """The first `K` detections at the sources, in reverse order, and sure; the others far away."""
    s = scenes.sources

    def placed(values, elsewhere):
        return tf.concat([values[:, ::-1], tf.fill(values.shape, elsewhere)], axis=1)

    logit = placed(20.0 * s.active - 10.0, -10.0)
    return prediction._replace(
        azimuth=placed(s.azimuth, 1.5),
        elevation=placed(s.elevation, 1.0),
        range_m=placed(s.range_m, 5.0),
        power=placed(tf.ones_like(s.power), 1.0),
        presence_logit=logit,
        confidence=tf.sigmoid(logit),
    )


def test_at_the_truth_detections_cost_nothing(compared):
    config, scenes, prediction = compared
    c = compare(prediction, scenes, config)
    np.testing.assert_array_equal(c.detected, c.active)
    assert np.max(term_values(c, ["presence"])["presence"]) < 1e-3
    errors = np.abs(c.of_sources(prediction.azimuth) - scenes.sources.azimuth) * c.active
    assert np.max(errors) == 0
    np.testing.assert_allclose(c.log_power, 0, atol=1e-6)  # equal powers


def test_a_source_that_is_not_detected_costs_its_presence(compared):
    config, scenes, prediction = compared
    lost = prediction._replace(azimuth=prediction.azimuth + 0.3)
    c = compare(lost, scenes, config)
    assert not np.any(c.detected)
    each = np.asarray(term_values(c, ["presence"])["presence"])
    np.testing.assert_allclose(each, 10, rtol=1e-2)  # each of K detections is sure, and wrong
    assert np.all(np.asarray(term_values(c, ["deviation"])["deviation"]) == 0)


def test_of_two_detections_of_a_source_the_likelier_is_assigned(compared):
    config, scenes, prediction = compared
    s = scenes.sources
    twice = tf.concat([s.azimuth, s.azimuth + 0.02], axis=1)
    unsure = tf.concat([tf.fill(s.azimuth.shape, -3.0), tf.fill(s.azimuth.shape, 3.0)], axis=1)
    both = prediction._replace(
        azimuth=twice,
        elevation=tf.concat([s.elevation] * 2, axis=1),
        range_m=tf.concat([s.range_m] * 2, axis=1),
        presence_logit=unsure,
        confidence=tf.sigmoid(unsure),
    )
    slot = compare(both, scenes, config).slot.numpy()
    assert (slot[s.active.numpy() > 0] >= 3).all()


@pytest.mark.parametrize("name", ["heatmap", "presence", "power", "deviation", "angle", "range"])
def test_each_term_trains_the_network(make_config, name):
    config = make_config()
    scenes = Simulator(config)(Split.TRAINING, 0, 0, 16)
    network = build_network(config)
    with tf.GradientTape() as tape:
        c = compare(network(scenes.measurement), scenes, config)
        loss = tf.reduce_mean(term_values(c, [name])[name])
    gradients = tape.gradient(loss, network.trainable_variables)
    sizes = [float(tf.norm(g)) for g in gradients if g is not None]
    assert np.isfinite(sizes).all()
    assert np.sum(np.array(sizes) > 0) > 5
