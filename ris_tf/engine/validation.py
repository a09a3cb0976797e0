"""Validation metrics over batches."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


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
