"""The batches that were read last, so that one of them can be computed again."""

from collections import OrderedDict
from threading import Lock
from typing import Any

import tensorflow as tf

BYTES = 256 << 20  # of all that is kept
BATCHES = 64


class Recent:
    """Batches by their number over the whole run; the oldest are forgotten first.

    They are read in a thread of their own, some windows ahead of the step.

    Args:
        limit: bytes that may be kept; where that is not enough for a batch, none is.
    """

    def __init__(self, limit: int = BYTES):
        self.limit = limit
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def add(self, number: int, batch: Any) -> None:
        """Keep a batch of arrays."""
        with self._lock:
            self._kept[number] = batch
            self._bytes += _bytes(batch)
            while self._kept and (self._bytes > self.limit or len(self._kept) > BATCHES):
                self._bytes -= _bytes(self._kept.popitem(last=False)[1])

    def get(self, number: int) -> Any:
        """The batch of a number; `None` where it is not kept any more."""
        with self._lock:
            return self._kept.get(number)


def _bytes(batch: Any) -> int:
    return sum(array.nbytes for array in tf.nest.flatten(batch))
