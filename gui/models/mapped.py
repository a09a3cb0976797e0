"""The columns of a long log in a file: memory has those that somebody looks at.

A run of a million windows has 40 series, and a screen shows ten of them. Pages of a file that are
not looked at cost no memory, and come back when they are, without the log being read again.
"""

import mmap
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.runlog import Columns

LONG = 1 << 24  # bytes of all columns, from which on they lie in a file
LOOKED_AT = 1 << 24  # bytes that are read until all pages go back; those still looked at return
ON_DISK = Path("/var/tmp")  # noqa: S108 (the place of large files: /tmp often is memory)


class MappedColumns(Columns):
    """Columns in memory while they are short, and in a file when they are long.

    The file has no name and ends with the program. Where it cannot be made, or its disk is full,
    columns stay in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pages: _Pages | None = None
        self._in_memory = not hasattr(os, "pwrite")

    def read(self, name: str, rows: int) -> np.ndarray:
        """`[rows]` values of a column; NaN where none were written."""
        column = super().read(name, rows)
        if self._pages:
            self._pages.count(column.nbytes)
        return column

    def _put(self, name: str, begin: int, values: np.ndarray) -> None:
        if self._pages and name in self._pages.columns:
            try:
                self._pages.write(name, begin, values)
            except OSError:  # no room
                self._pages, self._in_memory = None, True
                super()._grow(self.room)
            else:
                return
        super()._put(name, begin, values)

    def _grow(self, room: int) -> None:
        types = {name: column.dtype for name, column in self._arrays.items()}
        if self._in_memory or room * sum(kind.itemsize for kind in types.values()) < LONG:
            super()._grow(room)
            return
        try:
            larger = _Pages(types, room)
            for name, full in self._full.items():
                larger.write(name, 0, self.read(name, full))
        except OSError:
            self._pages, self._in_memory = None, True
            super()._grow(room)
            return
        self.room, self._pages = room, larger
        self._arrays |= larger.columns


class _Pages:
    """A file in which columns lie one after the other, mapped for reading.

    It is written by the calls that write files: pages that are only written are none of ours, and
    a disk that is full is an error, not a signal.

    Args:
        types: of the columns.
        room: their rows.

    Raises:
        OSError: there is no such file here.
    """

    def __init__(self, types: Mapping[str, np.dtype[Any]], room: int):
        sizes = [room * kind.itemsize for kind in types.values()]
        begins = np.cumsum([0, *sizes]).tolist()
        self._file = tempfile.TemporaryFile(buffering=0, dir=_place())  # noqa: SIM115 (its own end)
        self._file.truncate(begins[-1])
        self._map = mmap.mmap(self._file.fileno(), begins[-1], access=mmap.ACCESS_READ)
        self._begins = dict(zip(types, begins, strict=False))
        self._looked_at = 0
        self.columns = {
            name: np.frombuffer(self._map, kind, room, self._begins[name])
            for name, kind in types.items()
        }

    def write(self, name: str, begin: int, values: np.ndarray) -> None:
        """Write rows of a column.

        Raises:
            OSError: the disk is full.
        """
        kind = self.columns[name].dtype
        rest = memoryview(np.asarray(values, kind).tobytes())
        at = self._begins[name] + begin * kind.itemsize
        while rest:
            done = os.pwrite(self._file.fileno(), rest, at)
            rest, at = rest[done:], at + done

    def count(self, looked_at: int) -> None:
        """Count bytes that somebody is going to look at; after many of them, let all pages go."""
        self._looked_at += looked_at
        if self._looked_at > LOOKED_AT:
            self._looked_at = 0
            self._map.madvise(mmap.MADV_DONTNEED)


def _place() -> str | None:
    """Folder for large files that end with the program; `None` where there is but the usual one."""
    if "TMPDIR" in os.environ or not os.access(ON_DISK, os.W_OK):
        return None
    return str(ON_DISK)
