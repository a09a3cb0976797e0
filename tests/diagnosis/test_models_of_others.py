"""Anybody's model on the engine: the same faults are named by its own names, health is health."""

import contextlib
import os
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.engine import GuardedTrainer, warmup_cosine
from ris_tf.engine.optimizer import GroupedAdamW
from ris_tf.runlog import RunDirectory, causes_of, check_health, verdict_on

full = pytest.mark.skipif(os.environ.get("RIS_FAULTS") != "full", reason="RIS_FAULTS=full")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 6)).astype("f4")
Y = np.tanh(X @ RNG.normal(size=(6, 2))).astype("f4")


def model_of(activation="relu"):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation=activation, name="first"),
            keras.layers.Dense(16, activation=activation, name="second"),
            keras.layers.Dense(2, name="head"),
        ]
    )


def loss(model, batch, step):
    x, y = batch
    error = tf.reduce_mean(tf.square(tf.cast(model(x, training=step.training), tf.float32) - y))
    size = tf.reduce_mean(tf.abs(model(x, training=step.training)))
    return error + 0.01 * size, {"error": error, "size": size}


def nan_backward(model, batch, step):
    value, terms = loss(model, batch, step)
    root = tf.sqrt(tf.reduce_sum(model(batch[0]) * 0))
    return value + root, {**terms, "root": root}


def trained(path, loss=loss, model=None, data=(X, Y), harm=contextlib.nullcontext, **knobs):
    """A run of 96 windows; what the checks of it name, the most upstream first."""
    model = model or model_of()
    knobs = {"learning_rate": warmup_cosine(3e-3), "jit_compile": False, **knobs}
    with harm():
        trainer = GuardedTrainer(model, loss, groups={"head": model.layers[-1]}, **knobs)
        trainer.fit(*data, epochs=6, batch_size=16, validation=(X, Y), run=path, verbose=False)
    run = RunDirectory.open(path)
    checks = check_health(run.log(), run.identity.task)
    return checks, [check.cause for check in causes_of(checks)]


def test_healthy_model_passes_what_can_be_told_of_it(tmp_path):
    checks, causes = trained(tmp_path / "run")
    assert causes == []
    assert verdict_on(checks).level == "green"
    assert not [check for check in checks if "objective." in check.as_options]
    assert {check.level for check in checks} == {"green"}
    assert len(checks) == 11  # none of covariances, labels and counts


def never_steps():
    return mock.patch.object(GroupedAdamW, "stepped", lambda self, w, m, g, rate: (w, m))


def test_optimizer_that_never_steps(tmp_path):
    _, causes = trained(tmp_path / "run", harm=never_steps)
    assert causes[0] == "weights-never-move"


@full
@pytest.mark.parametrize(("rate", "fault"), [(3.0, "rate-too-high"), (1e-8, "rate-too-low")])
def test_rates(tmp_path, rate, fault):
    _, causes = trained(tmp_path / "run", learning_rate=rate)
    assert causes[0] == fault


def test_term_whose_gradient_is_not_finite_is_named_where_the_log_has_it(tmp_path):
    def nan_forward(model, batch, step):
        value, terms = loss(model, batch, step)
        bad = tf.math.log(-tf.abs(terms["size"]) - 1)
        return value + bad, {**terms, "bad": bad}

    checks, causes = trained(tmp_path / "run", loss=nan_forward)
    assert causes == ["not-finite"]
    assert "the term bad" in verdict_on(checks).sentence


def test_own_data_is_replayed_where_it_follows_from_its_number(tmp_path):
    """A function of the batch's number can be computed again: the backward pass is told apart."""

    def batches(epoch, batch):
        x = tf.random.stateless_normal([16, 6], tf.stack([epoch, batch]))
        return x, tf.tanh(x[:, :2])

    trainer = GuardedTrainer(model_of(), nan_backward, jit_compile=False, learning_rate=1e-3)
    trainer.fit(batches, steps_per_epoch=30, run=tmp_path / "run", verbose=False)
    run = RunDirectory.open(tmp_path / "run")
    verdict = verdict_on(check_health(run.log(), "model"))
    assert verdict.check.cause == "gradient-not-finite"
    assert "the term root" in verdict.sentence
    assert verdict.remedies == ()  # its loss has no settings of ours
