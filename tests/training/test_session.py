"""A run: what it writes, how it stops, and that it goes on as if it never had."""

import numpy as np
import pytest
import tensorflow as tf
from sessions import SHORT, begin, final_weights, steps_of

from ris_tf.engine.stopping import Stop
from ris_tf.runlog import (
    Cause,
    Fault,
    RunDirectory,
    State,
    check_health,
    read_run_log,
    summarize,
    verdict_on,
)
from ris_tf.training.batches import simulated


@pytest.fixture
def start(make_config, tmp_path):
    """Begins sessions of two windows an epoch in this test's folder."""

    def start_(name="run", resume=False, overrides=(), **how):
        return begin(make_config, tmp_path / name, resume, (*SHORT, *overrides), **how)

    return start_


@pytest.fixture(scope="module")
def whole(make_config, tmp_path_factory):
    """A run that has ended, as graphs, and its session."""
    run, session = begin(make_config, tmp_path_factory.mktemp("graphs") / "run", eager=False)
    return run, session, session.run()


def test_whole_run(whole):
    run, _, outcome = whole
    assert outcome.reason == "finished"
    log = read_run_log(run.events_path)
    np.testing.assert_array_equal(log.steps, np.arange(8))
    assert len(log.validations) == len(log.epoch_ends) == len(log.checkpoints) == 2
    assert log.end is not None
    assert log.end.reason == "finished"
    names = {path.name for path in run.checkpoints.iterdir()}
    assert names == {"last.npz", "previous.npz", "best.keras"}
    figures = log.validations[-1].values
    assert {"loss", "term/covariance", "sample/covariance", "sample/subspace"} <= set(figures)
    assert 0 <= figures["recall_direction"] <= 1
    checks = {check.name: check for check in check_health(log)}
    for name in ("validation completed", "gradients finite", "order of updates", "terms active"):
        assert checks[name].passed, checks[name]
    console = run.console_path.read_text()
    assert "[LOSS DEBUG] Subspace align: 0." in console
    assert "[LOSS DEBUG] Peak contrast: 0.000000 @ weight=0.0\n" in console
    assert "@ weight=0.05\n" in console
    assert "[GRAD] backbone=" in console
    assert "ok=True" in console


def test_best_network_is_the_one_that_validated(whole):
    """best.keras has the weights that gave the best validation loss: averaged, not raw."""
    import keras

    run, session, outcome = whole
    loaded = keras.models.load_model(run.checkpoints / "best.keras")
    for ours, best in zip(session.trainer.weights_trained, loaded.trainable_variables, strict=True):
        ours.assign(best)
    figures = session.trainer.validated()
    assert figures["loss"] == pytest.approx(outcome.progress.best_loss, rel=1e-6)


@pytest.fixture(scope="module")
def uninterrupted(make_config, tmp_path_factory):
    """Final state and steps of a run that nobody stopped."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    run, session = begin(make_config, path, overrides=SHORT)
    session.run()
    return final_weights(session), steps_of(run)


@pytest.mark.parametrize("stop_after", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_stopped_and_resumed_run_is_the_uninterrupted_one(start, uninterrupted, stop_after):
    """Final state bit for bit, every window once in the log; 2 is the end of an epoch."""
    stopped, session = start("stopped")
    check = session.between_windows

    def stop_then(*_):
        if session.recorder.window == stop_after:
            stopped.request_stop()
        check()

    session.between_windows = stop_then
    outcome = session.run()
    assert outcome.reason == "stopped"
    assert outcome.progress.window == stop_after
    assert not stopped.stop_requested()

    _, resumed = start("stopped", resume=True)
    assert resumed.run().reason == "finished"
    assert (final_weights(resumed), steps_of(stopped)) == uninterrupted
    assert stopped.identity.session == 1
    assert RunDirectory.open(stopped.path).identity.session == 2


def test_signal_during_validation_stops_with_a_checkpoint(start):
    run, session = start()
    validated = session.trainer.validated

    def interrupted():
        session.signals.received = "SIGINT"
        return validated()

    session.trainer.validated = interrupted
    outcome = session.run()
    assert outcome.reason == "interrupted"
    assert outcome.progress.window == 2
    assert outcome.progress.epochs_done == 0
    _, resumed = start(resume=True)
    assert resumed.run().reason == "finished"
    assert [v.epoch for v in read_run_log(run.events_path).validations] == [0, 1]


def poisoned(config):
    """Simulated scenes whose measurements are not finite."""
    simulator = simulated(config)

    def simulate(*args):
        scenes = simulator(*args)
        y = scenes.measurement.y * tf.constant(np.nan, tf.complex64)
        return scenes._replace(measurement=scenes.measurement._replace(y=y))

    return simulate


def test_windows_that_stay_broken_end_the_run_with_the_reason(start):
    overrides = ("training.epochs=50", "training.batches_per_epoch=15")
    run, session = start(overrides=overrides, batches=poisoned, eager=False)
    before = final_weights(session)
    # The poison is in validation too: its loss is NaN, and the run goes on to the limit.
    outcome = session.run()
    assert outcome.reason == "failed"
    assert "20 windows in a row" in outcome.text
    assert "ris-tf check" in outcome.text
    assert final_weights(session) == before
    log = read_run_log(run.events_path)
    dropped = [notice for notice in log.notices if notice.what == "dropped"]
    assert [notice.values["window"] for notice in dropped] == list(range(20))
    (origin,) = (notice for notice in log.notices if notice.what == "origin")
    assert (origin.values["of"], origin.values["term"]) == ("inputs", "measurement/y")
    assert log.end is not None
    assert log.end.cause == Cause.NOT_FINITE
    assert verdict_on(check_health(log)).check.fault is Fault.INPUTS_NOT_FINITE


def test_early_stopping(start):
    _, session = start(overrides=("training.epochs=9", "training.patience=1"))
    session.progress = session.progress.moved(best_loss=-1.0, best_epoch=0)
    outcome = session.run()
    assert outcome.reason == "early"
    assert outcome.progress.epochs_done == 2


def test_run_that_was_killed_behind_its_last_epoch_waits_no_longer(start):
    """The last checkpoint has what ends a run; its end is not written yet."""
    overrides = ("training.epochs=9", "training.patience=1")
    _, session = start(overrides=overrides)
    session.progress = session.progress.moved(epochs_done=2, best_loss=-1.0, best_epoch=0)
    outcome = session.run()
    assert (outcome.reason, outcome.progress.epochs_done) == ("early", 2)


def test_stop_behind_the_first_window_leaves_what_was_seen_of_it(start):
    run, session = start()
    run.request_stop()
    assert session.run().progress.window == 0, "at once"
    run.request_stop()
    run.clear_stop()
    _, session = start("first")
    between = session.between_windows

    def stop_then(*_):
        session.run_directory.request_stop()
        between()

    session.between_windows = stop_then
    outcome = session.run()
    assert (outcome.reason, outcome.progress.window) == ("stopped", 1)
    assert session.run_directory.log().diagnosed("first window")


def test_crash_is_in_the_log_and_the_console(start):
    run, session = start()

    def broken():
        raise RuntimeError("no more")

    session.trainer.validated = broken
    with pytest.raises(RuntimeError):
        session.run()
    end = read_run_log(run.events_path).end
    assert end is not None
    assert (end.reason, end.text) == ("failed", "RuntimeError: no more")
    assert end.cause == Cause.ERROR
    assert "Traceback" in run.console_path.read_text()


def test_memory_that_ends_names_what_takes_it(start):
    run, session = start()

    def broken():
        raise MemoryError("no more")

    session.trainer.validated = broken
    outcome = session.run()
    assert (outcome.reason, outcome.cause) == ("failed", Cause.OUT_OF_MEMORY)
    assert outcome.text.startswith("out of memory with batches of 8 scenes, 1 a window: ")
    assert "--set training.batch=4 --set training.accumulation=2" in outcome.text
    assert outcome.text.endswith("MemoryError: no more")
    assert "Traceback" in run.console_path.read_text()


def test_judge_is_asked_after_every_epoch_and_again_when_resumed(start):
    asked = []

    def judge(epochs):
        asked.append(epochs)
        if epochs == 2:
            raise Stop("pruned", "enough")

    run, session = start(overrides=("training.epochs=4",))
    session.judge = judge
    outcome = session.run()
    assert (outcome.reason, outcome.text) == ("pruned", "enough")
    assert asked == [0, 1, 2]
    assert summarize(run).state is State.FINISHED
    _, resumed = start(resume=True)
    resumed.judge = judge
    assert resumed.run().reason == "pruned"
    assert asked == [0, 1, 2, 2]
    log = read_run_log(run.events_path)
    assert log.steps.tolist() == list(range(4))
    assert [event.epoch for event in log.validations] == [0, 1]


def test_patience_with_windows_that_are_not_finite_at_unity(start):
    run, session = start(batches=poisoned)
    session.recorder.patience_at_unity = 3
    outcome = session.run()
    assert outcome.reason == "failed"
    assert "3 windows in a row were not finite" in outcome.text
    assert len(read_run_log(run.events_path).steps) == 3


def test_objective_is_the_same_whatever_weights_a_run_trains_with(start):
    figures = []
    changed = (
        "objective.weights.covariance=0.5",
        "objective.weights.angle=0",
    )
    for name, overrides in (("own", ()), ("changed", changed)):
        _, session = start(name, overrides=("training.epochs=1", *overrides))
        with session.trainer.averages.swapped_in():
            figures.append(session.trainer.validated())
    own, other = figures
    assert own["loss"] == pytest.approx(own["standard_loss"])
    assert other["loss"] != pytest.approx(own["loss"], rel=0.01)
    assert other["objective"] == pytest.approx(own["objective"], rel=1e-5)
    degrees = (own["azimuth_rmse_deg"] + own["elevation_rmse_deg"]) / 2
    expected = own["standard_loss"] + 0.01 * degrees + 0.01 * own["range_rmse_m"]
    assert own["objective"] == pytest.approx(expected)
