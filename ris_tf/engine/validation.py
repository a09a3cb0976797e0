"""Validation metrics over batches."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

REWRITING = "arithmetic_optimization"


class BatchMeans(keras.callbacks.Callback):
    """Means over validation batches, weighted by their examples."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[np.ndarray] = []

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keep what a batch came to."""
        del batch
        assert logs is not None
        self._rows.append(np.ravel(logs["values"]).astype(np.float64))

    def result(self) -> list[float]:
        """Means so far, in the order of the values."""
        rows = np.array(self._rows)
        return np.average(rows[:, :-1], axis=0, weights=rows[:, -1]).tolist()


@contextmanager
def sums_in_order() -> Iterator[None]:
    """Graphs that are not compiled add in the order of their code: the same bits at any time.

    TensorFlow joins a chain of sums to one operation, which begins with whichever summand it may
    overwrite: at several threads that is chance. While this lasts, it joins none.
    """
    before = tf.config.optimizer.get_experimental_options().get(REWRITING, True)
    tf.config.optimizer.set_experimental_options({REWRITING: False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({REWRITING: before})
