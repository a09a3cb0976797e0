"""Anybody's model on the engine: faults are named by its own names, health is health."""

import os
from dataclasses import replace

import pytest
import tensorflow as tf
from own_plants import OWN, OWN_HEALTHY, OwnPlant, loss, model_of, run_own

from ris_tf.engine import GuardedTrainer
from ris_tf.runlog import RunDirectory, causes_of, check_health, verdict_on

FULL = os.environ.get("RIS_FAULTS") == "full"
SOME = ("own: labels shuffled",)


def some(plants, chosen):
    marks = {name: () if name in chosen else pytest.mark.thorough for name in plants}
    return [pytest.param(name, marks=marks[name], id=name) for name in plants]


def examined(plant, path):
    """The checks of a run with a fault, and what they name, the most upstream first."""
    run = run_own(plant, path)
    checks = check_health(run.log(), run.identity.task)
    return checks, [check.cause for check in causes_of(checks)]


@pytest.mark.parametrize("name", some(OWN, SOME))
def test_planted_fault_is_named_and_the_advice_mends_it(name, tmp_path):
    plant = OWN[name]
    checks, causes = examined(plant, tmp_path / "run")
    assert causes, [check for check in checks if not check.passed]
    assert causes[0] in plant.faults
    assert not verdict_on(checks).remedies  # its program has no settings of ours
    if plant.mended and FULL:
        assert examined(replace(plant, **plant.mended), tmp_path / "mended")[1] == []


def test_healthy_model_passes_what_can_be_told_of_it(tmp_path):
    checks, causes = examined(OwnPlant(()), tmp_path / "run")
    assert causes == []
    assert verdict_on(checks).level == "green"
    assert not [check for check in checks if "objective." in check.as_options]
    assert {check.level for check in checks} == {"green"}
    assert len(checks) == 11  # none of covariances, labels and counts


@pytest.mark.parametrize("name", some(OWN_HEALTHY, ()))
def test_other_healthy_models_are_not_accused(name, tmp_path):
    assert examined(OWN_HEALTHY[name], tmp_path / "run")[1] == []


@pytest.mark.thorough
def test_two_causes_at_once_are_both_named(tmp_path):
    """Decay explains a loss that stays level; shuffled labels come to light without it."""
    plant = OWN["own: shuffled, and decay 10"]
    assert examined(plant, tmp_path / "run")[1][0] == "weight-decay"
    assert examined(replace(plant, knobs={}), tmp_path / "mended")[1] == ["labels"]


def test_term_that_is_not_finite_is_named_where_the_log_has_it(tmp_path):
    def nan_forward(model, batch, step):
        value, terms = loss(model, batch, step)
        bad = tf.math.log(-tf.abs(terms["size"]) - 1)
        return value + bad, {**terms, "bad": bad}

    checks, causes = examined(OwnPlant((), loss=nan_forward), tmp_path / "run")
    assert causes == ["not-finite"]
    assert "the term bad" in verdict_on(checks).sentence


def test_own_data_is_replayed_where_it_follows_from_its_number(tmp_path):
    """A function of the batch's number can be computed again: the backward pass is told apart."""

    def batches(epoch, batch):
        x = tf.random.stateless_normal([16, 6], tf.stack([epoch, batch]))
        return x, tf.tanh(x[:, :2])

    def nan_backward(model, batch, step):
        value, terms = loss(model, batch, step)
        root = tf.sqrt(tf.reduce_sum(model(batch[0]) * 0))
        return value + root, {**terms, "root": root}

    trainer = GuardedTrainer(model_of(), nan_backward, jit_compile=False, learning_rate=1e-3)
    trainer.fit(batches, steps_per_epoch=30, run=tmp_path / "run", verbose=False)
    run = RunDirectory.open(tmp_path / "run")
    verdict = verdict_on(check_health(run.log(), "model"))
    assert verdict.check.cause == "gradient-not-finite"
    assert "the term root" in verdict.sentence
    assert verdict.remedies == ()  # its loss has no settings of ours
