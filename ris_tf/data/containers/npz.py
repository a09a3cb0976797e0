"""Arrays of numpy's `.npz` files: read by rows where they lie unpacked, and never unpickled."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ris_tf.archive import Member, member_of, opened, place_of, read_member
from ris_tf.data.containers.base import (
    MOST_ENTRIES,
    Entry,
    Kept,
    checked_rows,
    complex_dtype,
    from_records,
    reason,
    refuse_unpacked,
    refuse_whole,
    runs,
)
from ris_tf.data.errors import ContainerError
from ris_tf.disk import open_regular

DAMAGED = (OSError, ValueError, EOFError, KeyError, RuntimeError, NotImplementedError,
           zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, MemoryError,
           OverflowError, TypeError, RecursionError)  # fmt: skip


class Npz:
    """An `.npz` file. Raises `ContainerError` where it is none, or is damaged."""

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, Entry] = {}
        self._members: dict[str, Member] = {}
        self._kept = Kept()
        with self._archive() as archive:
            infos = archive.infolist()
            if len(infos) > MOST_ENTRIES:
                problem = f"holds {len(infos)} arrays; at most {MOST_ENTRIES} are read"
                raise ContainerError(problem, source=str(path))
            for info in infos:
                self._add(archive, info)

    def read(self, name: str, axis: int = 0, rows: np.ndarray | None = None) -> np.ndarray:
        """An array, or the places `rows` along one of its axes; see `Container`."""
        entry, member = self.entries[name], self._members.get(name)
        if member is None:
            raise ContainerError(entry.problem, source=str(self.path), key=name)
        if rows is None:
            return from_records(self._whole(entry, member))
        wanted = checked_rows(self.path, entry, axis, rows)
        outermost = len(entry.shape) - 1 if member.fortran else 0
        if not member.stored or axis != outermost:
            whole = self._kept.get(name, lambda: self._whole(entry, member))
            return from_records(np.take(whole, wanted, axis=axis))
        return from_records(self._rows(entry, member, wanted))

    def _add(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Notice an array by its header."""
        name = info.filename.removesuffix(".npy")
        if not info.filename.endswith(".npy"):
            self.entries[name] = Entry(name, (), np.dtype("V0"), "is no array")
            return
        try:
            member = member_of(archive, info)
        except DAMAGED as error:
            problem = f"is damaged: {reason(error)}"
            raise ContainerError(problem, source=str(self.path), key=name) from error
        shape, dtype = member.shape, member.dtype
        if dtype.hasobject:
            problem = "holds Python objects, which are never loaded; save plain numbers"
            self.entries[name] = Entry(name, shape, dtype, problem)
            return
        entry = Entry(name, shape, complex_dtype(dtype) or dtype, whole=not member.stored)
        self._check(member)
        self.entries[name], self._members[name] = entry, member

    def _check(self, member: Member) -> None:
        """Refuse sizes that the file does not have."""
        info = member.info
        if not member.stored:
            refuse_unpacked(self.path, member.name, member.nbytes, info.compress_size)
        elif info.header_offset + info.file_size > self.path.stat().st_size:
            raise ContainerError("is cut off", source=str(self.path), key=member.name)

    def _whole(self, entry: Entry, member: Member) -> np.ndarray:
        refuse_whole(self.path, entry.name, member.nbytes)
        with self._archive() as archive:
            return read_member(archive, member)

    def _rows(self, entry: Entry, member: Member, wanted: np.ndarray) -> np.ndarray:
        """Rows of an array that lies unpacked, scenes outermost."""
        shape = entry.shape[:-1][::-1] if member.fortran else entry.shape[1:]
        unique, places = np.unique(wanted, return_inverse=True)
        row = Entry(entry.name, shape, member.dtype)
        refuse_whole(self.path, entry.name, row.nbytes * len(unique))
        found = np.empty((len(unique), *shape), member.dtype)
        with open_regular(self.path) as file:
            begin, done = place_of(file, member), 0
            for first, end in runs(unique):
                file.seek(begin + first * row.nbytes)
                block = np.fromfile(file, member.dtype, (end - first) * row.nbytes
                                    // member.dtype.itemsize)  # fmt: skip
                if block.nbytes != (end - first) * row.nbytes:
                    raise ContainerError("is cut off", source=str(self.path), key=entry.name)
                found[done : done + end - first] = block.reshape(-1, *shape)
                done += end - first
        found = found[places]
        return found.transpose() if member.fortran else found

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        """The open file; what is wrong with it is one kind of error."""
        try:
            with opened(self.path) as archive:
                yield archive
        except ContainerError:
            raise
        except DAMAGED as error:
            problem = f"cannot be read as .npz: {reason(error)}"
            raise ContainerError(problem, source=str(self.path)) from error
