"""Faults planted into runs of a small model of somebody else's, through `GuardedTrainer.fit`."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine import GuardedTrainer, warmup_cosine
from ris_tf.engine.optimizer import GroupedAdamW
from ris_tf.runlog import RunDirectory

TRAINED = 256  # examples; the rest validate
RNG = np.random.default_rng(0)
X = RNG.normal(size=(384, 6)).astype("f4")
Y = np.tanh(X @ RNG.normal(size=(6, 2))).astype("f4")
SHUFFLED = Y[RNG.permutation(len(Y))]
NOISY = Y + RNG.normal(0, 0.5, size=Y.shape).astype("f4")
SPOILT = X.copy()
SPOILT[41, 2] = np.nan


def model_of(activation="relu", frozen=(), dropout=0.0):
    """Two hidden layers and a head."""
    keras.utils.set_random_seed(3)
    drop = [keras.layers.Dropout(dropout, seed=1, name="drop")] if dropout else []
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation=activation, name="first"),
            keras.layers.Dense(16, activation=activation, name="second"),
            *drop,
            keras.layers.Dense(2, name="head"),
        ]
    )
    for name in frozen:
        model.get_layer(name).trainable = False
    return model


def trained_before():
    """A model that is as good as it gets on noisy labels."""
    model = model_of()
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    model.fit(X[:TRAINED], NOISY[:TRAINED], epochs=100, batch_size=64, verbose=0)
    return model


def loss(model, batch, step):
    """Mean square error, and a little of the output's size."""
    x, y = batch
    output = tf.cast(model(x, training=step.training), tf.float32)
    error = tf.reduce_mean(tf.square(output - y))
    size = tf.reduce_mean(tf.abs(output))
    return error + 0.01 * size, {"error": error, "size": size}


def wrong_sign(model, batch, step):
    """The error is to be as large as it can be."""
    value, terms = loss(model, batch, step)
    return -value, {**terms, "error": -terms["error"]}


def ends_half_way(applied):
    """A schedule for half of the run."""
    return tf.where(applied < 48, 3e-3, 0.0)


def never_steps():
    return mock.patch.object(GroupedAdamW, "stepped", lambda self, w, m, g, rate: (w, m))


@dataclass(frozen=True)
class OwnPlant:
    """What ruins a run of somebody's model, what it must be called, and what mends it.

    Attributes:
        faults: any of which is right; none for a run that is healthy.
        model: makes the model.
        loss: of it.
        data: inputs and labels, or batches of them.
        harm: patches the code.
        knobs: of the trainer.
        epochs: of 16 windows each.
        mended: what is different where the advice was followed.
    """

    faults: tuple[str, ...]
    model: Callable[[], keras.Model] = model_of
    loss: Callable = loss
    data: tuple = (X, Y)
    harm: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    knobs: dict[str, Any] = field(default_factory=dict)
    epochs: int = 6
    mended: dict[str, Any] = field(default_factory=dict)


def run_own(plant: OwnPlant, path: Path) -> RunDirectory:
    """A run of 96 windows, validated with what it is not trained on."""
    x, y = plant.data
    model = plant.model()
    knobs = {"learning_rate": warmup_cosine(3e-3), "jit_compile": False, **plant.knobs}
    with plant.harm():
        trainer = GuardedTrainer(model, plant.loss, groups={"head": model.layers[-1]}, **knobs)
        trainer.fit(
            x[:TRAINED], y[:TRAINED], validation=(x[TRAINED:], y[TRAINED:]), epochs=plant.epochs,
            batch_size=16, run=path, verbose=False,
        )  # fmt: skip
    return RunDirectory.open(path)


OWN: dict[str, OwnPlant] = {
    "own: wrong sign": OwnPlant(
        ("loss-runs-away",), loss=wrong_sign, mended={"loss": loss}
    ),
    "own: labels shuffled": OwnPlant(
        ("labels",), data=(X, SHUFFLED), epochs=8, mended={"data": (X, Y)}
    ),
    "own: not normalised": OwnPlant(
        ("inputs-not-normalised",), data=(1e3 * X, Y), mended={"data": (X, Y)}
    ),
    "own: dropout 0.99": OwnPlant(
        ("dropout",), model=lambda: model_of(dropout=0.99),
        mended={"model": lambda: model_of(dropout=0.1)},
    ),
    "own: frozen backbone": OwnPlant(
        ("frozen-layers",), model=lambda: model_of(frozen=("first", "second")),
        mended={"model": model_of},
    ),
    "own: NaN in one example": OwnPlant(
        ("inputs-not-finite",), data=(SPOILT, Y),
        mended={"data": (np.nan_to_num(SPOILT), Y)},
    ),
    "own: rate ends half way": OwnPlant(
        ("weights-never-move",), knobs={"learning_rate": ends_half_way},
        mended={"knobs": {}},
    ),
    "own: weight decay 10": OwnPlant(
        ("weight-decay",), knobs={"weight_decay": 10.0}, mended={"knobs": {}}
    ),
    "own: float16 overflows": OwnPlant(
        ("half-precision", "inputs-not-normalised"), data=(1e5 * X, Y),
        knobs={"precision": "mixed_float16"}, mended={"data": (X, Y)},
    ),
    "own: same example": OwnPlant(
        ("examples-repeat",), data=(np.repeat(X[:1], 384, axis=0), np.repeat(Y[:1], 384, axis=0)),
        mended={"data": (X, Y)},
    ),
    "own: shuffled, and decay 10": OwnPlant(
        ("weight-decay",), epochs=8, data=(X, SHUFFLED), knobs={"weight_decay": 10.0},
        mended={"data": (X, Y), "knobs": {}},
    ),
    "own: as good as it gets": OwnPlant(
        ("plateau",),
        model=trained_before,
        data=(X, NOISY),
        knobs={"learning_rate": 1e-3},
        epochs=8,
    ),
    "own: never steps": OwnPlant(("weights-never-move",), harm=never_steps),
    "own: rate 3": OwnPlant(("rate-too-high",), knobs={"learning_rate": 3.0}),
    "own: rate 1e-8": OwnPlant(("rate-too-low",), knobs={"learning_rate": 1e-8}),
}  # fmt: skip

OWN_HEALTHY: dict[str, OwnPlant] = {
    "own": OwnPlant(()),
    "own, tanh": OwnPlant((), model=lambda: model_of("tanh")),
    "own, dropout 0.5": OwnPlant((), model=lambda: model_of(dropout=0.5)),
    "own, float16": OwnPlant((), knobs={"precision": "mixed_float16"}),
    "own, inputs of tens": OwnPlant((), data=(20 * X, Y)),
    "own, decay 0.1": OwnPlant((), knobs={"weight_decay": 0.1}),
    "own, no averages": OwnPlant((), knobs={"ema": None}),
}
