"""Averages of the weights: exponential, and equal-weight over the last windows (SPEC 5)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras
import tensorflow as tf

from ris_tf.engine.packing import Packing, Parts, Slice


class Means(NamedTuple):
    """Averages in parts.

    Attributes:
        ema: the moving average.
        swa: the equal-weight mean.
        taken: scalar int64, windows in that mean.
    """

    ema: Parts
    swa: Parts
    taken: tf.Tensor


class Averages:
    """EMA and SWA copies of the weights.

    Args:
        weights: trainable variables of the model.
        packing: of the weights.
        ema_decay: largest decay of the moving average; `None` keeps none.
        swa: whether an equal-weight mean is kept.

    Attributes:
        swa_begins: applied windows after which the mean is taken.
        ema: variables of the moving average, one for each part; none where it is not kept.
        swa: of the mean.
        taken: windows in it.
    """

    def __init__(
        self, weights: list[keras.Variable], packing: Packing, ema_decay: float | None, swa: bool
    ):
        self.weights = weights
        self.packing = packing
        self.ema_decay = ema_decay
        self.swa_begins = 0
        self.ema = [] if ema_decay is None else self._copies("ema")
        self.swa = self._copies("swa") if swa else []
        self.taken = keras.Variable(0, dtype="int64", trainable=False, name="swa_taken")

    @property
    def variables(self) -> list[keras.Variable]:
        """All that it keeps."""
        return [*self.ema, *self.swa, self.taken]

    @property
    def means(self) -> Means:
        """As they are now."""
        ema, swa = ([tf.identity(v.value) for v in kind] for kind in (self.ema, self.swa))
        return Means(ema, swa, tf.identity(self.taken.value))

    def by_weight(self) -> dict[str, keras.Variable | Slice]:
        """Both averages weight by weight: what a checkpoint has, by name."""
        return {
            f"{prefix}/{weight.path}": average
            for prefix, kind in (("ema", self.ema), ("swa", self.swa))
            if kind
            for weight, average in zip(self.weights, self.packing.slices(kind), strict=True)
        }

    def begin_anew(self) -> None:
        """Both averages are the weights again, and nothing was taken."""
        for copy, part in zip(self.ema, self._packed(), strict=False):
            copy.assign(part)
        self.forget_mean()

    def forget_early_mean(self, applied: int) -> None:
        """Forget a mean that was taken before its place: of a plan that was shorter."""
        if self.swa and applied < self.swa_begins:
            self.forget_mean()

    def forget_mean(self) -> None:
        """The equal-weight mean is the weights again, and nothing was taken."""
        for copy, part in zip(self.swa, self._packed(), strict=False):
            copy.assign(part)
        self.taken.assign(0)

    def moved(self, means: Means, weights: Parts, applied: tf.Tensor) -> Means:
        """The averages with the new weights of a window that was applied.

        Args:
            means: before it.
            weights: after it.
            applied: scalar int64, windows that were applied, this one included.
        """
        ema, swa, taken = means
        if self.ema_decay is not None:
            t = tf.cast(applied, tf.float32)
            decay = tf.minimum(self.ema_decay, (1 + t) / (10 + t))
            ema = _moved(ema, weights, 1 - decay)
        if self.swa:
            begun = applied > self.swa_begins
            taken += tf.cast(begun, taken.dtype)
            share = 1 / tf.cast(tf.maximum(taken, 1), tf.float32)
            swa = tf.cond(begun, lambda: _moved(swa, weights, share), lambda: swa)
        return Means(ema, swa, taken)

    def best(self) -> str:
        """Which weights validate: `swa` once they exist, else `ema`, else `raw`."""
        if self.swa and int(keras.ops.convert_to_numpy(self.taken)) > 0:
            return "swa"
        return "ema" if self.ema else "raw"

    @contextmanager
    def swapped_in(self) -> Iterator[str]:
        """The model with its best weights; the raw ones come back whatever happens."""
        which = self.best()
        parts = {"swa": self.swa, "ema": self.ema, "raw": []}[which]
        raw = [tf.identity(weight.value) for weight in self.weights] if parts else []
        averaged = self.packing.unpacked([part.value for part in parts]) if parts else []
        try:
            for weight, average in zip(self.weights, averaged, strict=False):
                weight.assign(average)
            yield which
        finally:
            for weight, value in zip(self.weights, raw, strict=False):
                weight.assign(value)

    def _copies(self, name: str) -> list[keras.Variable]:
        return [
            keras.Variable(part, dtype="float32", trainable=False, name=f"{name}_{i}")
            for i, part in enumerate(self._packed())
        ]

    def _packed(self) -> Parts:
        return self.packing.packed([tf.identity(weight.value) for weight in self.weights])


def _moved(averages: Parts, weights: Parts, share: tf.Tensor) -> Parts:
    """`average + share (weight - average)` of every part."""
    pairs = zip(averages, weights, strict=True)
    return [average + share * (weight - average) for average, weight in pairs]
