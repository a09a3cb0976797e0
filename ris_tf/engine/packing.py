"""Many small arrays side by side in one, so that what is done to all of them is one operation.

A network has dozens of biases, gains and small kernels. Updating each by itself costs XLA more time
to compile than all of the computation that they are for. Large arrays stay by themselves: copying
them would cost more than it saves.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

ROW = 32  # entries of a row; no row has entries of two arrays
LARGE = 2**16  # entries above which an array stays by itself

Parts = list[tf.Tensor]  # `[rows, ROW]` of all small arrays, if there are any; then each large one


class Packing:
    """Where each of a list of arrays lies.

    Args:
        shapes: of the arrays, in order.

    Attributes:
        shapes: of the arrays.
        part_shapes: of the parts.
    """

    def __init__(self, shapes: Sequence[Sequence[int]]):
        self.shapes = [tuple(int(size) for size in shape) for shape in shapes]
        self._sizes = [math.prod(shape) for shape in self.shapes]
        numbers = range(len(self.shapes))
        self._small = [i for i in numbers if self._sizes[i] <= LARGE]
        self._large = [i for i in numbers if self._sizes[i] > LARGE]
        self._rows = [-(-self._sizes[i] // ROW) for i in self._small]
        small = [(sum(self._rows), ROW)] if self._small else []
        self.part_shapes = [*small, *(self.shapes[i] for i in self._large)]

    def packed(self, arrays: Sequence[tf.Tensor]) -> Parts:
        """The parts that hold these arrays; what fills up rows is zero."""
        pieces = []
        for i, rows in zip(self._small, self._rows, strict=True):
            pieces.append(tf.reshape(arrays[i], [-1]))
            if filling := rows * ROW - self._sizes[i]:
                pieces.append(tf.zeros([filling], pieces[-1].dtype))
        small = [tf.reshape(tf.concat(pieces, axis=0), [-1, ROW])] if pieces else []
        return [*small, *(tf.convert_to_tensor(arrays[i]) for i in self._large)]

    def unpacked(self, parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The arrays, in order, from their parts."""
        arrays = dict(zip(reversed(self._large), reversed(parts), strict=False))
        if self._small:
            pieces = tf.split(parts[0], self._rows)
            for i, piece in zip(self._small, pieces, strict=True):
                full = self._sizes[i] % ROW == 0
                entries = piece if full else tf.reshape(piece, [-1])[: self._sizes[i]]
                arrays[i] = tf.reshape(entries, self.shapes[i])
        return [arrays[i] for i in range(len(self.shapes))]

    def filled(self, values: Sequence[float]) -> Parts:
        """One number for each array, in parts that broadcast to those of the arrays."""
        small = np.array([values[i] for i in self._small], np.float32)
        parts = [np.repeat(small, self._rows)[:, None]] if self._small else []
        return [tf.constant(x, tf.float32) for x in (*parts, *(values[i] for i in self._large))]

    def reduced(self, parts: Sequence[tf.Tensor], reduce: Callable, nothing: Any) -> tf.Tensor:
        """One number for each array, in order: `[V]`.

        Args:
            parts: of the arrays.
            reduce: `tf.reduce_sum`, `tf.reduce_all` or the like.
            nothing: what changes no result of it.
        """
        large = [reduce(part) for part in parts[-len(self._large) :]] if self._large else []
        results = [tf.stack(large)] if large else []
        if self._small:
            rows = reduce(parts[0], axis=1)
            of_each = tf.where(self._owners(), rows, tf.constant(nothing, rows.dtype))
            results.insert(0, reduce(of_each, axis=1))
        order = np.argsort([*self._small, *self._large])
        return tf.gather(tf.concat(results, axis=0), order.astype(np.int32))

    def _owners(self) -> tf.Tensor:
        """`[small, rows]` whether a row is of an array."""
        of_row = np.repeat(np.arange(len(self._small), dtype=np.int32), self._rows)
        return tf.range(len(self._small))[:, None] == of_row

    def slices(self, variables: Sequence[keras.Variable]) -> list["Slice | keras.Variable"]:
        """The arrays that variables of the parts hold, each to be read and written by itself."""
        arrays: dict[int, Slice | keras.Variable]
        arrays = dict(zip(reversed(self._large), reversed(variables), strict=False))
        begins = np.cumsum([0, *self._rows]) * ROW
        for i, begin in zip(self._small, begins, strict=False):
            arrays[i] = Slice(variables[0], int(begin), self.shapes[i])
        return [arrays[i] for i in range(len(self.shapes))]


class Slice:
    """One array of those that a variable holds: read and written like a variable of its own.

    Args:
        variable: `[rows, ROW]`.
        begin: entries before it.
        shape: of the array.
    """

    def __init__(self, variable: keras.Variable, begin: int, shape: tuple[int, ...]):
        self.variable = variable
        self.shape = shape
        self._place = slice(begin, begin + math.prod(shape))

    @property
    def dtype(self) -> str:
        """Of the variable."""
        return self.variable.dtype

    @property
    def value(self) -> tf.Tensor:
        """The array."""
        entries = tf.reshape(self.variable.value, [-1])[self._place]
        return tf.reshape(entries, self.shape)

    def numpy(self) -> np.ndarray:
        """The array as numpy's."""
        return np.array(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        del copy
        return np.asarray(self.numpy(), dtype)

    def assign(self, value: Any) -> None:
        """Write the array; what else the variable holds stays.

        Raises:
            ValueError: it is of another shape.
        """
        whole = np.array(self.variable.value)
        whole.reshape(-1)[self._place] = np.reshape(value, self.shape).ravel()
        self.variable.assign(whole)
