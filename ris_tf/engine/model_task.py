"""What health checks want to know of anybody's model and data, before training and along it.

Nothing is known of what the data means. What can be told of any: whether examples differ, how large
their numbers are, and whether labels that are handed on by one example fit as well as their own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.engine.batches import Numbered, Read
from ris_tf.engine.replay import OF_MODELS, named_arrays
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.task import Sequel, Task

SHIFTS = 8  # ways to hand labels on
PAIRED = 8  # examples by which anything is told of them
EVERY_EPOCH_UNTIL = 4  # that is looked at, then those whose number is a power of two


class ModelTask(Task):
    """A run of anybody's model.

    Args:
        trainer: with its data.
    """

    def __init__(self, trainer: GuardedStep):
        self.trainer = trainer

    def examined(self) -> dict[str, Any]:
        """How large the numbers of the first batches are, and how many examples differ."""
        try:
            return self._of_data(_first_batches(self.trainer.training_batches, 2))
        except OF_MODELS:  # a function of the batch's number that only graphs compute
            return {}

    def _of_data(self, batches: Sequence[Any]) -> dict[str, Any]:
        named = [_real(named_arrays(batch)) for batch in batches]
        if not batches or not named[0]:
            return {}
        sizes = {f"size/{name}": _rms(array) for name, array in named[0].items()}
        inputs = [_real(named_arrays(_inputs(batch))) for batch in batches]
        return sizes | ({"distinct": distinct(inputs)} if inputs[0] else {})

    def after_validation(self, epoch: int, window: int) -> Sequel:
        """How much better the labels of examples fit than those of others."""
        del window
        number = epoch + 1
        seldom = number > EVERY_EPOCH_UNTIL and number & (number - 1)
        if seldom or self.trainer.replicas.count > 1:
            return Sequel()
        try:
            return Sequel(diagnosed=self._paired())
        except OF_MODELS:  # a loss that is not to be computed uncompiled, or from other labels
            return Sequel()

    def _paired(self) -> dict[str, float]:
        batch = _first_batches(self.trainer.validation_batches, 1)[0]
        size = len(tf.nest.flatten(batch)[0])
        if not isinstance(batch, tuple) or len(batch) < 2 or size < PAIRED:
            return {}
        shifts = sorted({1 + i * (size - 1) // SHIFTS for i in range(SHIFTS)})
        own, *others = (self._loss(_handed_on(batch, shift)) for shift in (0, *shifts))
        deviation = float(np.std(others))
        return {"paired": float(np.mean(others) - own) / deviation} if deviation else {}

    def _loss(self, batch: Any) -> float:
        return float(self.trainer.validation_values(batch, tf.zeros([], tf.int64))["loss"])


def distinct(batches: Sequence[dict[str, np.ndarray]]) -> float:
    """Share of examples that no other is alike; 1 where whole numbers may well repeat.

    Args:
        batches: arrays `[B, ...]` by name.
    """
    flat = [np.concatenate([a.reshape(len(a), -1) for a in of.values()], axis=1) for of in batches]
    rows = np.concatenate(flat)
    if not np.isfinite(rows).all() or (rows == np.round(rows)).all():
        return 1.0
    return len(np.unique(rows, axis=0)) / len(rows)


def _first_batches(source: Numbered | Read | None, count: int) -> list[Any]:
    """The first batches, or the first one of those that are read in order."""
    if isinstance(source, Numbered):
        zero = tf.constant(0, tf.int64)
        numbers = [tf.constant(i, tf.int64) for i in range(min(count, source.per_epoch))]
        return [source.at(zero, number) for number in numbers]
    return [tf.nest.map_structure(tf.constant, source.like)] if source else []


def _inputs(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple) else batch


def _handed_on(batch: tuple, shift: int) -> tuple:
    """The labels of other examples beside the inputs."""
    return batch[0], *tf.nest.map_structure(lambda x: tf.roll(x, shift, axis=0), batch[1:])


def _real(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of real or complex numbers, as real ones."""
    return {
        name: np.stack([np.real(array), np.imag(array)], axis=-1)
        if array.dtype.kind == "c"
        else array
        for name, array in arrays.items()
        if array.dtype.kind in "fc" and array.ndim
    }


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
