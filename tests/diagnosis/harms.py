"""What ruins a training: patches of the step, the terms, the labels and the data."""

import contextlib
import errno
import math
from dataclasses import replace
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from plants import SMALL

from ris_tf.config import load_config
from ris_tf.covariance import Covariance
from ris_tf.engine import scaling
from ris_tf.engine.averages import Averages
from ris_tf.objective.terms import TERMS
from ris_tf.scene import Split
from ris_tf.training.batches import simulated

DEGREE = math.pi / 180


def patched(target, name, make):
    """`target.name` replaced by `make(old)`."""
    return lambda: mock.patch.object(target, name, make(getattr(target, name)))


def in_term(name, spoil):
    """The term's value, `[B]`, spoilt."""
    return lambda: mock.patch.dict(TERMS._things, {name: _spoilt(TERMS[name], spoil)})


def _spoilt(term, spoil):
    return replace(term, compute=lambda *of: spoil(term.compute(*of)))


def nan_backward(x):
    """The same value; its derivative is that of a root at 0."""
    return x + tf.sqrt(tf.nn.relu(-tf.abs(x)))


def schedule_on_dropped(old):
    def dropped(self, before):
        after = old(self, before)
        return after._replace(position=after.position + 1)

    return dropped


def nan_scenes(scenes):
    """The third measurement of a batch is not a number."""
    y = scenes.measurement.y
    bad = tf.range(tf.shape(y)[0])[:, None, None] == 2
    return scenes._replace(
        measurement=scenes.measurement._replace(
            y=tf.where(bad, tf.constant(np.nan, tf.complex64), y)
        )
    )


def both(*harms):
    """Several harms at once."""

    @contextlib.contextmanager
    def all_of_them():
        with contextlib.ExitStack() as stack:
            for harm in harms:
                stack.enter_context(harm())
            yield

    return all_of_them


def layer_left_out(part):
    """The optimizer leaves out the variables whose path has this part."""

    def once(session):
        trainer = session.trainer
        plain = trainer._applied

        def applied(before, gradients, clip):
            after = plain(before, gradients, clip)
            old, new = (trainer.packing.unpacked(x.weights) for x in (before, after))
            weights = [
                a if part in v.path else b
                for a, b, v in zip(old, new, trainer.weights_trained, strict=True)
            ]
            return after._replace(weights=trainer.packing.packed(weights))

        trainer._applied = applied

    return once


def gradients_times(part, times):
    """The gradients of the variables whose path has this part are too large."""

    def make(old):
        def gradients(self, batch, step, scale):
            totals = old(self, batch, step, scale)
            each = self.packing.unpacked(totals.gradients)
            larger = [
                times * g if part in v.path else g
                for g, v in zip(each, self.weights_trained, strict=True)
            ]
            return totals._replace(gradients=self.packing.packed(larger))

        return gradients

    return make


def at_rate(times):
    """The rate is multiplied behind the schedule's back, and logged as it is."""

    def make(old):
        def rate(self, applied):
            return times * old(self, applied)

        return rate

    return make


def stepped_at(times):
    def make(old):
        def stepped(self, weights, moments, gradients, rate):
            return old(self, weights, moments, gradients, rate * times)

        return stepped

    return make


def never_stepping(old):
    def stepped(self, weights, moments, gradients, rate):
        return weights, moments

    return stepped


def unscaled_twice(old):
    def unscaled(self, gradients):
        return [part / self.value.value for part in old(self, gradients)]

    return unscaled


@contextlib.contextmanager
def averages_left():
    @contextlib.contextmanager
    def swapped_in(self):
        if not self.ema:
            yield "raw"
            return
        averaged = self.packing.unpacked([part.value for part in self.ema])
        for weight, average in zip(self.weights, averaged, strict=True):
            weight.assign(average)
        yield "ema"

    with mock.patch.object(Averages, "swapped_in", swapped_in):
        yield


def one_sided(old):
    """The truth is loaded more than the prediction."""

    def effective(covariance, snr_db, knobs):
        return old(covariance, snr_db, knobs.model_copy(update={"loading": 0.1}))

    return effective


def scaled_label(old):
    def true_covariance(steering, power):
        return Covariance(1.2 * old(steering, power).factor, old(steering, power).loading)

    return true_covariance


def effective_unscaled(old):
    """The label is scaled, and nothing rescales it."""

    def effective(covariance, snr_db, knobs):
        factor, loading = old(covariance, snr_db, knobs)
        return Covariance(1.2 * factor, loading)

    return effective


def label_angles(convert):
    def scenes(scenes):
        s = scenes.sources
        return scenes._replace(
            sources=s._replace(azimuth=convert(s.azimuth), elevation=convert(s.elevation))
        )

    return scenes


def swapped_angles(scenes):
    s = scenes.sources
    return scenes._replace(sources=s._replace(azimuth=s.elevation, elevation=s.azimuth))


def shifted_rows(scenes):
    return scenes._replace(
        sources=type(scenes.sources)(*(tf.roll(x, 1, axis=0) for x in scenes.sources)),
        steering=tf.roll(scenes.steering, 1, axis=0),
    )


def scaled_layer(part, times):
    """Weights of a layer blown up at the start."""

    def once(session):
        for variable in session.trainer.model.trainable_variables:
            if part in variable.path and variable.path.endswith("kernel"):
                variable.assign(variable.value * times)
        session.trainer.averages.begin_anew()

    return once


def cut_gradients(part):
    """No gradient reaches the variables whose path has this part."""

    def make(old):
        def gradients(self, batch, step, scale):
            totals = old(self, batch, step, scale)
            each = self.packing.unpacked(totals.gradients)
            cut = [
                tf.zeros_like(g) if part in v.path else g
                for g, v in zip(each, self.weights_trained, strict=True)
            ]
            return totals._replace(gradients=self.packing.packed(cut))

        return gradients

    return make


def collapsed(old):
    def most_likely(self):
        return tf.ones_like(old(self))

    return most_likely


def stepped_by_epoch(session):
    """The schedule's position stands still within an epoch."""
    trainer = session.trainer
    trainer._applied_plain = trainer._applied

    def applied(before, gradients, clip):
        after = trainer._applied_plain(before, gradients, clip)
        last = (before.iterations + 1) % trainer.plan.windows_per_epoch == 0
        position = before.position + tf.cast(last, tf.int64)
        return after._replace(position=position, rate=trainer._rate(position))

    trainer._applied = applied


def only_in(split, change):
    """Scenes of one split alone are changed."""

    def make(batch_of):
        return lambda of, *at: change(batch_of(of, *at)) if of == split else batch_of(of, *at)

    return make


def few_scenes(batches):
    """Training repeats its first batches for ever."""

    def make(batch_of):
        def repeated(split, epoch, number):
            if split == Split.TRAINING:
                epoch, number = tf.zeros_like(epoch), number % batches
            return batch_of(split, epoch, number)

        return repeated

    return make


def validated_with(*overrides):
    """Validation has scenes of another configuration."""

    def make(batch_of):
        other = simulated(load_config(SMALL, overrides))
        return lambda of, *at: (other if of == Split.VALIDATION else batch_of)(of, *at)

    return make


class At(keras.callbacks.Callback):
    """Does something to the trainer once, after so many windows."""

    def __init__(self, window, trainer, do):
        super().__init__()
        self.window, self.trainer, self.do = window, trainer, do

    def on_train_batch_end(self, batch, logs=None):
        self.window -= 1
        if not self.window:
            self.do(self.trainer)


def at_window(window, do):
    """What is done to the trainer, after so many windows."""
    return lambda session: session.callbacks.append(At(window, session.trainer, do))


def bias_set(path, to):
    """A bias that switches its units off."""

    def do(trainer):
        variable = next(v for v in trainer.model.trainable_variables if v.path.endswith(path))
        variable.assign(tf.fill(variable.shape, to))

    return do


def disk_full(trainer):
    raise OSError(errno.ENOSPC, "No space left on device")


def detached_blend(old):
    """`R_blend` is cut off from the weights."""

    def call(self, network, scenes, step):
        loss = old(self, network, scenes, step)
        return loss._replace(learned={n: tf.stop_gradient(t) for n, t in loss.learned.items()})

    return call


def saturating(after, times):
    """From a window on next to no gradient is left."""

    def make(old):
        def gradients(self, batch, step, scale):
            totals = old(self, batch, step, scale)
            factor = tf.where(step.window < after, 1.0, times)
            return totals._replace(gradients=[factor * g for g in totals.gradients])

        return gradients

    return make


def rate_from(position, times):
    """The rate is another one from a position on."""

    def make(old):
        def rate(self, applied):
            return tf.where(applied < position, 1.0, times) * old(self, applied)

        return rate

    return make


def other_patience(windows):
    return lambda: mock.patch.object(scaling, "PATIENCE", windows)


def same_scene(scenes):
    """All scenes of a batch are its first."""
    return tf.nest.map_structure(lambda x: tf.repeat(x[:1], tf.shape(x)[0], axis=0), scenes)


def in_one_batch(which, change):
    """One batch of training, counted over the run of 30 an epoch, is changed."""

    def make(batch_of):
        def changed(split, epoch, number):
            scenes = batch_of(split, epoch, number)
            here = tf.equal(30 * tf.cast(epoch, tf.int64) + tf.cast(number, tf.int64), which)
            here = tf.logical_and(here, split == Split.TRAINING)
            return tf.nest.map_structure(lambda a, b: tf.where(here, a, b), change(scenes), scenes)

        return changed

    return make
