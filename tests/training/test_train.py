"""`ris_tf.train`: the command's work, for scripts and notebooks."""

import pytest

import ris_tf

QUICK = ("training.compile=false", "training.epochs=1", "training.batches_per_epoch=2")


@pytest.fixture(scope="module")
def config(make_config):
    return make_config(*QUICK, "training.validation_batches=1")


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory):
    """A finished run, and how `train` said that it ended."""
    path = tmp_path_factory.mktemp("train") / "first"
    return path, ris_tf.train(config, path, verbose=False)


def test_a_configuration_is_trained_and_recorded(finished, config):
    path, outcome = finished
    run = ris_tf.RunDirectory.open(path)
    assert outcome.reason == "finished"
    assert outcome.progress.epochs_done == 1
    assert outcome.validation == pytest.approx(run.log().validations[-1].values, nan_ok=True)
    assert ris_tf.load_config(run.config_path).scene == config.scene
    assert ris_tf.load_network(path)


def test_a_finished_run_is_not_trained_again(finished, config):
    path, outcome = finished
    before = (path / "events.jsonl").read_bytes()
    again = ris_tf.train(config, path, resume=True, verbose=False)
    assert (again.reason, again.text) == (outcome.reason, outcome.text)
    assert again.progress.window == outcome.progress.window == 2
    assert again.progress.best_epoch == outcome.progress.best_epoch
    assert again.progress.best_loss == outcome.progress.best_loss
    assert again.validation == pytest.approx(outcome.validation, nan_ok=True)
    assert (path / "events.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "exists"),
        ({"resume": True, "start": "elsewhere"}, "the run began at drawn weights"),
    ],
)
def test_a_run_that_there_is_stays_as_it_is(finished, config, arguments, problem):
    path, _ = finished
    with pytest.raises(ris_tf.UserError, match=problem):
        ris_tf.train(config, path, **arguments)


def test_a_run_goes_on_under_its_own_configuration_alone(finished, config):
    path, _ = finished
    other = ris_tf.override_config(config, ["seed=7"])
    with pytest.raises(ris_tf.ConfigError, match=r"seed = 7: differs from the run's, 42"):
        ris_tf.train(other, path, resume=True)


def test_what_is_refused_makes_no_folder(config, tmp_path):
    with pytest.raises(ris_tf.UserError, match="allow-mismatch"):
        ris_tf.train(config, tmp_path / "new", allow_mismatch=True)
    assert not list(tmp_path.iterdir())
