"""Windows that are not finite move nothing: no weight, moment, average, rate or count."""

import random

import numpy as np
import pytest
import tensorflow as tf
from harness import CONFIG, FULL

from ris_tf.config import load_config
from ris_tf.training.batches import simulated
from ris_tf.training.task import make_trainer

WINDOWS = 1000 if FULL else 100
WHERE = ("y", "channel", "loss", "gradient")


class Poison:
    """Puts a value where it is told to; the step is traced once for all places."""

    def __init__(self):
        self.where = tf.Variable(-1)  # index in WHERE
        self.value = tf.Variable(np.nan)
        self.scene = tf.Variable(0)
        self.of = tf.Variable(0)  # which gradient

    def _here(self, where):
        return tf.equal(self.where, WHERE.index(where))

    def _spoilt(self, x, where):
        """`x` with the value in one of its scenes."""
        scene = tf.one_hot(self.scene, x.shape[0]) > 0
        spoil = tf.reshape(scene & self._here(where), [-1] + [1] * (len(x.shape) - 1))
        return tf.where(spoil, tf.cast(self.value, x.dtype), x)

    def in_scenes(self, simulator):
        """As simulated, but for one value."""

        def batch_of(*place):
            scenes = simulator(*place)
            m = scenes.measurement
            spoilt = m._replace(
                y=self._spoilt(m.y, "y"),
                channel=self._spoilt(m.channel, "channel"),
            )
            return scenes._replace(measurement=spoilt)

        return batch_of

    def in_totals(self, trainer):
        """As computed, but for the loss or one element of one gradient."""
        computed, packing = trainer._gradients, trainer.packing

        def spoilt(*args):
            totals = computed(*args)
            gradients = packing.unpacked(totals.gradients)
            for i, gradient in enumerate(gradients):
                first = tf.reshape(tf.one_hot(0, tf.size(gradient)), gradient.shape) > 0
                hit = first & self._here("gradient") & tf.equal(self.of, i)
                gradients[i] = tf.where(hit, self.value, gradient)
            return totals._replace(
                loss=tf.where(self._here("loss"), self.value, totals.loss),
                gradients=packing.packed(gradients),
            )

        return spoilt


def stepper(*overrides):
    config, poison = load_config(CONFIG, overrides), Poison()
    trainer = make_trainer(config, batch_of=poison.in_scenes(simulated(config)))
    trainer._gradients = poison.in_totals(trainer)
    return trainer, poison, tf.function(trainer.train_step, autograph=False)


def bits(trainer):
    return {name: np.array(variable.value).tobytes() for name, variable in trainer.state().items()}


def applied(trainer, logs):
    return bool(logs["values"].numpy()[trainer.series.index("ok")])


def test_poisoned_windows_move_nothing(fault):
    fault("NaN or Inf in a window", "'window 7 dropped: ... is not finite at scale 1'", WINDOWS)
    trainer, poison, step = stepper("training.loss_scale=none")
    assert applied(trainer, step(tf.constant(0, tf.int64)))
    before, draw = bits(trainer), random.Random(0)
    for window in range(1, WINDOWS + 1):
        poison.where.assign(draw.randrange(len(WHERE)))
        poison.value.assign(draw.choice([np.nan, np.inf, -np.inf]))
        poison.scene.assign(draw.randrange(trainer.plan.batch))
        poison.of.assign(draw.randrange(len(trainer.weights_trained)))
        assert not applied(trainer, step(tf.constant(window % 9, tf.int64)))
        assert bits(trainer) == before, WHERE[int(poison.where)]
    poison.where.assign(-1)
    assert applied(trainer, step(tf.constant(1, tf.int64)))
    assert bits(trainer) != before


def test_overflow_of_half_precision_moves_only_the_scale(fault):
    fault("overflow in mixed_float16", "'... at scale 1e+38'; the scale halves", 20)
    trainer, _, step = stepper("training.precision=mixed_float16")
    trainer.scale.value.assign(1e38)
    before = bits(trainer)
    for window in range(20):
        assert not applied(trainer, step(tf.constant(window % 9, tf.int64)))
        now = bits(trainer)
        assert {name for name in now if now[name] != before[name]} <= {"loss_scale"}
    assert float(trainer.scale.value.numpy()) == pytest.approx(1e38 * 0.5**20)
