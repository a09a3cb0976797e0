"""Data of every kind: a run that stops and goes on has the batches that it would have had."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import (
    BATCH,
    EXAMPLES,
    StopAfter,
    X,
    Y,
    batches,
    computed,
    make_trainer,
    squared_error,
    state_of,
    steps_of,
)

from ris_tf.engine import GuardedTrainer


class Sequence(keras.utils.PyDataset):
    """Batches in an order that `on_epoch_end` changes, by its own seed."""

    def __init__(self):
        super().__init__()
        self.rng, self.order = np.random.default_rng(5), np.arange(EXAMPLES)

    def __len__(self):
        return math.ceil(EXAMPLES / BATCH)

    def __getitem__(self, i):
        rows = self.order[i * BATCH : (i + 1) * BATCH]
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.order = self.rng.permutation(EXAMPLES)


def shuffled_dataset():
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(EXAMPLES, seed=7).batch(BATCH)


MORE = ("endless dataset", "list of batches")  # of kinds that there are beside them
DATA = {  # made anew for every run, and how to take it
    "arrays": (lambda: (X, Y), {"batch_size": BATCH}),
    "dataset": (shuffled_dataset, {}),
    "endless dataset": (lambda: shuffled_dataset().repeat(), {"steps_per_epoch": 5}),
    "pydataset": (Sequence, {}),
    "list of batches": (batches, {}),
    "generator function": (lambda: lambda: iter(batches()), {"steps_per_epoch": 6}),
    "function of numbers": (lambda: computed, {"steps_per_epoch": 5}),
}


def test_batches_that_validate_may_begin_with_a_scalar():
    def loss(model, batch, step):
        error = tf.reduce_mean(tf.square(model(batch["x"]) - batch["y"]))
        return tf.cast(batch["a_scale"], tf.float32) * error

    def scaled(epoch, batch):
        x, y = computed(epoch, batch)
        return {"a_scale": tf.constant(2.0), "x": x, "y": y}

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    trainer = GuardedTrainer(model, loss, jit_compile=False)
    common = {"steps_per_epoch": 2, "validation_steps": 2, "verbose": False}
    assert np.isfinite(trainer.fit(scaled, validation=scaled, **common).validation["loss"])


def line():
    """A trainer of a model without state of its own: the data are what matters."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="slope")], name="line")
    return GuardedTrainer(model, squared_error, accumulation=2, ema=None, jit_compile=False)


def stopped_and_resumed(folder, data, how, validation, trainer):
    """Run `whole`, and run `stopped` that stops in its second epoch and goes on, to their ends."""
    common = {"epochs": 3, "verbose": False, **how}  # of 3 windows each
    for name, stop in (("whole", []), ("stopped", [StopAfter(folder / "stopped", 5)])):
        keras.utils.set_random_seed(1)  # of data sets that shuffle, beside their own
        common |= {"run": folder / name, "validation": validation()}
        outcome = trainer().fit(data(), callbacks=stop, **common)
        if stop:
            assert (outcome.reason, outcome.progress.window) == ("stopped", 5)
            common |= {"validation": validation()}
            outcome = trainer().fit(data(), resume=True, **common)
        assert outcome.reason == "finished"
    assert state_of(folder / "stopped") == state_of(folder / "whole")
    assert steps_of(folder / "stopped") == steps_of(folder / "whole")


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.thorough if kind in MORE else ()) for kind in DATA],
)
def test_stopped_and_resumed_run_has_the_batches_of_the_uninterrupted_one(kind, tmp_path):
    """Weights, moments and log, bit for bit."""
    data, how = DATA[kind]
    checked = (lambda: (X, Y)) if kind == "arrays" else shuffled_dataset
    stopped_and_resumed(tmp_path, data, how, checked, line)


def test_stopped_and_resumed_run_has_all_state_of_the_uninterrupted_one(tmp_path):
    """Averages, running statistics and the random stream, too, bit for bit."""
    data, how = DATA["dataset"]
    stopped_and_resumed(tmp_path, data, how, shuffled_dataset, lambda: make_trainer(swa=0.5))
