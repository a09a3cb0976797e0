"""What a trial came to is told by its run's log; damaged trial.json files are written again."""

import time

import pytest

from ris_tf.config import dump_config
from ris_tf.runlog import Cause, CheckpointEvent, End, EventWriter, RunDirectory, Validation
from ris_tf.search import (
    Choices,
    Range,
    Search,
    SearchDirectory,
    Trial,
    TrialState,
)
from ris_tf.search.running.budget import trial_config
from ris_tf.search.running.outcome import repair, with_outcome

SPACE = {
    "training.learning_rate": Range(1e-4, 1e-2, log=True),
    "network.width": Choices((16, 24)),
    "network.filters": Choices((4, 8)),
}
CHOSEN = {"training.learning_rate": 0.002, "network.width": 24, "network.filters": 8}


@pytest.fixture
def search(tmp_path, make_config):
    plan = Search(algorithm="random", trials=4, epochs=3, space=SPACE)
    return SearchDirectory.create(tmp_path / "search", plan, [], make_config())


@pytest.fixture
def make_run(search):
    """Makes a trial's run that validated so and ended so."""

    def make(number, objectives, reason=None, text="", cause=""):
        config = trial_config(search.config(), CHOSEN, 3, None)
        run = RunDirectory.create(
            search.trial_path(number), dump_config(config), ["test"], into=True
        )
        events = EventWriter(run.events_path, 0)
        for epoch, objective in enumerate(objectives):
            values = {"loss": 2 * objective, "objective": objective}
            events.write(Validation(epoch, 4 * epoch, time.time(), weights="raw", values=values))
        if reason:
            events.end(End(time.time(), 4 * len(objectives), reason, text, cause))
        return run

    return make


@pytest.mark.parametrize(
    ("reason", "text", "cause", "state", "told_cause"),
    [
        ("finished", "3 epochs", "", TrialState.FINISHED, None),
        ("early", "no better validation loss", "", TrialState.FINISHED, Cause.PATIENCE),
        ("pruned", "stopped being good", "median", TrialState.PRUNED, Cause.MEDIAN),
        ("pruned", "its rate is too high", "unhealthy", TrialState.PRUNED, Cause.UNHEALTHY),
        ("stopped", "angehalten", "", TrialState.WAITING, Cause.ON_REQUEST),
        ("interrupted", "stopped", "signal", TrialState.WAITING, Cause.SIGNAL),
        ("failed", "out of memory: no", "not finite", TrialState.FAILED, Cause.NOT_FINITE),
        ("failed", "not finite", "", TrialState.FAILED, Cause.ERROR),
        ("failed", "x", "of a later version", TrialState.FAILED, Cause.ERROR),
        ("of a later version", "x", "", TrialState.FAILED, Cause.ERROR),
        (None, "", "", TrialState.RUNNING, None),
    ],
)
def test_end_event_decides(make_run, reason, text, cause, state, told_cause):
    told = with_outcome(Trial(1), make_run(1, [2.0, 1.0, 1.5], reason, text, cause))
    assert (told.state, told.epochs, told.objective) == (state, 3, 1.0)
    assert told.objectives == (2.0, 1.0, 1.5)
    assert (told.reason, told.cause) == (text, told_cause)
    assert bool(told.ended) == bool(reason)


def test_copy_of_a_run_goes_on_from_its_checkpoint(search, make_run):
    run = make_run(1, [2.0, 1.0])
    events = EventWriter(run.events_path, run.events_path.stat().st_size)
    events.write(CheckpointEvent(8, 2, 1.0, path="checkpoints/last.npz", best=True))
    events.end(End(1.0, 8, "pruned", "2 of 3 epochs"))
    (run.checkpoints / "last.npz").write_bytes(b"weights")
    assert with_outcome(Trial(1), run).state == TrialState.PRUNED
    copied = RunDirectory.create(
        search.trial_path(2), run.config_path.read_text(), ["test"], source=run, into=True
    )
    told = with_outcome(Trial(2), copied)
    assert (told.state, told.objectives) == (TrialState.RUNNING, (2.0, 1.0))
    assert (copied.checkpoints / "last.npz").read_bytes() == b"weights"
    assert copied.identity.name == "trial_0002"
    assert copied.holder_alive() is False
    copied.begin_session(["test"])


def test_trial_without_a_finite_objective_failed(make_run):
    told = with_outcome(Trial(1), make_run(1, [float("nan")], "finished", "1 epoch"))
    assert told.state == TrialState.FAILED
    assert told.cause == Cause.NOT_FINITE


def test_damaged_trial_is_written_again(search, make_run):
    make_run(1, [2.0, 1.0], "finished", "2 epochs")
    (search.trial_path(1) / "trial.json").write_text('{"number": 1, "st')
    assert len(repair(search, search.config())) == 1
    (trial,) = search.trials()
    assert not trial.damaged
    assert trial.hyperparameters == CHOSEN
    assert trial.drawn == {**CHOSEN, "network.width": 1, "network.filters": 1}
    assert (trial.state, trial.objective, trial.epochs) == (TrialState.FINISHED, 1.0, 2)
    assert repair(search, search.config()) == []


def test_trial_of_which_only_ruins_are_left_failed(search, make_run):
    run = make_run(1, [2.0], "finished", "")
    run.config_path.write_text("{")
    (search.trial_path(1) / "trial.json").write_bytes(b"\xff\x00")
    assert len(repair(search, search.config())) == 1
    assert search.trials()[0].state == TrialState.FAILED
    assert search.trials()[0].cause == Cause.DAMAGED


def test_trials_train_on_as_many_scenes_and_validate_on_the_same(make_config):
    config = make_config("search.scenes=1000", "search.validation_scenes=100")
    for batch in (8, 10, 64, 2000):
        training = trial_config(config, {"training.batch": batch}, 3, 2).training
        assert training.batches_per_epoch == max(round(1000 / batch), 1)
        assert (training.validation_batch, training.validation_batches) == (8, 13)
        assert (training.epochs, training.patience) == (3, 2)
        assert not training.ema
        assert not training.swa
        assert training.samples == 0
