"""Batches that are read by their number: any of them at any time, several at once."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from ris_tf.engine.batches import Read

THREADS = 4  # that read: they wait for the disk
AHEAD = 6  # batches that are read before they are needed, beside the windows that wait

Prepare = Callable[[Any, tf.Tensor, tf.Tensor], Any]  # of a batch, its epoch and its number there


class Indexed(Read):
    """Batches that are read by their number, ahead and in threads.

    A batch follows from its number alone, so a run that is resumed goes on with the next without
    reading those before it.

    Args:
        read: `read(number)`, of the batch's number over the whole run, from 0: a structure of numpy
            arrays whose shapes are always the same; called in several threads at once.
        per_epoch: batches an epoch.
        prepare: `prepare(batch, epoch, number)`, compiled into the step: what is trained on, of a
            batch as tensors, its epoch and its number there; what is read, if not given.

    Raises:
        UserError: what `read` raises of the first batch.
    """

    uniform = True

    def __init__(self, read: Callable[[int], Any], per_epoch: int, prepare: Prepare | None = None):
        self.read = read
        self.per_epoch = per_epoch
        self.prepare = prepare
        self.position = 0
        self.problem = None
        self.like = read(0)
        self.size = len(tf.nest.flatten(self.like)[0])
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reads batches")
        self._ahead: deque[Future[Any]] = deque()

    def again(self) -> "Indexed":
        """The same batches from the beginning."""
        self.seek(0)
        return self

    def seek(self, position: int) -> None:
        """See `Read.seek`: nothing is read for it."""
        if position != self.position:
            self._forget()
            self.position = position

    def begin_reading(self) -> None:
        """Nothing to do: batches follow from their numbers."""

    def take(self) -> Any:
        """The next batch; the reading of those behind it is begun.

        Raises:
            UserError: what `read` raises.
        """
        while len(self._ahead) < AHEAD:
            number = self.position + len(self._ahead)
            self._ahead.append(self._pool.submit(self.read, number))
        batch = self._ahead.popleft().result()
        self.position += 1
        return batch

    def prepared(self, batch: Any, epoch: tf.Tensor, number: tf.Tensor) -> Any:
        """See `Read.prepared`."""
        return self.prepare(batch, epoch, number) if self.prepare else batch

    def _forget(self) -> None:
        for waiting in self._ahead:
            waiting.cancel()
        self._ahead.clear()
