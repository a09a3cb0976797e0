"""Scenes of one file, read by their numbers: other people's files, converted, and our own.

Ours are the `.npz` files that `ris-tf simulate` writes. An uncompressed archive holds its arrays as
they are in memory, so the rows of a few scenes are read from their places in the file and nothing
else is. They are read and not mapped: where a mapped file is cut off, the process dies without a
word, and its pages count as the process's memory.
"""

import math
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ris_tf.archive import ENCRYPTED, NoArchiveError, member_of, opened, place_of, read_member
from ris_tf.config import Config, Conversion, text_config
from ris_tf.data.conversion import Converted, Joined, converted
from ris_tf.data.errors import DataError
from ris_tf.data.names import MARK
from ris_tf.disk import open_regular
from ris_tf.words import counted

OURS = {"y", "channel", "codes"}  # names that our files have and the PyTorch pipeline's have not
AS_IT_IS = Conversion()
# Axes of the arrays of a file, as `ris_tf.data.export.named_arrays` writes them.
AXES: dict[str, tuple[str, ...]] = {
    "y": ("scenes", "snapshots", "antennas"),
    "channel": ("scenes", "antennas", "elements"),
    "codes": ("scenes", "snapshots", "elements"),
    "snr_db": ("scenes",),
    "noise_variance": ("scenes",),
    "count": ("scenes",),
    "azimuth_deg": ("scenes", "sources"),
    "elevation_deg": ("scenes", "sources"),
    "range_m": ("scenes", "sources"),
    "power": ("scenes", "sources"),
}
LABELS = ("count", "azimuth_deg", "elevation_deg", "range_m", "power")
LARGEST_CONFIGURATION = 1 << 20  # bytes
HELD_ROW = 64  # bytes; arrays of rows up to that are small beside the others and read at once
WHOLE = 1 << 26  # bytes of compressed arrays that are read at once
Runs = list[tuple[int, int]]  # rows that follow each other: the first, and how many
NOT_WHOLE = "is no whole .npz file: it is cut off or damaged, or something else"
UNCOMPRESSED = "write it with numpy.savez, uncompressed"


class Shard(Protocol):
    """Scenes of one file.

    Attributes:
        scenes: how many.
        names: its arrays, by the names of `AXES`.
    """

    scenes: int
    names: tuple[str, ...]

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The scenes of some rows: `[len(rows), ...]` by name, memory bounded by that.

        Raises:
            DataError: the file cannot be read any more.
        """
        ...


@runtime_checkable
class Labelled(Protocol):
    """A shard whose labels are read without its measurements."""

    def labels(self) -> dict[str, np.ndarray]:
        """The `LABELS` of all scenes, those that there are."""
        ...


def open_shard(
    path: Path, convert: Conversion = AS_IT_IS, known: Mapping[str, int] | None = None
) -> Shard:
    """A file of scenes; what it is for, and whether it fits a configuration, is not asked here.

    Args:
        path: `.npz`, HDF5 or MATLAB.
        convert: how its arrays become those of `AXES`, where they are not ours.
        known: sizes `L`, `M`, `N` of the configuration, to tell axes of other files apart.

    Raises:
        DataError: it is no such file, or damaged; one line.
    """
    names = _names_in(path, convert) if path.suffix == ".npz" else set()
    if names >= OURS and (convert == AS_IT_IS or MARK in names):
        return NpzShard(path)
    return ConvertedShard(converted(path, convert, known))


def _names_in(path: Path, convert: Conversion) -> set[str]:
    """Arrays of an archive; none of another file that settings may read."""
    with _as_data_error(path):
        if convert != AS_IT_IS and not zipfile.is_zipfile(path):
            return set()
        with opened(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}


class ConvertedShard:
    """Scenes of somebody's file; see `Shard`.

    Args:
        file: in our names and conventions.
    """

    def __init__(self, file: Converted | Joined):
        self.file = file
        self.scenes = file.scenes
        self.names = tuple(name for name in AXES if name in file.names)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """See `Shard.read`; what a file has once for all scenes is repeated."""
        return self._each(rows, self.names)

    def labels(self) -> dict[str, np.ndarray]:
        """See `Labelled.labels`."""
        return self._each(np.arange(self.scenes), [n for n in LABELS if n in self.names])

    def _each(self, rows: np.ndarray, names: Iterable[str]) -> dict[str, np.ndarray]:
        arrays = self.file.read(rows, names)
        for name, array in arrays.items():
            if array.ndim < len(AXES[name]):
                arrays[name] = np.broadcast_to(array, (len(rows), *array.shape))
        return arrays


class NpzShard:
    """Scenes of an `.npz` file; see `Shard`.

    Args:
        path: the file.

    Attributes:
        made_with: the configuration that `ris-tf simulate` made it with, if it did.

    Raises:
        DataError: it is missing, cut off, compressed and large, or holds no scenes.
    """

    def __init__(self, path: Path):
        self.path = path
        with _as_data_error(path), opened(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            stored = {name: info for name, info in members.items() if name in AXES}
            if "y" not in stored:
                present = ", ".join(list(members)[:20]) or "nothing"
                raise DataError(f"has no array 'y'; it holds {present}", source=str(path))
            self._arrays = {name: _array(path, archive, info) for name, info in stored.items()}
            self.made_with = _configuration(archive, members.get("config"))
        self.names = tuple(name for name in AXES if name in self._arrays)
        y = self._arrays["y"]
        self.scenes = y.shape[0] if len(y.shape) == len(AXES["y"]) else 1
        self._require_scenes()

    @property
    def held(self) -> int:
        """Bytes of its arrays that are in memory."""
        return sum(
            array.values.nbytes for array in self._arrays.values() if array.values is not None
        )

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """See `Shard.read`."""
        return self._read(rows, self.names)

    def labels(self) -> dict[str, np.ndarray]:
        """See `Labelled.labels`."""
        return self._read(np.arange(self.scenes), [name for name in LABELS if name in self.names])

    def _read(self, rows: np.ndarray, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Arrays of some rows; all reading is announced first, so that the disk does it at once."""
        runs = _runs(rows)
        with _as_data_error(self.path), open_regular(self.path) as file:
            _expect_random_reads(file.fileno())
            for name in names:
                self._arrays[name].announce(runs, file.fileno())
            return {name: self._rows(name, rows, runs, file.fileno()) for name in names}

    def _rows(self, name: str, rows: np.ndarray, runs: Runs, descriptor: int) -> np.ndarray:
        array = self._arrays[name]
        if self._of_all_scenes(name):
            return np.broadcast_to(array.whole(descriptor), (len(rows), *array.shape))
        return array.values[rows] if array.values is not None else array.rows(runs, descriptor)

    def _of_all_scenes(self, name: str) -> bool:
        """Whether an array has one value for all scenes, as a codebook may."""
        return len(self._arrays[name].shape) < len(AXES[name])

    def _require_scenes(self) -> None:
        for name in self.names:
            shape = self._arrays[name].shape
            if len(shape) not in (len(AXES[name]), len(AXES[name]) - 1):
                axes = f"must be [{', '.join(AXES[name])}]"
                problem = f"has shape {list(shape)}"
                raise DataError(problem, source=str(self.path), key=name, allowed=axes)
            if not self._of_all_scenes(name) and shape[0] != self.scenes:
                problem = f"is of {counted(shape[0], 'scene')}, y of {self.scenes}"
                raise DataError(problem, source=str(self.path), key=name)
        if not self.scenes:
            raise DataError("has no scene", source=str(self.path))


@dataclass(frozen=True)
class _Array:
    """An array of an archive: where it is in the file, or its values."""

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int = 0
    values: np.ndarray | None = None

    def whole(self, descriptor: int) -> np.ndarray:
        if self.values is not None:
            return self.values
        out = np.empty(self.shape, self.dtype)
        _fill(out.reshape(-1).view(np.uint8), self.offset, descriptor)
        return out

    @property
    def length(self) -> int:
        """Bytes of a row in the file."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def announce(self, runs: Runs, descriptor: int) -> None:
        """Have the system read rows into its cache, without waiting for them."""
        if self.values is not None or not hasattr(os, "posix_fadvise"):  # not on every system
            return
        length = self.length
        for first, count in runs:
            place = self.offset + first * length
            os.posix_fadvise(descriptor, place, count * length, os.POSIX_FADV_WILLNEED)

    def rows(self, runs: Runs, descriptor: int) -> np.ndarray:
        """`[rows, ...]`; neighbours in the file are read together."""
        total, length = sum(count for _, count in runs), self.length
        out = np.empty((total, *self.shape[1:]), self.dtype)
        filled, done = out.reshape(-1).view(np.uint8), 0
        for first, count in runs:
            part = filled[done : done + count * length]
            _fill(part, self.offset + first * length, descriptor)
            done += count * length
        return out


def _expect_random_reads(descriptor: int) -> None:
    """Have the system read what is asked for, and not many times as much behind it."""
    if hasattr(os, "posix_fadvise"):  # not on every system
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)


def _runs(rows: np.ndarray) -> Runs:
    """The rows that follow each other: the first of them, and how many."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return [(int(rows[first]), end - first) for first, end in pairwise(edges)]


def _fill(buffer: np.ndarray, offset: int, descriptor: int) -> None:
    """Fill bytes from a place in a file."""
    done = 0
    view = buffer.data
    while done < len(view):
        count = os.preadv(descriptor, [view[done:]], offset + done)
        if not count:
            raise EOFError("it is cut off")
        done += count


def _array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Array:
    """An array of an archive: read if it is small, else where it lies."""
    name = info.filename.removesuffix(".npy")
    if info.flag_bits & ENCRYPTED:
        raise DataError("is encrypted", source=str(path), key=name, remedy=UNCOMPRESSED)
    try:
        member = member_of(archive, info)
    except ValueError as error:
        problem = f"is damaged: {' '.join(str(error).split())[:200]}"
        raise DataError(problem, source=str(path), key=name) from error
    shape, dtype = member.shape, member.dtype
    if dtype.kind not in "fciu":
        raise DataError(f"holds {dtype}", source=str(path), key=name, allowed="must be numbers")
    small = not shape or member.nbytes <= HELD_ROW * max(shape[0], 1)
    if member.stored and not member.fortran and not small:
        with open_regular(path) as file:
            return _Array(shape, dtype, place_of(file, member))
    if (not member.stored or member.fortran) and member.nbytes > WHOLE:
        order = "in Fortran order (make it numpy.ascontiguousarray)"
        how = order if member.fortran else "compressed"
        raise DataError(f"is stored {how}", source=str(path), key=name, remedy=UNCOMPRESSED)
    return _Array(shape, dtype, values=np.ascontiguousarray(read_member(archive, member)))


def _configuration(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> Config | None:
    """The configuration in an archive, if there is one that this version reads."""
    if info is None or info.file_size > LARGEST_CONFIGURATION:
        return None
    try:
        member = member_of(archive, info)
        return text_config(str(read_member(archive, member)), "config")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        return None  # of another version or program: it is no part of the scenes


@contextmanager
def _as_data_error(path: Path) -> Iterator[None]:
    """Make one line of whatever a damaged file raises."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # numpy and zipfile agree on no error for damaged files
        raise DataError(_reason(error), source=str(path)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    if isinstance(error, NoArchiveError | zipfile.BadZipFile):
        return NOT_WHOLE
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return f"cannot be read as .npz: {reason}"
