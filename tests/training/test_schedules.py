"""Schedules, averages, loss scale, clip."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.engine.averages import Averages
from ris_tf.engine.gradients import clip_factor, finite_check, squared_norms
from ris_tf.engine.packing import LARGE, Packing
from ris_tf.engine.plan import Plan, share_of
from ris_tf.engine.scaling import PATIENCE, LossScale, is_dynamic
from ris_tf.engine.schedules import rate_at, warmup_cosine
from ris_tf.errors import UserError
from ris_tf.network import build_network
from ris_tf.training.blending import beta


def rates(schedule, windows, constant_from=None, constant_rate=0.1):
    schedule = schedule.planned(windows)
    return np.array(
        [
            float(rate_at(tf.constant(t), schedule, constant_from, constant_rate))
            for t in range(windows + 1)
        ]
    )


def test_windows():
    plan = Plan(epochs=3, batches_per_epoch=10, accumulation=4)
    assert plan.windows_per_epoch == 3
    assert plan.windows == 9
    assert [plan.batches_before(window) for window in range(7)] == [0, 4, 8, 10, 14, 18, 20]


def test_shares_are_of_the_decimal_number():
    """0.07 x 100 is above 7 in binary: its ceiling would be a window too many."""
    assert math.ceil(0.07 * 100) == 8
    for windows in range(100, 1100, 100):
        assert share_of(0.07, windows) == 7 * windows // 100
    assert (share_of(0.05, 201), share_of(0, 9), share_of(1, 9), share_of(1e-7, 9)) == (11, 0, 9, 1)


def test_learning_rate_warms_up_then_follows_the_cosine():
    r = rates(warmup_cosine(1.0), 200)
    np.testing.assert_allclose(r[:10], np.arange(1, 11) / 10, rtol=1e-6)
    middle = 10 + (200 - 10) // 2
    assert r[middle] == pytest.approx(0.01 + 0.99 / 2, rel=1e-4)
    assert r[200] == pytest.approx(0.01, rel=1e-3)
    assert (np.diff(r[10:]) <= 1e-7).all()


def test_learning_rate_is_constant_while_the_mean_is_taken():
    np.testing.assert_allclose(rates(warmup_cosine(0.5), 200, 160)[160:], 0.05, rtol=1e-6)


def test_any_function_is_a_schedule_and_is_held_where_it_is():
    """Without a base to take a share of, the rate stays what it is when the mean begins."""
    halved = lambda t: 0.5 ** tf.cast(t, tf.float32)  # noqa: E731
    values = [float(rate_at(tf.constant(t), halved, 3, 0.1)) for t in range(6)]
    np.testing.assert_allclose(values, [1, 0.5, 0.25, 0.125, 0.125, 0.125])
    keras_own = keras.optimizers.schedules.ExponentialDecay(0.2, 10, 0.5)
    values = [float(rate_at(tf.constant(t), keras_own, 3, 0.1)) for t in (0, 3)]
    np.testing.assert_allclose(values, [0.2, 0.02], rtol=1e-6)
    assert float(rate_at(tf.constant(5), 0.3, None, 0.1)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "wrong", [{"base": -1.0}, {"base": math.nan}, {"warmup": 1.5}, {"final": -0.1}, {"steps": 0}]
)
def test_schedule_that_is_none_is_refused(wrong):
    with pytest.raises(UserError, match=r"warmup_cosine: .* = .*: must be ") as refused:
        warmup_cosine(**{"base": 1e-3, **wrong})
    assert refused.value.key in wrong


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
    network = build_network(make_config())
    kept = averages_of(network, 0.999, swa=True)
    kept.swa_begins = 8
    return network, kept


def averages_of(network, ema_decay, swa):
    weights = network.trainable_variables
    return Averages(weights, Packing([w.shape for w in weights]), ema_decay, swa)


def update(kept, applied):
    """Take the weights of the network after so many applied windows."""
    weights = kept.packing.packed([weight.value for weight in kept.weights])
    means = kept.moved(kept.means, weights, tf.constant(applied, tf.int64))
    for variable, value in zip(kept.variables, tf.nest.flatten(means), strict=True):
        variable.assign(value)


def test_averages_are_their_formulas(averages):
    network, kept = averages
    weight = network.trainable_variables[1]
    ema, history = weight.numpy(), []
    rng = np.random.default_rng(0)
    for t in range(1, 11):
        weight.assign(rng.standard_normal(weight.shape))
        history.append(weight.numpy())
        update(kept, t)
        decay = min(0.999, (1 + t) / (10 + t))
        ema = decay * ema + (1 - decay) * history[-1]
    ours = {name: np.array(average) for name, average in kept.by_weight().items()}
    np.testing.assert_allclose(ours[f"ema/{weight.path}"], ema, rtol=1e-4, atol=1e-6)
    assert int(kept.taken.value) == 2
    mean = np.mean(history[8:], axis=0)
    np.testing.assert_allclose(ours[f"swa/{weight.path}"], mean, rtol=1e-5, atol=1e-6)
    assert kept.best() == "swa"


def test_raw_weights_come_back_whatever_happens(averages):
    network, kept = averages
    update(kept, 1)
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
    network = build_network(make_config())
    kept = averages_of(network, None, swa=False)
    update(kept, 1)
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
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=precision)])
    scale = LossScale(is_dynamic(loss_scale, model))
    assert scale.dynamic == dynamic
    assert float(scale.value.value) == (65_536 if dynamic else 1)


def follow(scale, becomes):
    scale.value.assign(becomes.value)
    scale.streak.assign(becomes.streak)


def test_loss_scale_doubles_after_consecutive_windows_only():
    scale = LossScale(dynamic=True)
    scale.streak.assign(PATIENCE - 1)
    follow(scale, scale.after_skipped())
    assert (float(scale.value.value), int(scale.streak.value)) == (32_768, 0)
    scale.streak.assign(PATIENCE - 2)
    follow(scale, scale.after_applied())
    assert (float(scale.value.value), int(scale.streak.value)) == (32_768, PATIENCE - 1)
    follow(scale, scale.after_applied())
    assert (float(scale.value.value), int(scale.streak.value)) == (65_536, 0)


@pytest.mark.parametrize(("norm", "clip", "factor"), [(0.5, 1, 1), (4, 1, 0.25), (9, 0, 1)])
def test_clip(norm, clip, factor):
    assert float(clip_factor(tf.constant(float(norm)), clip)) == pytest.approx(factor, rel=1e-5)


def verdict_of(gradients, loss, clipped=True):
    arrays = [tf.constant(g, tf.float32) for g in gradients]
    packing = Packing([array.shape for array in arrays])
    parts = packing.packed(arrays)
    return finite_check(parts, squared_norms(parts, packing), tf.constant(loss), packing, clipped)


@pytest.mark.parametrize("size", [2, LARGE + 1])  # packed with others, and by itself
def test_finite_check_names_the_first_offender(size):
    good = [np.ones([2, 2]), np.ones(size), np.ones(3)]
    assert verdict_of(good, 1.0) == (True, -1)
    # Finite gradients whose squares overflow are finite, but no step where nothing clips them.
    assert verdict_of([*good, np.full(2, 1e30)], 1.0) == (True, -1)
    assert verdict_of([*good, np.full(2, 1e30)], 1.0, clipped=False) == (False, 3)
    assert verdict_of([*good, np.full(2, 1.8e19)], 1.0, clipped=False) == (True, -1)
    bad = [np.ones([2, 2]), np.ones(size), np.array([1.0, math.inf, 1.0])]
    assert verdict_of(bad, math.nan) == (False, 2)
    bad[1][-1] = math.nan
    assert verdict_of(bad, math.nan) == (False, 1)
    assert verdict_of(good, math.nan) == (False, 3)
