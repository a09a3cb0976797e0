"""Arrays of numpy's `.npz` files: read by rows where they lie unpacked, and never unpickled."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ris_tf.data.containers.base import (
    LONGEST_TEXT,
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
from ris_tf.data.errors import FileError

HEADER = 65_536  # bytes of an array's header that are read; ours have 128
LOCAL = struct.Struct("<4s22xHH")  # zip's header before each member: its mark, two lengths
DAMAGED = (OSError, ValueError, EOFError, KeyError, RuntimeError, NotImplementedError,
           zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, MemoryError,
           OverflowError, TypeError, RecursionError)  # fmt: skip


@dataclass(frozen=True)
class _Member:
    """Where an array lies: `stored` unpacked from byte `begin` of the file or of the member."""

    info: zipfile.ZipInfo
    dtype: np.dtype
    begin: int
    fortran: bool

    @property
    def stored(self) -> bool:
        return self.info.compress_type == zipfile.ZIP_STORED


class Npz:
    """An `.npz` file. Raises `FileError` where it is none, or is damaged."""

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, Entry] = {}
        self._members: dict[str, _Member] = {}
        self._kept = Kept()
        with self._archive() as archive:
            infos = archive.infolist()
            if len(infos) > MOST_ENTRIES:
                problem = f"holds {len(infos)} arrays; at most {MOST_ENTRIES} are read"
                raise FileError(problem, source=str(path))
            for info in infos:
                self._add(archive, info)

    def read(self, name: str, axis: int = 0, rows: np.ndarray | None = None) -> np.ndarray:
        """An array, or the places `rows` along one of its axes; see `Container`."""
        entry, member = self.entries[name], self._members.get(name)
        if member is None:
            raise FileError(entry.problem, source=str(self.path), key=name)
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
        with archive.open(info) as file:
            head = io.BytesIO(file.read(HEADER))
        shape, fortran, dtype = _header(head)
        if dtype.hasobject:
            problem = "holds Python objects, which are never loaded; save plain numbers"
            self.entries[name] = Entry(name, shape, dtype, problem)
            return
        member = _Member(info, dtype, head.tell(), fortran)
        entry = Entry(name, shape, complex_dtype(dtype) or dtype, whole=not member.stored)
        self._check(Entry(name, shape, dtype), member)
        self.entries[name], self._members[name] = entry, member

    def _check(self, raw: Entry, member: _Member) -> None:
        """Refuse sizes that the file does not have."""
        info = member.info
        if raw.nbytes + member.begin != info.file_size:
            problem = f"declares {raw.nbytes} bytes of numbers and has {info.file_size}"
            raise FileError(f"is damaged: {problem}", source=str(self.path), key=raw.name)
        if not member.stored:
            refuse_unpacked(self.path, raw.name, raw.nbytes, info.compress_size)
        elif info.header_offset + info.file_size > self.path.stat().st_size:
            raise FileError("is cut off", source=str(self.path), key=raw.name)

    def _whole(self, entry: Entry, member: _Member) -> np.ndarray:
        raw = Entry(entry.name, entry.shape, member.dtype)
        refuse_whole(self.path, entry.name, raw.nbytes)
        with self._archive() as archive, archive.open(member.info) as file:
            file.read(member.begin)
            data = file.read(raw.nbytes)  # without a size, zipfile may unpack 2 GiB at once
        if len(data) != raw.nbytes:
            raise FileError("is cut off", source=str(self.path), key=entry.name)
        order = "F" if member.fortran else "C"
        return np.frombuffer(data, member.dtype).reshape(entry.shape, order=order)

    def _rows(self, entry: Entry, member: _Member, wanted: np.ndarray) -> np.ndarray:
        """Rows of an array that lies unpacked, scenes outermost."""
        shape = entry.shape[:-1][::-1] if member.fortran else entry.shape[1:]
        unique, places = np.unique(wanted, return_inverse=True)
        row = Entry(entry.name, shape, member.dtype)
        refuse_whole(self.path, entry.name, row.nbytes * len(unique))
        found = np.empty((len(unique), *shape), member.dtype)
        with self.path.open("rb") as file:
            begin, done = _begin(file, member), 0
            for first, end in runs(unique):
                file.seek(begin + first * row.nbytes)
                block = np.fromfile(file, member.dtype, (end - first) * row.nbytes
                                    // member.dtype.itemsize)  # fmt: skip
                if block.nbytes != (end - first) * row.nbytes:
                    raise FileError("is cut off", source=str(self.path), key=entry.name)
                found[done : done + end - first] = block.reshape(-1, *shape)
                done += end - first
        found = found[places]
        return found.transpose() if member.fortran else found

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        """The open file; what is wrong with it is one kind of error."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except FileError:
            raise
        except DAMAGED as error:
            problem = f"cannot be read as .npz: {reason(error)}"
            raise FileError(problem, source=str(self.path)) from error


def npz_text(container: Npz, name: str) -> str:
    """A scalar of text, as the configuration of simulated scenes; empty if it is no such."""
    entry = container.entries.get(name)
    if entry is None or entry.dtype.kind != "U" or entry.shape or entry.nbytes > LONGEST_TEXT:
        return ""
    return str(container.read(name))


def _header(head: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(head)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(head)
    if any(length < 0 for length in shape):
        raise ValueError(f"an array of shape {list(shape)}")
    return tuple(int(length) for length in shape), bool(fortran), dtype


def _begin(file: io.BufferedReader, member: _Member) -> int:
    """The first byte of an unpacked array."""
    file.seek(member.info.header_offset)
    mark, name, extra = LOCAL.unpack(file.read(LOCAL.size))
    if mark != b"PK\x03\x04":
        raise FileError("is damaged", source=file.name, key=member.info.filename)
    return member.info.header_offset + LOCAL.size + name + extra + member.begin
