"""Arrays of MATLAB files of version 5 (`save`, without `-v7.3`), read here byte by byte.

`scipy.io.loadmat` reads them, too, but follows structs into structs without end: a file of 11 MB
ends the process (test_hostile_files.py). Only numbers are read: no objects, no functions. The
format is in MathWorks' "MAT-File Format".
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ris_tf.data.containers.base import (
    DEEPEST,
    MOST_ENTRIES,
    Entry,
    Kept,
    checked_rows,
    reason,
    refuse_unpacked,
    refuse_whole,
)
from ris_tf.data.errors import ContainerError
from ris_tf.disk import open_regular

FILE_HEADER = 128
TAG = 8  # bytes of type and length before each element
MATRIX, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
NUMBERS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
           15: "u8"}  # fmt: skip
STRUCT = 2
OTHERS = {1: "a cell array", 3: "an object", 4: "text", 5: "a sparse matrix", 16: "a function",
          17: "an object"}  # fmt: skip
REMEDIES = {1: "join the cells to one array, as cat(3, c{:})", 5: "save full(...) of it"}
COMPLEX = 0x0800
HEAD = 4096  # bytes of a packed variable that hold its class, axes and name
UNKNOWN = np.dtype("V0")


class _Variable(NamedTuple):
    """Where a variable lies in the file: its elements, packed or not."""

    offset: int
    length: int
    packed: bool


@dataclass(frozen=True)
class _Header:
    """What comes before a variable's numbers."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    end: int  # where the numbers begin

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers, as MATLAB has them."""
        plain = np.dtype(NUMBERS.get(self.kind, "V0"))
        if not self.is_complex or self.kind not in NUMBERS:
            return plain
        return np.dtype(np.complex64 if self.kind == 7 else np.complex128)


class Matlab:
    """A MATLAB file of version 5. Raises `ContainerError` where it is none, or is damaged."""

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, Entry] = {}
        self._variables: dict[str, _Variable] = {}
        self._kept = Kept()
        self._endian = "<"
        try:
            self._find()
        except (struct.error, ValueError, UnicodeDecodeError, zlib.error, OSError) as error:
            if isinstance(error, ContainerError):
                raise
            raise self._damaged(reason(error)) from error

    def read(self, name: str, axis: int = 0, rows: np.ndarray | None = None) -> np.ndarray:
        """An array, or the places `rows` along one of its axes; see `Container`."""
        entry = self.entries[name]
        if not entry.numeric:
            raise ContainerError(entry.problem, source=str(self.path), key=name)
        try:
            array = self._kept.get(name, lambda: self._numbers(name))
        except (struct.error, ValueError, zlib.error, OSError) as error:
            if isinstance(error, ContainerError):
                raise
            raise self._damaged(reason(error)) from error
        if rows is None:
            return array
        return np.take(array, checked_rows(self.path, entry, axis, rows), axis=axis)

    def _find(self) -> None:
        """Go through the variables, reading their headers only."""
        size = self.path.stat().st_size
        with open_regular(self.path) as file:
            head = file.read(FILE_HEADER)
            self._endian = "<" if head[126:128] == b"IM" else ">"
            offset = FILE_HEADER
            while offset + TAG <= size:
                file.seek(offset)
                kind, length = struct.unpack(f"{self._endian}II", file.read(TAG))
                variable = _Variable(offset + TAG, length, kind == COMPRESSED)
                if kind not in (MATRIX, COMPRESSED) or offset + TAG + length > size:
                    raise self._damaged("it is cut off, or its lengths are false")
                self._add(variable)
                offset += TAG + length

    def _add(self, variable: _Variable) -> None:
        if len(self.entries) >= MOST_ENTRIES:
            raise ContainerError(f"holds over {MOST_ENTRIES} arrays", source=str(self.path))
        data, length = self._head(variable)
        header = self._header(data, 0)
        if not header.name or header.name == "__function_workspace__":
            return
        if variable.packed:
            refuse_unpacked(self.path, header.name, length, variable.length)
        if header.kind != STRUCT:
            self._note(header.name, header, variable, length)
            return
        body = self._unpacked(variable, header.name)
        _Fields(self, variable, body).walk(header, header.name, 1)

    def _note(self, name: str, header: _Header, variable: _Variable, length: int) -> None:
        problem = ""
        if header.kind not in NUMBERS:
            what = OTHERS.get(header.kind, f"of class {header.kind}")
            problem = f"is {what}, which is not read"
            if header.kind in REMEDIES:
                problem += f"; {REMEDIES[header.kind]}"
        self.entries[name] = Entry(name, header.shape, header.dtype, problem, whole=True)
        self._variables[name] = variable
        count = int(np.prod(header.shape, dtype=object))
        if not problem and count > length:  # a number takes a byte at least
            problem = f"declares {count} numbers, which its {length} bytes cannot hold"
            raise ContainerError(problem, source=str(self.path), key=name)

    def _head(self, variable: _Variable) -> tuple[bytes, int]:
        """The first bytes of a variable, unpacked and without its tag, and its declared length."""
        with open_regular(self.path) as file:
            file.seek(variable.offset)
            data = file.read(min(variable.length, HEAD))
        if not variable.packed:
            return data, variable.length
        data = zlib.decompressobj().decompress(data, HEAD)
        return data[TAG:], self._matrix_length(data)

    def _matrix_length(self, data: bytes) -> int:
        kind, length = struct.unpack_from(f"{self._endian}II", data)
        if kind != MATRIX:
            raise self._damaged(f"a variable of type {kind}")
        return length

    def _unpacked(self, variable: _Variable, name: str) -> memoryview:
        """All of a variable, after its length has been believed."""
        with open_regular(self.path) as file:
            file.seek(variable.offset)
            if not variable.packed:
                refuse_whole(self.path, name, variable.length)
                return memoryview(file.read(variable.length))
            packed = file.read(variable.length)
        engine = zlib.decompressobj()
        head = engine.decompress(packed, TAG)
        length = self._matrix_length(head)
        refuse_unpacked(self.path, name, length, variable.length)
        refuse_whole(self.path, name, length)
        data = engine.decompress(engine.unconsumed_tail, length) if length else b""
        if len(data) != length:
            raise self._damaged(f"{name} is cut off")
        return memoryview(data)

    def _header(self, data: bytes | memoryview, begin: int) -> _Header:
        """Class, axes and name of a variable whose elements begin at a byte of `data`."""
        flags, at = self._element(data, begin)
        (word,) = struct.unpack_from(f"{self._endian}I", flags)
        kind = word & 0xFF
        if kind == 17:  # objects have no axes: their name comes next
            name, at = self._element(data, at)
            return _Header(kind, False, (), _text(name), at)
        axes, at = self._element(data, at)
        shape = struct.unpack(f"{self._endian}{len(axes) // 4}i", axes)
        if not 2 <= len(shape) <= 32 or any(length < 0 for length in shape):
            raise self._damaged(f"an array of shape {list(shape)[:32]}")
        name, at = self._element(data, at)
        return _Header(kind, bool(word & COMPLEX), shape, _text(name), at)

    def _element(self, data: bytes | memoryview, at: int) -> tuple[bytes, int]:
        """The bytes of a short element, and where the next begins."""
        view, end, _ = self._part(data, at)
        return bytes(view[:HEAD]), end

    def _part(self, data: bytes | memoryview, at: int) -> tuple[memoryview, int, int]:
        """An element's bytes, where the next begins, and its type."""
        (first,) = struct.unpack_from(f"{self._endian}I", data, at)
        if first >> 16:  # small elements: length and type in one word, data in the next
            kind, length, begin, end = first & 0xFFFF, first >> 16, at + 4, at + TAG
            length = min(length, 4)
        else:
            kind, length = struct.unpack_from(f"{self._endian}II", data, at)
            begin = at + TAG
            end = begin + (length if kind == MATRIX else -(-length // 8) * 8)
        if begin + length > len(data):
            raise self._damaged("it is cut off, or its lengths are false")
        return memoryview(data)[begin : begin + length], end, kind

    def _numbers(self, name: str) -> np.ndarray:
        """A variable's numbers, as MATLAB shows them."""
        variable = self._variables[name]
        data = self._unpacked(variable, name)
        header = self._header(data, 0)
        if header.kind == STRUCT:
            header, data = _Fields(self, variable, data).found(header, header.name, name)
        refuse_whole(self.path, name, Entry(name, header.shape, header.dtype).nbytes)
        real, at = self._column(data, header.end, header)
        if not header.is_complex:
            return real.reshape(header.shape, order="F")
        joined = np.empty(real.shape, header.dtype)
        joined.real = real
        joined.imag, _ = self._column(data, at, header)
        return joined.reshape(header.shape, order="F")

    def _column(self, data: memoryview, at: int, header: _Header) -> tuple[np.ndarray, int]:
        """The real or imaginary part: MATLAB stores them as the smallest type that holds them."""
        size = int(np.prod(header.shape, dtype=object))
        if at >= len(data) and not size:
            return np.empty(0, NUMBERS[header.kind]), at
        part, end, kind = self._part(data, at)
        if kind not in STORED:
            raise self._damaged(f"numbers of type {kind}")
        stored = np.dtype(f"{self._endian}{STORED[kind]}")
        if len(part) != size * stored.itemsize:
            raise self._damaged(f"{header.name or 'a field'} has {len(part)} bytes of numbers")
        return np.frombuffer(part, stored).astype(NUMBERS[header.kind]), end

    def _damaged(self, why: str) -> ContainerError:
        return ContainerError(f"cannot be read as MATLAB file: {why}", source=str(self.path))


class _Fields:
    """The numbers inside a struct, by their paths."""

    def __init__(self, file: Matlab, variable: _Variable, data: memoryview):
        self.file, self.variable, self.data = file, variable, data

    def walk(self, header: _Header, path: str, depth: int) -> None:
        """Notice every array below a struct."""
        for name, field, body in self._fields(header, path, depth):
            if field.kind == STRUCT:
                _Fields(self.file, self.variable, body).walk(field, name, depth + 1)
            else:
                self.file._note(name, field, self.variable, len(body))

    def found(self, header: _Header, path: str, wanted: str) -> tuple[_Header, memoryview]:
        """The array of a path, and the bytes that its header counts in."""
        for name, field, body in self._fields(header, path, 1):
            if name == wanted:
                return field, body
            if wanted.startswith(f"{name}/") and field.kind == STRUCT:
                return _Fields(self.file, self.variable, body).found(field, name, wanted)
        raise self.file._damaged(f"{wanted} is gone")

    def _fields(
        self, header: _Header, path: str, depth: int
    ) -> Iterator[tuple[str, _Header, memoryview]]:
        """Path, header and bytes of each field."""
        if depth > DEEPEST or len(self.file.entries) >= MOST_ENTRIES:
            raise self.file._damaged(f"{path} has too many structs inside one another")
        if int(np.prod(header.shape, dtype=object)) != 1:
            problem = "is an array of structs, which is not read; save its fields as arrays"
            self.file.entries[path] = Entry(path, header.shape, UNKNOWN, problem)
            return
        widths, at = self.file._element(self.data, header.end)
        (width,) = struct.unpack_from(f"{self.file._endian}i", widths)
        names, at, _ = self.file._part(self.data, at)
        if not 0 < width <= HEAD or len(names) // width > MOST_ENTRIES:
            raise self.file._damaged(f"the fields of {path}")
        for first in range(0, len(names) - width + 1, width):
            body, at, kind = self.file._part(self.data, at)
            if kind != MATRIX:
                raise self.file._damaged(f"a field of type {kind}")
            if len(body):  # an empty field has no elements at all
                name = f"{path}/{_text(names[first : first + width])}"
                yield name, self.file._header(body, 0), body


def _text(data: bytes | memoryview) -> str:
    return bytes(data).split(b"\0")[0].decode("utf-8")
