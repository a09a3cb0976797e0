"""`ris-tf why` of anybody's model: the run computes its first window that is not finite itself."""

import numpy as np
import pytest
import tensorflow as tf
from own_plants import X, Y, loss, model_of
from typer.testing import CliRunner

from ris_tf.cli.main import app
from ris_tf.engine import GuardedTrainer
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory

SPOILT = X.copy()
SPOILT[5, 2] = np.nan
LIMIT = np.sort(X[:128].max(axis=1))[-2:].mean()  # that one of the first 128 is above


def batches(x):
    """Batches of 16 that can be read but once, and have no number."""
    return ((x[i : i + 16], Y[i : i + 16]) for i in range(0, len(x), 16))


def log_of_negative(model, batch, step):
    """Not finite where an input is above the limit: in one example."""
    value, terms = loss(model, batch, step)
    term = tf.reduce_mean(tf.math.log(LIMIT - tf.reduce_max(batch[0], axis=1)))
    return value + 0 * term, {**terms, "logarithm": term}


def trained(path, data=None, loss=loss, **knobs):
    trainer = GuardedTrainer(model_of(), loss, jit_compile=False, learning_rate=1e-3, **knobs)
    data = batches(SPOILT) if data is None else data
    trainer.fit(data, steps_per_epoch=8, run=path, verbose=False)
    return RunDirectory.open(path)


def why(path, *options):
    result = CliRunner().invoke(app, ["why", str(path), *options])
    return result, {line[:12].strip(): line[12:] for line in result.output.splitlines()}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "spoilt"
    trained(path)
    return path


def test_batch_of_an_iterator_is_replayed_while_it_is_at_hand_and_kept(spoilt):
    result, lines = why(spoilt)
    assert result.exit_code == 1
    assert lines["window"] == "0, computed again while the run trained"
    assert "the inputs array 0, example 5 of batch 0" in lines["begins with"]
    with np.load(spoilt / "why" / "window_0000000.npz") as kept:
        assert np.isnan(kept["0"][5, 2])


def test_another_window_of_it_is_its_own_programs(spoilt):
    result, _ = why(spoilt, "--window", "3")
    assert isinstance(result.exception, UserError)
    assert "its own program" in str(result.exception)


def test_operation_and_line_of_somebodys_loss_are_named(tmp_path):
    trained(tmp_path / "run", data=batches(X), loss=log_of_negative)
    result, lines = why(tmp_path / "run")
    assert result.exit_code == 1
    assert "the term logarithm" in lines["begins with"]
    assert lines["operation"] == "Log, forward"
    assert "in log_of_negative: term = tf.reduce_mean" in lines["at"]


def test_run_without_a_dropped_window_has_nothing_to_say(tmp_path):
    trained(tmp_path / "run", data=batches(X))
    result, _ = why(tmp_path / "run")
    assert isinstance(result.exception, UserError)
    assert "no window was dropped" in str(result.exception)


def test_loss_that_only_graphs_compute_says_so(tmp_path):
    def in_graphs(model, batch, step):
        if tf.executing_eagerly():
            raise ValueError("needs a graph")
        return log_of_negative(model, batch, step)

    trained(tmp_path / "run", data=batches(X), loss=in_graphs)
    result, lines = why(tmp_path / "run")
    assert result.exit_code == 1
    assert "cannot be computed uncompiled: needs a graph" in lines["not known"]
