"""Faults that show in proportions: of numbers, pulls, noise, own labels to those of others."""

import numpy as np
import pytest
from healthy_log import TERMS, column, diagnosed, healthy, named, verdict

from ris_tf.runlog import Fault, Level, causes_of, check_health

MODEL = "model"


def falling(log, curve):
    """The loss is another one; of somebody's model, which has no weights of terms."""
    for name in [name for name in log.names if name.startswith(("weight/", "term/"))]:
        column(log, name)[:] = 0 if name.startswith("weight/") else curve
    for name in TERMS:
        column(log, f"weight/{name}")[:] = 1 / len(TERMS)
    return log


@pytest.mark.parametrize(("decay", "size", "fails"), [(10.0, 0.3, True), (0.1, 1.0, False)])
def test_decay_that_pulls_harder_than_a_step_pushes(decay, size, fails):
    log = healthy()
    diagnosed(log, "plan", weight_decay=decay)
    diagnosed(log, "first window", rms__backbone=size)
    if fails:
        assert named(log) == (Fault.DECAY, {"training.weight_decay": "1e-4"})
    else:
        assert verdict(log, "weights move").passed


@pytest.mark.parametrize(("rate", "fails"), [(0.99, True), (0.5, False), (0.9, False)])
def test_dropout_that_leaves_noise(rate, fails):
    log = healthy()
    diagnosed(log, "plan", dropout__drop=rate)
    assert (verdict(log, "all parameters trained").fault is Fault.DROPOUT) == fails


def test_layers_frozen_as_they_were_made_are_a_warning_where_the_loss_falls():
    log = healthy()
    diagnosed(log, "plan", frozen__share=0.9, frozen__fresh=1.0, frozen__names="first, second")
    causes = causes_of(check_health(log, MODEL))
    assert [(c.fault, c.level) for c in causes] == [(Fault.FROZEN, Level.WARNING)]
    assert not causes_of(check_health(log))  # ours are frozen knowingly
    falling(log, 1 + 0.01 * np.sin(np.arange(120)))
    assert causes_of(check_health(log, MODEL))[0].level is Level.RED


def test_layers_that_learned_elsewhere_may_be_frozen():
    log = healthy()
    diagnosed(log, "plan", frozen__share=0.9, frozen__fresh=0.0, frozen__names="first, second")
    assert not causes_of(check_health(log, MODEL))


def test_large_numbers_are_accused_where_gradients_are_large_too():
    log = healthy()
    diagnosed(log, "data", size__0=1e3)
    assert not causes_of(check_health(log))  # the model normalises them itself
    column(log, "norm/total")[:] = 1e5
    assert named(log)[0] is Fault.INPUT_SCALE


def test_examples_that_repeat_explain_labels_that_fit_others_as_well():
    log = healthy()
    diagnosed(log, "data", distinct=1 / 32, agreement=0.0, agreement__best=0.0)
    assert [c.fault for c in causes_of(check_health(log))] == [Fault.REPEATS]


def test_loss_that_falls_ever_faster_has_a_wrong_sign():
    log = falling(healthy(), 1 - (np.arange(120) / 10) ** 2)
    for group in ("backbone", "head", "total"):
        column(log, f"norm/{group}")[:] = 1e3
    assert named(log, MODEL)[0] is Fault.RUNS_AWAY
    assert "covariance" in verdict(log, "training loss falls").matter


@pytest.mark.parametrize("curve", [lambda n: 1 - 3 * np.log1p(n), lambda n: 5 * np.exp(-n / 20)])
def test_likelihood_that_falls_below_zero_has_not(curve):
    log = falling(healthy(), curve(np.arange(120)))
    assert not causes_of(check_health(log, MODEL))


def test_term_below_its_value_at_the_truth_has_a_wrong_sign():
    log = healthy()
    column(log, "term/covariance")[:] *= -1
    assert Fault.RUNS_AWAY in [c.fault for c in causes_of(check_health(log))]
    assert "at the truth" in verdict(log, "no loss floor").result


@pytest.mark.parametrize(("paired", "fault"), [(0.3, Fault.SHUFFLED), (9.0, Fault.PLATEAU)])
def test_labels_of_others_that_fit_as_well_explain_a_loss_that_does_not_fall(paired, fault):
    log = falling(healthy(), 1 + 0.01 * np.sin(np.arange(120)))
    diagnosed(log, "epoch", paired=paired)
    assert named(log, MODEL)[0] is fault


def test_rate_that_ends_at_zero_before_the_run_does():
    log = healthy()
    for group in ("backbone", "head"):
        column(log, f"rate/{group}")[60:] = 0
    for values in (event.values for event in log.diagnoses if event.of == "plan"):
        del values["rate"]  # a schedule of somebody's own
    diagnosed(log, "epoch", moved__backbone=0.0, moved__head=0.0)
    assert named(log, MODEL)[0] is Fault.NEVER_MOVES
    assert "is 0 from window 60 on" in verdict(log, "weights move").matter


def test_loss_that_is_not_finite_is_no_matter_of_scale():
    """The loss is computed before it is scaled: no smaller scale would make it finite."""
    log = healthy()
    for name in ("ok", "loss", "term/covariance"):
        column(log, name)[50] = 0 if name == "ok" else np.nan
    column(log, "scale")[:] = 4096
    for name in ("iteration", "schedule"):
        column(log, name)[:] = np.cumsum(column(log, "ok"))
    assert named(log)[0] is Fault.TERM_NOT_FINITE
