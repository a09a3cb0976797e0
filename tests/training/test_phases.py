"""Phases are announced where the schedules that they speak of really change."""

import pytest
import tensorflow as tf

from ris_tf.engine.phases import changes_after
from ris_tf.engine.schedules import rate_at
from ris_tf.objective import term_weights
from ris_tf.training.phases import changes_with_epoch
from ris_tf.training.task import make_trainer


def rates_of(trainer, windows=100):
    held = None if trainer.swa_share is None else trainer.averages.swa_begins
    schedule, share = trainer.rate_schedule, trainer.swa_rate
    return [float(rate_at(tf.constant(t), schedule, held, share)) for t in range(windows)]


def epochs_with(what, config):
    told = {}
    for epoch in range(config.training.epochs):
        for change in changes_with_epoch(epoch, config):
            if change.what == what:
                told[epoch] = change.text
    return told


@pytest.mark.parametrize("schedule", ["constant", "structure", "three_phase"])
def test_weights_change_exactly_where_it_is_told(make_config, schedule):
    config = make_config(
        "training.epochs=20", f"objective.schedule={schedule}", "objective.weights.contrast=0.1"
    )
    weights = [
        {name: float(value) for name, value in term_weights(tf.constant(epoch), config).items()}
        for epoch in range(20)
    ]
    changed = {epoch for epoch in range(1, 20) if weights[epoch] != weights[epoch - 1]}
    told = epochs_with("weights", config)
    assert set(told) == (changed | {0} if schedule != "constant" else set())


def test_a_term_of_weight_zero_is_not_spoken_of(make_config):
    config = make_config("objective.schedule=structure", "training.epochs=20")
    assert epochs_with("weights", config) == {
        0: "structure schedule: subspace x 0.4",
        3: "structure schedule: every term at its configured weight",
        16: "structure schedule: subspace x 1.4",
    }


def test_beta_rises_and_arrives(make_config):
    beta = ("covariance.beta=0.3", "covariance.beta_jitter=0.05")
    told = epochs_with("beta", make_config("training.epochs=20", *beta))
    assert told == {
        0: "beta rises from 0 to 0.3 over 4 epochs",
        4: "beta has arrived at 0.3, with a jitter of 0.05",
    }
    assert not epochs_with("beta", make_config("training.epochs=20"))


def test_rate_and_averages_change_with_applied_windows(make_config):
    config = make_config("training.epochs=10", "training.batches_per_epoch=10")
    trainer = make_trainer(config)
    told = {
        applied: [change.what for change in changes_after(applied, trainer)]
        for applied in range(trainer.plan.windows)
    }
    assert {at: what for at, what in told.items() if what} == {
        0: ["rate"],
        5: ["rate"],
        80: ["rate", "averages"],
    }
    rates = rates_of(trainer)
    assert max(rates) == rates[4]  # the last of the warm-up
    assert len(set(rates[80:])) == 1
    assert rates[79] != rates[80]


@pytest.mark.parametrize(
    "overrides",
    [
        ("training.warmup=0.9",),
        ("training.warmup=0",),
        ("training.swa_start=1",),
        ("training.swa=false",),
    ],
)
def test_rate_is_what_was_told_last(make_config, overrides):
    """A constant rate is told as one, whatever the order of warm-up and SWA."""
    config = make_config("training.epochs=10", "training.batches_per_epoch=10", *overrides)
    trainer = make_trainer(config)
    rates = rates_of(trainer)
    told = {t: [c.text for c in changes_after(t, trainer) if c.what == "rate"] for t in range(101)}
    assert told[100] == []  # nothing comes behind the last window
    now = ""
    for t in range(1, 100):
        now = told[t][-1] if told[t] else now or told[0][-1]
        if not told[t]:  # within a phase
            step = rates[t] - rates[t - 1]
            assert step == 0 if "constant" in now else step > 0 if "warms" in now else step < 0
