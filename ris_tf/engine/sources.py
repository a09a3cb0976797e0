"""What batches can be read from: data sets, arrays, iterables, each as often as it takes."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from ris_tf.errors import UserError


class Source(Protocol):
    """Batches that can be read from the beginning again and again.

    Attributes:
        length: batches of one reading; `None` where that is not known, or there is no end.
        uniform: whether all batches are known to have as many examples.
    """

    length: int | None
    uniform: bool

    def reading(self, number: int) -> Iterator[Any]:
        """The batches of a reading. Readings begin when they are needed, in order from 0."""
        ...


def source_of(data: Any, batch_size: int, seed: int | None) -> Source:
    """The source that data makes; see `batches_of`."""
    if isinstance(data, tf.data.Dataset):
        return _DatasetSource(data)
    if isinstance(data, keras.utils.PyDataset):
        return _PyDatasetSource(data)
    if _is_arrays(data):
        return _ArraySource(data, batch_size, seed)
    if isinstance(data, dict):
        name, value = next((n, v) for n, v in data.items() if not _is_arrays(v))
        problem = f"its {name!r} is of type {type(value).__name__}"
        raise UserError(problem, source="fit", key="data", allowed="must have arrays alone")
    if isinstance(data, Iterable) or (callable(data) and arguments(data) == 0):
        return _IterableSource(data)
    raise UserError(
        f"is of type {type(data).__name__}",
        source="fit",
        key="data",
        allowed="give arrays, a tf.data.Dataset, a PyDataset, an iterable of batches, or a "
        "function of (epoch, batch)",
    )


class _DatasetSource:
    """A `tf.data.Dataset`: one that shuffles anew for every reading does so with its own seed."""

    def __init__(self, dataset: tf.data.Dataset):
        self.dataset = dataset
        cardinality = int(dataset.cardinality())
        self.length = cardinality if cardinality >= 0 else None
        specs = tf.nest.flatten(dataset.element_spec)
        self.uniform = all(spec.shape.rank and spec.shape[0] is not None for spec in specs)

    def reading(self, number: int) -> Iterator[Any]:
        del number
        return iter(self.dataset)


class _PyDatasetSource:
    """A Keras `PyDataset`; its `on_epoch_end` is called between two readings."""

    uniform = False

    def __init__(self, dataset: keras.utils.PyDataset):
        self.dataset = dataset
        self.length = dataset.num_batches

    def reading(self, number: int) -> Iterator[Any]:
        if number:
            self.dataset.on_epoch_end()
        numbers = range(len(self.dataset) if self.length is None else self.length)
        return (self.dataset[i] for i in numbers)


class _ArraySource:
    """Arrays in memory, in another order for every reading: of (seed, reading)."""

    def __init__(self, data: Any, batch_size: int, seed: int | None):
        if batch_size < 1:
            raise UserError(
                source="fit", key="batch_size", value=batch_size, allowed="must be at least 1"
            )
        self.data = tf.nest.map_structure(np.asarray, as_tuples(data))
        if not all(array.ndim for array in tf.nest.flatten(self.data)):
            allowed = "each must have an axis of examples first"
            raise UserError("a number among the arrays", source="fit", key="data", allowed=allowed)
        sizes = {len(array) for array in tf.nest.flatten(self.data)}
        if len(sizes) != 1:
            problem = f"arrays of {sorted(sizes)} examples"
            raise UserError(problem, source="fit", key="data", allowed="all must have as many")
        self.examples, self.batch_size, self.seed = sizes.pop(), batch_size, seed
        self.length: int | None = -(-self.examples // batch_size)
        self.uniform = self.examples % batch_size == 0

    def reading(self, number: int) -> Iterator[Any]:
        order = np.arange(self.examples)
        if self.seed is not None:
            order = np.random.default_rng([self.seed, number]).permutation(self.examples)
        places = (order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size))
        return (tf.nest.map_structure(lambda x, p=p: x[p], self.data) for p in places)


class _IterableSource:
    """Any iterable of batches, or a function that returns one."""

    uniform = False

    def __init__(self, data: Any):
        self.data = data
        self.length = len(data) if isinstance(data, Sequence) else None

    def reading(self, number: int) -> Iterator[Any]:
        del number
        data: Any = self.data() if callable(self.data) else self.data
        return iter(data)


def arguments(function: Callable[..., Any]) -> int:
    """How many arguments a function has to be given."""
    parameters = inspect.signature(function).parameters.values()
    wanted = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in wanted and p.default is inspect.Parameter.empty for p in parameters)


def _is_arrays(data: Any) -> bool:
    """Whether it is a structure of arrays; a list of structures is one of batches."""
    if isinstance(data, dict):
        return all(map(_is_arrays, data.values()))
    if isinstance(data, tuple):
        return bool(data) and all(map(_is_arrays, data))
    if isinstance(data, list):
        return bool(data) and all(isinstance(part, np.ndarray) for part in data)
    return isinstance(data, np.ndarray) or tf.is_tensor(data)


def as_tuples(structure: Any) -> Any:
    """Lists as tuples: a data set would make tensors of them."""
    if isinstance(structure, dict):
        return {name: as_tuples(value) for name, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*map(as_tuples, structure))
    if isinstance(structure, list | tuple):
        return tuple(map(as_tuples, structure))
    return structure
