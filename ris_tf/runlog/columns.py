"""Columns of a log that grow while others read them."""

import copy
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

FIRST_ROWS = 64  # room of a column at first; it doubles


class Columns:
    """Named arrays with room for the same number of rows.

    Rows that were written never change, and a column that grows is a new array: who has read a
    column keeps it as it was.

    Attributes:
        room: rows that fit without growing.
    """

    def __init__(self) -> None:
        self.room = 0
        self._arrays: dict[str, np.ndarray] = {}
        self._full: dict[str, int] = {}  # rows of each that were written

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def add(self, name: str, dtype: DTypeLike) -> None:
        """Add a column without values."""
        self._arrays[name], self._full[name] = np.empty(self.room, dtype), 0

    def read(self, name: str, rows: int) -> np.ndarray:
        """`[rows]` values of a column; NaN where none were written."""
        self._fill(name, rows)
        return self._arrays[name][:rows]

    def write(self, name: str, begin: int, values: np.ndarray) -> None:
        """Write rows behind all that were written, for which there is room.

        Args:
            name: of the column.
            begin: the first row; those that are left out before it are NaN.
            values: `[n]` anything that becomes the column's type.
        """
        self._fill(name, begin)
        self._put(name, begin, values)
        self._full[name] = begin + len(values)

    def make_room(self, rows: int) -> None:
        """Make room for so many rows, and for more that are going to follow."""
        if rows > self.room:
            self.reserve(max(rows, 2 * self.room, FIRST_ROWS))

    def reserve(self, rows: int) -> None:
        """Make room for so many rows at once: columns that grow are copied each time."""
        if rows > self.room:
            self._grow(rows)

    def snapshot(self) -> Self:
        """The columns as they are now, for another thread: they are shared, not copied."""
        now = copy.copy(self)
        now._arrays, now._full = dict(self._arrays), dict(self._full)
        return now

    def _fill(self, name: str, rows: int) -> None:
        full = self._full[name]
        if full < rows:
            self._put(name, full, np.full(rows - full, np.nan, np.float32))
            self._full[name] = rows

    def _put(self, name: str, begin: int, values: np.ndarray) -> None:
        self._arrays[name][begin : begin + len(values)] = values

    def _grow(self, room: int) -> None:
        self.room = room
        for name, column in self._arrays.items():
            larger = np.empty(room, column.dtype)
            larger[: self._full[name]] = column[: self._full[name]]
            self._arrays[name] = larger
