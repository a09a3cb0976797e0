"""Where batches come from: a function of their number, or something that is read.

Either way a batch has a place, its epoch and its number there, so that a run that is resumed goes
on with the batch that it would have had.

`Numbered` is computed inside the compiled step, `Streamed` is read in order, and `Indexed`, in a
module of its own, is read by number.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine.accumulation import at, length
from ris_tf.engine.plan import Plan
from ris_tf.engine.recent import Recent
from ris_tf.engine.sources import Source, arguments, as_tuples, source_of
from ris_tf.errors import UserError
from ris_tf.words import counted

READ_AHEAD = 2  # windows that are read while another is computed

Take = Callable[[tf.Tensor, tf.Tensor], Any]  # a batch, of its place in a piece and its number
Pieces = list[tuple[tf.Tensor, Take]]  # of a window: how many batches, and what takes one


class Numbered:
    """Batches that follow from their number: computed where they are trained on.

    Args:
        function: `function(epoch, batch)`, of two scalar int64 tensors to any structure of tensors
            whose shapes are always the same.
        per_epoch: batches an epoch.
    """

    def __init__(self, function: Callable[[tf.Tensor, tf.Tensor], Any], per_epoch: int):
        self.function = function
        self.per_epoch = per_epoch
        self.size = 0  # examples a batch; 0 where it is not known

    def at(self, epoch: tf.Tensor, batch: tf.Tensor) -> Any:
        """The batch of a place."""
        return self.function(epoch, batch)

    def pieces(self, parts: tuple, epoch: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> Pieces:
        """A window's batches, in one piece: nothing of them is read."""
        del parts
        return [(count, lambda place, _: self.at(epoch, first + place))]

    def windows(self, first: int, end: int, plan: Plan) -> tf.data.Dataset:
        """Numbers of windows, which is all there is to read."""
        del plan
        return tf.data.Dataset.range(first, end)

    def batches(self, count: int) -> tf.data.Dataset:
        """Numbers of the first batches of an epoch."""
        return tf.data.Dataset.range(count)

    def seek(self, position: int) -> None:
        """Nothing to do: any batch can be computed at any time."""

    def begin_reading(self) -> None:
        """Nothing to do."""

    def telling(self) -> AbstractContextManager[None]:
        """Nothing is read."""
        return nullcontext()


class Read:
    """Batches that are read where the step is not: ahead of it, and handed to it.

    Attributes:
        per_epoch: batches an epoch.
        position: batches taken so far, over the whole run.
        problem: what is wrong with the data, once that was found.
        like: the first batch, which shows structure, types and size of the others.
        size: examples of a batch.
        uniform: whether all batches are known to have as many examples.
    """

    per_epoch: int
    position: int
    problem: UserError | None
    like: Any
    size: int
    uniform: bool

    def seek(self, position: int) -> None:
        """Go on with the batch of this number, counted over the whole run."""
        raise NotImplementedError

    def take(self) -> Any:
        """The next batch, as arrays."""
        raise NotImplementedError

    def again(self) -> "Read":
        """The same batches from the beginning."""
        raise NotImplementedError

    def begin_reading(self) -> None:
        """Begin the next reading of what is read."""
        raise NotImplementedError

    def prepared(self, batch: Any, epoch: tf.Tensor, number: tf.Tensor) -> Any:
        """What is trained on of a batch that was read, compiled into the step.

        Args:
            batch: tensors in the structure of what is read.
            epoch: scalar int64.
            number: of the batch in its epoch, scalar int64.
        """
        del epoch, number
        return batch

    def pieces(self, parts: tuple, epoch: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> Pieces:
        """A window's batches, in the parts that were read.

        Args:
            parts: batches of one size, stacked.
            epoch: scalar int64.
            first: number of the window's first batch in the epoch.
            count: batches of the window.
        """
        del first, count

        def of(part: Any) -> Take:
            return lambda place, number: self.prepared(at(part, place), epoch, number)

        return [(length(part), of(part)) for part in parts]

    def windows(self, first: int, end: int, plan: Plan) -> tf.data.Dataset:
        """Windows as `(number, parts)`: each part is batches of one size, stacked.

        Where batches may differ in size, whole ones and the others are two parts, either of which
        may be empty.
        """

        def read() -> Iterator[Any]:
            for window in range(first, end):
                self.seek(plan.batches_before(window))
                count = plan.batches_before(window + 1) - plan.batches_before(window)
                yield window, self._parts([self.take() for _ in range(count)], plan)

        return self._dataset(read, (tf.TensorSpec([], tf.int64), self._signature(plan)))

    def batches(self, count: int) -> tf.data.Dataset:
        """The next batches one by one, after those that were taken before."""

        def read() -> Iterator[Any]:
            for _ in range(count):
                yield self.take()

        return self._dataset(read, tf.nest.map_structure(lambda x: _spec(x, ()), self.like))

    def _dataset(self, read: Callable[[], Iterator[Any]], signature: Any) -> tf.data.Dataset:
        """What is read, ahead and in a thread of TensorFlow's, which wraps whatever is raised."""

        def kept() -> Iterator[Any]:
            try:
                yield from read()
            except UserError as error:
                self.problem = error
                raise

        return tf.data.Dataset.from_generator(kept, output_signature=signature).prefetch(READ_AHEAD)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """While this runs, an error of the data is raised as it is, not as TensorFlow wraps it."""
        try:
            yield
        except tf.errors.OpError:
            if self.problem:
                raise self.problem from None
            raise

    def _signature(self, plan: Plan) -> tuple[Any, ...]:
        if plan.accumulation == 1:
            return (tf.nest.map_structure(lambda x: _spec(x, (1,)), self.like),)
        whole = tf.nest.map_structure(lambda x: _spec(x, (None,), self.size), self.like)
        if self.uniform:
            return (whole,)
        return whole, tf.nest.map_structure(lambda x: _spec(x, (None,)), self.like)

    def _parts(self, batches: list[Any], plan: Plan) -> tuple[Any, ...]:
        if plan.accumulation == 1:
            return (_stacked(batches, self.like),)
        whole = [batch for batch in batches if _examples(batch) == self.size]
        others = [batch for batch in batches if _examples(batch) != self.size]
        sizes = {_examples(batch) for batch in others}
        if (self.uniform and others) or len(sizes) > 1:
            raise UserError(
                f"batches of {sorted({self.size, *sizes})} examples in one window",
                source="fit",
                key="data",
                allowed="batches that are accumulated must have one size, but for the last",
            )
        parts = _stacked(whole, self.like), _stacked(others, self.like)
        return parts[:1] if self.uniform else parts


class Streamed(Read):
    """Batches that are read from a source, in order, over as many readings as it takes.

    Args:
        source: what is read.
        per_epoch: batches an epoch; those of one reading, if not given.

    Attributes:
        shared_by: replicas that share each batch.
        recent: the batches that were read last.

    Raises:
        UserError: there is no batch, or how many make an epoch is not known.
    """

    def __init__(self, source: Source, per_epoch: int | None = None):
        if per_epoch is None and source.length is None:
            raise UserError(
                "how many batches make an epoch is not known from the data",
                source="fit",
                key="steps_per_epoch",
                remedy="give steps_per_epoch",
            )
        self.source = source
        self.uniform = source.uniform
        self.per_epoch = source.length or 0 if per_epoch is None else per_epoch
        self.position = 0
        self.shared_by = 1
        self.recent = Recent()
        self.problem = None
        self._readings = 1
        self._reading = source.reading(0)
        first = next(self._reading, None)
        if first is None or self.per_epoch < 1:
            raise UserError("has no batch", source="fit", key="data")
        self.like = _arrays(first)
        self.size = _examples(self.like)
        self._pending: list[Any] = [self.like]

    def again(self) -> "Streamed":
        """The same batches from the beginning; their structure is not read again."""
        self.begin_reading()
        again = copy.copy(self)
        again.position, again.recent = 0, Recent(limit=0)  # what validates is not replayed
        return again

    def seek(self, position: int) -> None:
        """Go on with the batch of this number, counted over the whole run, from the first one.

        Readings that are over are begun, so that what shuffles anew each time is where it was, and
        not read.
        """
        while self.source.length and self.position + self.source.length <= position:
            self.position += self.source.length
            self.begin_reading()
        while self.position < position:
            self.take()

    def take(self) -> Any:
        """The next batch, as arrays.

        Raises:
            UserError: there is none, or it is of another structure than the first.
        """
        batch = self._pending.pop() if self._pending else next(self._reading, None)
        if batch is None:
            self.begin_reading()
            batch = next(self._reading, None)
        if batch is None:
            raise UserError(
                f"ended after {counted(self.position, 'batch')} and cannot be read again",
                source="fit",
                key="data",
                remedy="give a data set, arrays or a list instead of an iterator",
            )
        batch = _arrays(batch)
        self.recent.add(self.position, batch)
        self.position += 1
        _require_alike(batch, self.like, self.position)
        if _examples(batch) % self.shared_by:
            raise UserError(
                f"batch {self.position} has {_examples(batch)} examples, which {self.shared_by} "
                "replicas cannot share equally",
                source="fit",
                key="data",
                remedy="leave it out of the data (drop_remainder=True)",
            )
        return batch

    def begin_reading(self) -> None:
        """Begin the next reading of the source."""
        self._pending = []
        self._reading = self.source.reading(self._readings)
        self._readings += 1


Batches = Numbered | Read


def batches_of(
    data: Any,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
) -> Batches:
    """Batches of whatever `fit` was given.

    Args:
        data: `function(epoch, batch)`; a `tf.data.Dataset` of batches; a `keras.utils.PyDataset`; a
            structure of arrays (tuple, list or dictionary), all with as many examples; or any
            iterable of batches, or a function without arguments that returns one.
        batch_size: examples a batch, of arrays.
        steps_per_epoch: batches an epoch; a whole reading of the data, if not given.
        seed: of the order of arrays, which is another in every epoch.
        shuffle: whether arrays are shuffled.

    Raises:
        UserError: it is none of these, or how long an epoch is is not known.
    """
    if isinstance(data, Numbered | Read):
        return data
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise UserError(
            source="fit", key="steps_per_epoch", value=steps_per_epoch, allowed="must be at least 1"
        )
    if callable(data) and not isinstance(data, keras.utils.PyDataset) and arguments(data) == 2:
        if steps_per_epoch is None:
            raise UserError(
                "a function of (epoch, batch) has no end",
                source="fit",
                key="steps_per_epoch",
                remedy="give steps_per_epoch",
            )
        return Numbered(data, steps_per_epoch)
    return Streamed(source_of(data, batch_size, seed if shuffle else None), steps_per_epoch)


def _arrays(batch: Any) -> Any:
    return tf.nest.map_structure(np.asarray, as_tuples(batch))


def _examples(batch: Any) -> int:
    first = of_examples(batch)
    return 1 if first is None else len(first)


def of_examples(batch: Any) -> Any:
    """The first array of a batch that has examples, and is no scalar; `None` where all are."""
    return next((array for array in tf.nest.flatten(batch) if len(array.shape)), None)


def _stacked(batches: list[Any], like: Any) -> Any:
    if not batches:
        return tf.nest.map_structure(lambda x: np.zeros((0, *x.shape), x.dtype), like)
    if len(batches) == 1:  # without a copy
        return tf.nest.map_structure(lambda x: x[None], batches[0])
    return tf.nest.map_structure(lambda *x: np.stack(x), *batches)


def _spec(array: np.ndarray, front: tuple[int | None, ...], size: int | None = None) -> Any:
    """The spec of arrays like this one, with any number of examples or `size` of them."""
    own = (size, *array.shape[1:]) if array.ndim else ()
    return tf.TensorSpec((*front, *own), array.dtype)


def _require_alike(batch: Any, like: Any, position: int) -> None:
    try:
        tf.nest.assert_same_structure(batch, like)
    except (TypeError, ValueError) as error:
        problem = f"batch {position} is of another structure than the first"
        raise UserError(problem, source="fit", key="data") from error
    for own, first in zip(tf.nest.flatten(batch), tf.nest.flatten(like), strict=True):
        if own.dtype != first.dtype or own.shape[1:] != first.shape[1:]:
            raise UserError(
                f"batch {position} has an array of shape {list(own.shape)} and type {own.dtype}, "
                f"the first one {list(first.shape)} and {first.dtype}",
                source="fit",
                key="data",
            )
