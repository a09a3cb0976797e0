"""A run that goes on under another plan: as in a run of that plan, from the position it has."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from sessions import SHORT, begin, final_weights, steps_of

from ris_tf.config import dump_config, load_config, replace_values
from ris_tf.engine.plan import share_of
from ris_tf.engine.schedules import rate_at, warmup_cosine
from ris_tf.objective import term_weights
from ris_tf.runlog import RunDirectory
from ris_tf.training.blending import beta

# Schedules that depend on the number of epochs: warm-up and cosine, SWA, beta, weights of terms.
SCHEDULES = (*SHORT, "covariance={beta: 0.2, beta_ramp: 0.6}", "objective.schedule=three_phase",
             "training.patience=0", "training.warmup=0.3")  # fmt: skip


def prolong(path, epochs):
    run = RunDirectory.open(path)
    config = replace_values(load_config(run.config_path), {"training.epochs": epochs})
    run.replace_configuration(dump_config(config))


@pytest.fixture(scope="module")
def short(make_config, tmp_path_factory):
    """A finished run of three epochs."""
    path = tmp_path_factory.mktemp("runs") / "short"
    run, session = begin(make_config, path, overrides=(*SCHEDULES, "training.epochs=3"))
    assert session.run().reason == "finished"
    assert run.log().validations[-1].weights == "swa"
    return path


@pytest.fixture(scope="module")
def longer(make_config, short, tmp_path_factory):
    """The same, gone on to six epochs without a stop."""
    path = tmp_path_factory.mktemp("runs") / "longer"
    shutil.copytree(short, path)
    prolong(path, 6)
    run, session = begin(make_config, path, resume=True)
    assert session.run().reason == "finished"
    return run, session


def test_schedules_are_those_of_a_run_that_was_planned_so(longer):
    """Rates, weights and beta of the later windows, as the longer plan has them at that place."""
    run, _ = longer
    config, log = load_config(run.config_path), run.log()
    base, begins = config.training.learning_rate, share_of(config.training.swa_start, 12)
    cosine = warmup_cosine(base, steps=12, warmup=0.3, final=config.training.final_rate)
    for window in range(6, 12):
        epoch = window // 2
        rate = rate_at(tf.constant(window, tf.int64), cosine, begins, config.training.swa_rate)
        expected = {"rate/backbone": rate, "beta": beta(tf.constant(epoch), window, config)}
        weights = term_weights(epoch, config)
        expected |= {f"weight/{name}": weight for name, weight in weights.items()}
        for name, value in expected.items():
            assert log.column(name)[window] == pytest.approx(float(value), rel=1e-5), name
    # The mean of the shorter plan's last windows is forgotten: the longer plan's comes later.
    assert [v.weights for v in log.validations] == ["ema", "ema", "swa", "ema", "ema", "swa"]


def test_what_changes_is_said_and_the_log_has_the_new_plan(longer):
    run, _ = longer
    log = run.log()
    np.testing.assert_array_equal(log.steps, np.arange(12))
    assert [(s.epochs, s.windows) for s in log.sessions] == [(3, 6), (6, 12)]
    at_once = [phase for phase in log.phases if phase.step == 6]
    assert [phase.what for phase in at_once] == ["rate", "averages", "weights", "beta"]
    assert at_once[0].text.startswith("planned now: 6 epochs: learning rate ")
    assert "SWA) is forgotten" in at_once[1].text
    assert "beta 0.2 becomes 0.15" in at_once[3].text


def stopped_at(session, window):
    check = session.between_windows

    def stop_then(*_):
        if session.recorder.window == window:
            session.run_directory.request_stop()
        check()

    session.between_windows = stop_then
    return session.run()


def test_a_prolonged_run_that_is_stopped_or_killed_is_the_same_run(
    make_config, short, longer, tmp_path
):
    """Killed before its first checkpoint under the new plan, then stopped at a window."""
    path = tmp_path / "run"
    shutil.copytree(short, path)
    prolong(path, 6)
    killed, session = begin(make_config, path, resume=True)
    session.trainer.train_windows(6, 7, 3, [session.recorder])
    session.events.close()
    killed.end_session()
    _, session = begin(make_config, path, resume=True)
    assert stopped_at(session, 9).progress.window == 9
    run, session = begin(make_config, path, resume=True)
    assert session.run().reason == "finished"
    assert steps_of(run) == steps_of(longer[0])
    assert final_weights(session) == final_weights(longer[1])


def test_patience_counts_from_where_the_plan_changed(make_config, tmp_path):
    path = tmp_path / "run"
    overrides = (
        *SHORT,
        "training.batches_per_epoch=1",
        "training.epochs=9",
        "training.patience=1",
        "training.learning_rate=1e-9",
    )
    run, session = begin(make_config, path, overrides=overrides)
    session.progress = session.progress.moved(best_loss=0.0)  # no epoch is better
    outcome = session.run()
    assert (outcome.reason, outcome.progress.epochs_done) == ("early", 1)
    prolong(path, 12)
    run, session = begin(make_config, path, resume=True)
    outcome = session.run()
    assert (outcome.reason, outcome.progress.epochs_done) == ("early", 2)
    assert run.log().end is not None
