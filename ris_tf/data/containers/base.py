"""What every container has, and the limits that files from anybody must keep."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ris_tf.data.errors import ContainerError

MEBIBYTE = 2**20
# An array that has to be in memory whole, because it is packed: what a small computer can spare.
LARGEST_WHOLE = 1024 * MEBIBYTE
# Deflate makes at most 1032 bytes of one (its shortest code stands for 258 bytes in 2 bits).
DEFLATE = 1032
# Measurements have noise, which does not shrink: beyond, and above LARGEST_LOOSE, it is a bomb.
LIKELY_RATIO = 100
LARGEST_LOOSE = 64 * MEBIBYTE
LARGEST_CHUNK = 256 * MEBIBYTE  # of HDF5: one number of it unpacks it all
MOST_ENTRIES = 10_000  # arrays of a file
DEEPEST = 16  # groups or structs inside one another
REAL_NAMES = {"real", "re", "r"}  # fields of complex numbers, in any case of letters
IMAGINARY_NAMES = {"imag", "im", "i"}
PAIR = 2


@dataclass(frozen=True)
class Entry:
    """One array of a file, before it is read.

    Attributes:
        name: in the file; of groups and structs a path, as `group/name`.
        shape: its axes, in the order in which the tool that wrote it names them.
        dtype: of its numbers; complex where they lie as records of real and imaginary part.
        problem: why it cannot be read, empty if it can.
        whole: whether it is in memory whole while any of it is read.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    problem: str = ""
    whole: bool = False

    @property
    def numeric(self) -> bool:
        """Whether its numbers can be read."""
        return not self.problem and self.dtype.kind in "fciub"

    @property
    def nbytes(self) -> int:
        """Bytes of all its numbers; Python's whole numbers do not overflow."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


class Container(Protocol):
    """A file of named arrays, of which nothing is in memory before it is read."""

    path: Path

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The arrays by name, in the file's order."""
        ...

    def read(self, name: str, axis: int = 0, rows: np.ndarray | None = None) -> np.ndarray:
        """An array, or the places `rows` along one of its axes.

        Raises:
            ContainerError: it cannot be read.
        """
        ...


class Kept:
    """Arrays that had to be unpacked whole, kept while they fit into `LARGEST_WHOLE` together."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def get(self, name: str, unpack: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of a name, unpacked unless it is kept."""
        if name not in self._arrays:
            array = unpack()
            if sum(kept.nbytes for kept in self._arrays.values()) + array.nbytes > LARGEST_WHOLE:
                self._arrays.clear()
            self._arrays[name] = array
        return self._arrays[name]


def refuse_unpacked(path: Path, name: str, unpacked: int, packed: int) -> None:
    """Refuse what unpacks to more than its bytes can hold, or than measurements do.

    Raises:
        ContainerError: it does.
    """
    if unpacked > DEFLATE * (packed + 1024):
        problem = f"declares {_size(unpacked)}, which its {_size(packed)} cannot hold"
        raise ContainerError(
            problem, source=str(path), key=name, remedy="the file is damaged or false"
        )
    if unpacked > LARGEST_LOOSE and unpacked > LIKELY_RATIO * packed:
        raise ContainerError(
            f"unpacks to {_size(unpacked)} from {_size(packed)}, which measurements do not",
            source=str(path),
            key=name,
            remedy="if you trust it, save it without compression",
        )


def refuse_whole(path: Path, name: str, size: int) -> None:
    """Refuse an array that would have to be in memory whole and is too large for that.

    Raises:
        ContainerError: it is.
    """
    if size > LARGEST_WHOLE:
        raise ContainerError(
            f"takes {_size(size)} of memory at once; at most {_size(LARGEST_WHOLE)} is read so",
            source=str(path),
            key=name,
            remedy="save it without compression as .npz with the scenes first, or in HDF5 chunks",
        )


def complex_dtype(dtype: np.dtype) -> np.dtype | None:
    """The complex type of records of a real and an imaginary part; `None` for other records."""
    if dtype.fields is None or len(dtype.fields) != PAIR:
        return None
    real, imaginary = dtype.names or ("", "")
    parts = {dtype[real], dtype[imaginary]}
    named = real.casefold() in REAL_NAMES and imaginary.casefold() in IMAGINARY_NAMES
    if not named or len(parts) != 1 or (part := parts.pop()).kind not in "fiu" or part.shape:
        return None
    return np.dtype(np.complex64 if part.itemsize <= 4 and part.kind == "f" else np.complex128)


def from_records(array: np.ndarray) -> np.ndarray:
    """Records of real and imaginary part as complex numbers; other arrays as they are."""
    dtype = complex_dtype(array.dtype)
    if dtype is None:
        return array
    real, imaginary = array.dtype.names or ("", "")
    joined = np.empty(array.shape, dtype)
    joined.real, joined.imag = array[real], array[imaginary]
    return joined


def runs(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """`[first, end)` of the unbroken runs of sorted, different whole numbers."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for run in np.split(rows, breaks):
        if len(run):
            yield int(run[0]), int(run[-1]) + 1


def checked_rows(path: Path, entry: Entry, axis: int, rows: np.ndarray) -> np.ndarray:
    """Places along an axis, as whole numbers that are there.

    Raises:
        ContainerError: one of them is not.
    """
    wanted = np.asarray(rows, np.int64)
    length = entry.shape[axis]
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < length:
        problem = f"has {length} places along axis {axis}, not {int(wanted.max()) + 1}"
        raise ContainerError(problem, source=str(path), key=entry.name)
    return wanted


def reason(error: BaseException) -> str:
    """What a library says of a damaged file, as part of a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _size(size: int) -> str:
    """Bytes as people write them."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = min(max(size.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size / 1024**power:.3g} {units[power]}"
