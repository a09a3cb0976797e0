"""Arrays of `.npz` archives that anybody may have made: every size is known before memory is taken.

What an archive declares of its list of files, of its members and of the arrays in them has to agree
with the bytes that are there. Objects are never loaded.
"""

import math
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO

import numpy as np

from ris_tf.disk import open_regular

LARGEST_DIRECTORY = 64 << 20  # bytes of an archive's list of files
LARGEST_HEADER = 65_536  # bytes of an array's header that are read; ours have 128
END, END_64 = b"PK\x05\x06", b"PK\x06\x06"  # of the records behind an archive's list of files
IN_THE_LARGER = 0xFFFF_FFFF  # a size that the first of them leaves to the second
BEHIND = 1 << 16  # bytes in which they lie
LOCAL = struct.Struct("<4s22xHH")  # zip's header before each member: its mark, two lengths
LOCAL_MARK = b"PK\x03\x04"
ENCRYPTED = 1  # flag of a member
DESCRIBED = "config.json"  # of a .keras archive: how its network is made
LARGEST_DESCRIPTION = 1 << 22  # bytes; ours have some thousand
PACKED = 20  # times its size that a file of weights may unpack to: they are noise
# Other methods may ask for any amount of memory before the first byte.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class NoArchiveError(ValueError):
    """A file has no end of an archive: it is cut off, or something else."""


@dataclass(frozen=True)
class Member:
    """An array of an archive, of which the header was read.

    Attributes:
        name: without `.npy`.
        shape: its axes.
        dtype: of its numbers.
        fortran: whether the first axis is the fastest.
        begin: bytes of the member before its numbers.
        info: the archive's own entry.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    begin: int
    info: zipfile.ZipInfo

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers; Python's whole numbers do not overflow."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stored(self) -> bool:
        """Whether it lies in the file as it is in memory, but for the order of its axes."""
        return self.info.compress_type == zipfile.ZIP_STORED


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive, whose list of files is not larger than a list may be.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no archive, or lists too much.
        zipfile.BadZipFile: it is damaged.
    """
    with open_regular(path) as file:
        size = directory_size(file)
        if size is None:
            raise NoArchiveError("it is no whole archive")
        if size > LARGEST_DIRECTORY:
            raise ValueError(f"it lists files in {size:,} bytes")
        with zipfile.ZipFile(file) as archive:
            yield archive


def directory_size(file: IO[bytes]) -> int | None:
    """Bytes of an archive's list of files, as its end declares; `None` without an end."""
    length = file.seek(0, 2)
    file.seek(max(length - BEHIND, 0))
    behind = file.read()
    place = behind.rfind(END)
    if place < 0 or len(behind) < place + 22:
        return None
    size = struct.unpack_from("<L", behind, place + 12)[0]
    place_64 = behind.rfind(END_64)
    if place_64 >= 0 and len(behind) >= place_64 + 56:
        larger = struct.unpack_from("<Q", behind, place_64 + 40)[0]
        size = larger if size == IN_THE_LARGER else max(size, larger)
    return size


def member_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    """An array by its header, which has to agree with the size of the member.

    Raises:
        ValueError: it does not, or cannot be read.
    """
    if info.flag_bits & ENCRYPTED:
        raise ValueError("it is encrypted")
    if info.compress_type not in METHODS:
        raise ValueError("it is compressed in another way than numpy's")
    with archive.open(info) as file:
        shape, fortran, dtype, begin = read_header(file)
    name = info.filename.removesuffix(".npy")
    member = Member(name, shape, dtype, fortran, begin, info)
    if not dtype.hasobject and begin + member.nbytes != info.file_size:
        raise ValueError(
            f"it declares {member.nbytes} bytes of numbers and has {info.file_size - begin}"
        )
    return member


def read_member(archive: zipfile.ZipFile, member: Member) -> np.ndarray:
    """The numbers of an array; the caller has looked at `nbytes`.

    Raises:
        ValueError: it holds objects.
        EOFError: it is cut off.
    """
    if member.dtype.hasobject:
        raise ValueError("it holds Python objects, which are never loaded")
    with archive.open(member.info) as file:
        file.read(member.begin)
        data = file.read(member.nbytes)  # without a size, zipfile may unpack 2 GiB at once
    if len(data) != member.nbytes:
        raise EOFError("it is cut off")
    order = "F" if member.fortran else "C"
    return np.frombuffer(data, member.dtype).reshape(member.shape, order=order)


def place_of(file: BufferedReader, member: Member) -> int:
    """The first byte of the numbers of a stored array in the file.

    Raises:
        EOFError: they are not all there.
        ValueError: the archive is damaged.
    """
    file.seek(member.info.header_offset)
    mark, name, extra = LOCAL.unpack(file.read(LOCAL.size))
    if mark != LOCAL_MARK:
        raise ValueError("it is damaged")
    begin = member.info.header_offset + LOCAL.size + name + extra + member.begin
    if begin + member.nbytes > file.seek(0, 2):
        raise EOFError("it is cut off")
    return begin


def read_arrays(path: Path, limit: int) -> dict[str, np.ndarray]:
    """All arrays of an archive, which take no more than so many bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none, damaged, or larger.
        zipfile.BadZipFile, zlib.error, EOFError: it is damaged.
    """
    with opened(path) as archive:
        infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        total = sum(info.file_size for info in infos)
        if total > limit:
            raise ValueError(f"it unpacks to {total:,} bytes, of which {limit:,} can be needed")
        members = [member_of(archive, info) for info in infos]
        return {member.name: read_member(archive, member) for member in members}


def write_arrays(file: IO[bytes], arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write an archive as `np.savez` does, byte for byte, with one array at a time in memory.

    Args:
        file: to write to.
        arrays: by name, made one after the other.

    Raises:
        OSError: the disk refused.
        ValueError: one has objects.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def keras_description(path: Path) -> bytes:
    """How the model of a `.keras` file is made, as JSON, of a file that unpacks to what it has.

    Raises:
        OSError, KeyError, zipfile.BadZipFile: it cannot be read, or is no such file.
        ValueError: it unpacks to far more than it has.
    """
    with opened(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        limit = PACKED * path.stat().st_size + LARGEST_HEADER
        if sum(sizes.values()) > limit or sizes.get(DESCRIBED, 0) > LARGEST_DESCRIPTION:
            raise ValueError("it unpacks to far more than it has")
        return archive.read(DESCRIBED)


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether the first axis is the fastest, type, and bytes before the numbers.

    Raises:
        ValueError: there is no such header.
    """
    bounded = _Bounded(file, LARGEST_HEADER)
    version = np.lib.format.read_magic(bounded)
    read = {(1, 0): np.lib.format.read_array_header_1_0}
    shape, fortran, dtype = read.get(version, np.lib.format.read_array_header_2_0)(bounded)
    if any(length < 0 for length in shape):
        raise ValueError(f"an array of shape {list(shape)}")
    return tuple(int(length) for length in shape), bool(fortran), dtype, bounded.taken


class _Bounded:
    """The first bytes of a file: a header may claim to have gigabytes."""

    def __init__(self, file: IO[bytes], limit: int):
        self._file, self._limit = file, limit
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes, unless that is beyond the limit."""
        if size < 0 or self.taken + size > self._limit:
            raise ValueError(f"its header has more than {self._limit:,} bytes")
        data = self._file.read(size)
        self.taken += len(data)
        return data
