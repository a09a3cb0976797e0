"""Schedules, averages, loss scale, clip."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config.learning import Training
from ris_tf.engine.averages import Averages
from ris_tf.engine.gradients import clip_factor, finite_check
from ris_tf.engine.scaling import PATIENCE, LossScale
from ris_tf.engine.schedules import learning_rate, planned_windows, swa_begins, windows_per_epoch
from ris_tf.network import build_network
from ris_tf.training.blending import beta


def rates(training):
    total = planned_windows(training)
    return np.array([float(learning_rate(tf.constant(t), training)) for t in range(total + 1)])


def test_windows():
    training = Training(epochs=3, batches_per_epoch=10, accumulation=4)
    assert windows_per_epoch(training) == 3
    assert planned_windows(training) == 9


def test_learning_rate_warms_up_then_follows_the_cosine():
    training = Training(epochs=2, batches_per_epoch=100, swa=False, learning_rate=1.0)
    r = rates(training)
    np.testing.assert_allclose(r[:10], np.arange(1, 11) / 10, rtol=1e-6)
    middle = 10 + (200 - 10) // 2
    assert r[middle] == pytest.approx(0.01 + 0.99 / 2, rel=1e-4)
    assert r[200] == pytest.approx(0.01, rel=1e-3)
    assert (np.diff(r[10:]) <= 1e-7).all()


def test_learning_rate_is_constant_while_the_mean_is_taken():
    training = Training(epochs=2, batches_per_epoch=100, learning_rate=0.5)
    assert swa_begins(training) == 160
    np.testing.assert_allclose(rates(training)[160:], 0.05, rtol=1e-6)


def test_beta_rises_by_epoch_then_jitters(make_config):
    config = make_config("covariance.beta=0.3", "covariance.beta_jitter=0.05", "training.epochs=20")
    ramp = [float(beta(tf.constant(e), tf.constant(0), config)) for e in range(4)]
    np.testing.assert_allclose(ramp, [0, 0.075, 0.15, 0.225], rtol=1e-5)
    late = np.array([float(beta(tf.constant(9), tf.constant(w), config)) for w in range(200)])
    assert 0.25 <= late.min() < 0.26
    assert 0.34 < late.max() <= 0.35
    again = float(beta(tf.constant(9), tf.constant(7), config))
    assert again == pytest.approx(late[7])


def test_beta_takes_two_epochs_at_least(make_config):
    config = make_config("covariance.beta=0.3", "training.epochs=3")
    values = [float(beta(tf.constant(e), tf.constant(0), config)) for e in range(3)]
    np.testing.assert_allclose(values, [0, 0.15, 0.3], rtol=1e-5)


@pytest.fixture
def averages(make_config):
    config = make_config("training.epochs=5", "training.batches_per_epoch=2")  # SWA from 8 of 10
    network = build_network(config)
    return network, Averages(network.trainable_variables, config.training)


def test_averages_are_their_formulas(averages):
    network, kept = averages
    weight = network.trainable_variables[1]
    ema, history = weight.numpy(), []
    rng = np.random.default_rng(0)
    for t in range(1, 11):
        weight.assign(rng.standard_normal(weight.shape))
        history.append(weight.numpy())
        kept.update(tf.constant(t, tf.int64))
        decay = min(0.999, (1 + t) / (10 + t))
        ema = decay * ema + (1 - decay) * history[-1]
    np.testing.assert_allclose(kept.ema[1].numpy(), ema, rtol=1e-4, atol=1e-6)
    assert int(kept.taken.value) == 2
    np.testing.assert_allclose(kept.swa[1].numpy(), np.mean(history[8:], 0), rtol=1e-5, atol=1e-6)
    assert kept.best() == "swa"


def test_raw_weights_come_back_whatever_happens(averages):
    network, kept = averages
    kept.update(tf.constant(1, tf.int64))
    for w in network.trainable_variables:
        w.assign_add(tf.ones(w.shape))
    raw = [w.numpy() for w in network.trainable_variables]
    with pytest.raises(KeyboardInterrupt), kept.swapped_in() as which:
        assert which == "ema"
        assert not np.array_equal(network.trainable_variables[0].numpy(), raw[0])
        raise KeyboardInterrupt
    for w, value in zip(network.trainable_variables, raw, strict=True):
        assert w.numpy().tobytes() == value.tobytes()


def test_without_averages_the_raw_weights_validate(make_config):
    config = make_config("training.ema=false", "training.swa=false")
    network = build_network(config)
    kept = Averages(network.trainable_variables, config.training)
    kept.update(tf.constant(1, tf.int64))
    with kept.swapped_in() as which:
        assert which == "raw"


@pytest.mark.parametrize(
    ("loss_scale", "precision", "dynamic"),
    [
        ("auto", "float32", False),
        ("auto", "mixed_float16", True),
        ("auto", "mixed_bfloat16", False),
        ("dynamic", "float32", True),
        ("none", "mixed_float16", False),
    ],
)
def test_loss_scale_is_on_where_it_is_asked_for(loss_scale, precision, dynamic):
    scale = LossScale(Training(loss_scale=loss_scale, precision=precision))
    assert scale.dynamic == dynamic
    assert float(scale.value.value) == (65_536 if dynamic else 1)


def test_loss_scale_doubles_after_consecutive_windows_only():
    scale = LossScale(Training(loss_scale="dynamic"))
    scale.streak.assign(PATIENCE - 1)
    scale.after_skipped()
    assert (float(scale.value.value), int(scale.streak.value)) == (32_768, 0)
    scale.streak.assign(PATIENCE - 2)
    scale.after_applied()
    assert (float(scale.value.value), int(scale.streak.value)) == (32_768, PATIENCE - 1)
    scale.after_applied()
    assert (float(scale.value.value), int(scale.streak.value)) == (65_536, 0)


@pytest.mark.parametrize(("norm", "clip", "factor"), [(0.5, 1, 1), (4, 1, 0.25), (9, 0, 1)])
def test_clip(norm, clip, factor):
    assert float(clip_factor(tf.constant(float(norm)), clip)) == pytest.approx(factor, rel=1e-5)


def test_finite_check_names_the_first_offender():
    good = [tf.ones([2, 2]), tf.ones([3])]
    assert finite_check(good, tf.constant(1.0)) == (True, -1)
    # Finite gradients whose squares overflow are finite.
    assert finite_check([tf.fill([2], 1e30)], tf.constant(1.0)) == (True, -1)
    bad = [tf.ones([2, 2]), tf.constant([1.0, math.inf, 1.0])]
    assert finite_check(bad, tf.constant(math.nan)) == (False, 1)
    assert finite_check(good, tf.constant(math.nan)) == (False, 2)
