"""A model that trains in no time, and runs of it that stop: what tests of the engine share."""

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine import GuardedTrainer, warmup_cosine
from ris_tf.runlog import RunDirectory, read_run_log

EXAMPLES, BATCH = 22, 4  # the last batch has two
RNG = np.random.default_rng(0)
X = RNG.normal(size=(EXAMPLES, 3)).astype("f4")
Y = (X @ RNG.normal(size=(3, 2))).astype("f4")


def make_model():
    """Running statistics and a random stream: everything that a dropped window must not corrupt."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(6, activation="tanh", name="body"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.2, seed=3, name="dropout"),
            keras.layers.Dense(2, name="head"),
        ],
        name="small",
    )


def squared_error(model, batch, step):
    x, y = batch
    error = tf.reduce_mean(
        tf.square(tf.cast(model(x, training=step.training), tf.float32) - tf.cast(y, tf.float32))
    )
    return error, {"error": error}


def make_trainer(loss=squared_error, **knobs):
    model = make_model()
    knobs = {"learning_rate": warmup_cosine(1e-2), "accumulation": 2, "jit_compile": False, **knobs}
    return GuardedTrainer(model, loss, groups={"head": (model.layers[-1], 2.0)}, **knobs)


def computed(epoch, batch):
    x = tf.random.stateless_normal([BATCH, 3], [epoch, batch])
    return x, x[:, :2] * 0.5


def batches():
    return [(X[i : i + BATCH], Y[i : i + BATCH]) for i in range(0, EXAMPLES, BATCH)]


class StopAfter(keras.callbacks.Callback):
    """Asks a run to stop, as `ris-tf stop` does."""

    def __init__(self, path, windows):
        super().__init__()
        self.path, self.left = path, windows

    def on_train_batch_begin(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            RunDirectory.open(self.path).request_stop()


def arrays_of(path):
    with np.load(path / "checkpoints" / "last.npz") as file:
        return {name: file[name] for name in file.files if name != "progress"}


def state_of(path):
    return [array.tobytes() for array in arrays_of(path).values()]


def steps_of(path):
    log = read_run_log(path / "events.jsonl")
    figures = [(v.epoch, v.values) for v in log.validations]
    return log.steps.tolist(), [log.column(name).tolist() for name in log.names], figures
