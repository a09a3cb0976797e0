"""What the engine refuses, in one line that names it: knobs, groups, losses, data."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import X, Y, batches, computed, make_model, make_trainer, squared_error

from ris_tf.engine import GuardedTrainer
from ris_tf.engine.replicas import Replicas
from ris_tf.errors import UserError

WRONG = {
    "accumulation = 0: must be at least 1": {"accumulation": 0},
    "clip_norm = -1: must be at least 0": {"clip_norm": -1},
    "ema = 1: must be within": {"ema": 1},
    "swa = 2: must be a share": {"swa": 2},
    "loss_scale = 'on': must be one of": {"loss_scale": "on"},
    "precision = 'half': must be one of": {"precision": "half"},
    "metrics = .*: must be a function": {"metrics": ["mae"]},
    "validate = .*: must be a function": {"validate": ["mae"]},
    "summary = None: must be a function": {"summary": None},
    "weight_decay = -1: must be a number of": {"weight_decay": -1},
    "swa_rate = nan: must be a number of": {"swa_rate": np.nan},
    "seed = -1: must be within": {"seed": -1},
    "learning_rate = inf: must be a rate": {"learning_rate": np.inf},
    "learning_rate = -1: must be a rate": {"learning_rate": -1},
    "learning_rate = 'adam': must be a rate": {"learning_rate": "adam"},
}


@pytest.mark.parametrize("line", WRONG)
def test_knob_that_cannot_be_is_refused(line):
    with pytest.raises(UserError, match=line) as refused:
        make_trainer(**WRONG[line])
    assert refused.value.key in WRONG[line]


def test_more_replicas_than_processors_are_refused(monkeypatch):
    """They would wait for one another; how many there may be is in the remedy."""
    monkeypatch.setattr("ris_tf.engine.replicas.available_threads", lambda: 2)
    with pytest.raises(UserError, match="this machine has 2 processors") as refused:
        Replicas("mirrored", 64)
    assert (refused.value.key, refused.value.value) == ("training.replicas", 64)
    assert refused.value.remedy == "at most 2"


def test_model_without_weights_is_refused():
    with pytest.raises(UserError, match="model: has no weights yet; call it once"):
        GuardedTrainer(keras.Sequential([keras.layers.Dense(1)]), squared_error)


@pytest.mark.parametrize(
    ("groups", "line"),
    [
        (lambda m: {"head": []}, "groups.head: has no trainable variable"),
        (lambda m: {"a": m.layers[0], "b": m.layers[0]}, "is in group 'a' already"),
        (lambda m: {"head": (m.layers[0], -1)}, "multiplier -1: must be at least 0"),
        (lambda m: {"total": m.layers[0]}, "groups.total: a name must not be"),
        (lambda m: {"head": "dense"}, "must be layers or variables"),
        (lambda m: {"head": keras.Variable(0.0)}, "is no trainable variable of the model"),
    ],
)
def test_groups_that_are_none_are_refused(groups, line):
    model = make_model()
    with pytest.raises(UserError, match=line):
        GuardedTrainer(model, squared_error, groups=groups(model))


def half(model, batch, step):
    return tf.cast(squared_error(model, batch, step)[0], tf.float16)


def vector(model, batch, step):
    return tf.reduce_mean(tf.square(model(batch[0]) - batch[1]), axis=-1)


def words(model, batch, step):
    return squared_error(model, batch, step)[0], {"error": "small"}


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (half, "loss: is float16; cast"),
        (vector, "loss: its value has shape"),
        (words, "loss: error"),
    ],
)
def test_loss_that_is_none_is_refused(loss, line):
    with pytest.raises(UserError, match=line):
        make_trainer(loss).fit(X, Y, verbose=False)


@pytest.mark.parametrize(
    ("data", "how", "line"),
    [
        (3, {}, "data: is of type int"),
        (computed, {}, "has no end; give steps_per_epoch"),
        (lambda: iter(batches()), {}, "give steps_per_epoch"),
        (iter(batches()), {"steps_per_epoch": 9}, "ended after 6 batches and cannot be read again"),
        ([], {}, "data: has no batch"),
        (np.array(3.0), {}, "a number among the arrays"),
        ({"x": X, "weight": np.array(1.0)}, {}, "a number among the arrays"),
        ({"x": X, "weight": 1.0}, {"steps_per_epoch": 2}, "its 'weight' is of type float"),
        ((X, Y[:5]), {}, r"arrays of \[5, 22\] examples"),
        ([(X[:4], Y[:4]), (X[:4],)], {}, "of another structure than the first"),
        ([(X[:4], Y[:4]), (X[:4], Y[:4, :1])], {}, "has an array of shape"),
        ((X, Y), {"validation": iter(batches())}, "validation: an iterator can be read only once"),
        ((X, Y), {"batch_size": 0}, "batch_size = 0"),
        ((X, Y), {"epochs": 0}, "epochs = 0"),
        ((X, Y), {"steps_per_epoch": 0}, "steps_per_epoch = 0"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(data, how, line):
    """In one line, also where it is found by the thread that reads ahead."""
    with pytest.raises(UserError, match=line):
        make_trainer().fit(data, **{"verbose": False, "epochs": 2, **how})
