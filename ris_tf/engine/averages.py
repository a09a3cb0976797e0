"""Averages of the weights: exponential, and equal-weight over the last windows (SPEC 5)."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from ris_tf.engine.replicas import update_each


class Averages:
    """EMA and SWA copies of the weights.

    Args:
        weights: trainable variables of the model.
        ema_decay: largest decay of the moving average; `None` keeps none.
        swa: whether an equal-weight mean is kept.

    Attributes:
        swa_begins: applied windows after which the mean is taken.
    """

    def __init__(self, weights: list[keras.Variable], ema_decay: float | None, swa: bool):
        self.weights = weights
        self.ema_decay = ema_decay
        self.swa_begins = 0
        self.ema = [] if ema_decay is None else _copies(weights, "ema")
        self.swa = _copies(weights, "swa") if swa else []
        self.taken = keras.Variable(0, dtype="int64", trainable=False, name="swa_taken")

    @property
    def variables(self) -> list[keras.Variable]:
        """State of a checkpoint."""
        return [*self.ema, *self.swa, self.taken]

    def begin_anew(self) -> None:
        """Both averages are the weights again, and nothing was taken."""
        for weight, copy in zip(self.weights, self.ema, strict=False):
            copy.assign(weight.value)
        self.forget_mean()

    def forget_early_mean(self, applied: int) -> None:
        """Forget a mean that was taken before its place: of a plan that was shorter."""
        if self.swa and applied < self.swa_begins:
            self.forget_mean()

    def forget_mean(self) -> None:
        """The equal-weight mean is the weights again, and nothing was taken."""
        for weight, copy in zip(self.weights, self.swa, strict=False):
            copy.assign(weight.value)
        self.taken.assign(0)

    def update(self, applied: tf.Tensor) -> None:
        """Take the new weights, after `applied` applied windows, this one included."""
        if self.ema_decay is not None:
            t = tf.cast(applied, tf.float32)
            decay = tf.minimum(self.ema_decay, (1 + t) / (10 + t))
            _move(self.ema, self.weights, 1 - decay)
        if self.swa:
            begun = applied > self.swa_begins
            tf.cond(begun, self._take, lambda: tf.constant(False))

    def _take(self) -> tf.Tensor:
        self.taken.assign_add(1)
        _move(self.swa, self.weights, 1 / tf.cast(self.taken.value, tf.float32))
        return tf.constant(True)

    def best(self) -> str:
        """Which weights validate: `swa` once they exist, else `ema`, else `raw`."""
        if self.swa and int(keras.ops.convert_to_numpy(self.taken)) > 0:
            return "swa"
        return "ema" if self.ema else "raw"

    @contextmanager
    def swapped_in(self) -> Iterator[str]:
        """The model with its best weights; the raw ones come back whatever happens."""
        which = self.best()
        averaged = {"swa": self.swa, "ema": self.ema, "raw": []}[which]
        raw = [tf.identity(weight.value) for weight in self.weights] if averaged else []
        try:
            for weight, average in zip(self.weights, averaged, strict=False):
                weight.assign(average)
            yield which
        finally:
            for weight, value in zip(self.weights, raw, strict=False):
                weight.assign(value)


def _copies(weights: list[keras.Variable], prefix: str) -> list[keras.Variable]:
    return [
        keras.Variable(
            tf.identity(w.value), dtype="float32", trainable=False, name=f"{prefix}_{w.name}"
        )
        for w in weights
    ]


def _move(averages: list[keras.Variable], weights: list[keras.Variable], share: tf.Tensor) -> None:
    """`average += share (weight - average)` of every variable."""
    update_each(averages, lambda mean, weight: mean.assign_add(share * (weight - mean)), weights)
