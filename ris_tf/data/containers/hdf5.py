"""Arrays of HDF5 files, those of MATLAB's `-v7.3` included, whose axes lie in reverse there.

Nothing outside the file is opened and no filter is loaded that does not come with the library:
links, external storage and virtual arrays are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from h5py import h5o  # pyright: ignore[reportAttributeAccessIssue]

from ris_tf.data.containers.base import (
    DEEPEST,
    LARGEST_CHUNK,
    MOST_ENTRIES,
    Entry,
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

MATLAB = b"MATLAB 7.3"
MATLAB_OWN = "#"  # groups of MATLAB's own begin so
# Filters that come with the library or with h5py; others would be looked for on this computer.
FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
NO_LINKS = "copy the arrays themselves into one file, as h5repack or h5copy do"
# What h5py raises of damaged files.
DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, OverflowError,
           MemoryError, UnicodeDecodeError, NotImplementedError, SystemError)  # fmt: skip


class Hdf5:
    """An HDF5 file. Raises `ContainerError` where it is none, is damaged, or leads outside."""

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, Entry] = {}
        with open_regular(path) as file:
            self.matlab = file.read(len(MATLAB)) == MATLAB
        with self._file() as file:
            self._walk(file, "", 0, set())

    def read(self, name: str, axis: int = 0, rows: np.ndarray | None = None) -> np.ndarray:
        """An array, or the places `rows` along one of its axes; see `Container`."""
        entry = self.entries[name]
        if not entry.numeric:
            raise ContainerError(entry.problem or "is no array of numbers", source=str(self.path),
                            key=name)  # fmt: skip
        with self._file() as file:
            data = file[name]
            assert isinstance(data, h5py.Dataset)
            if rows is None:
                refuse_whole(self.path, name, entry.nbytes)
                return self._as_written(data[()])
            wanted = checked_rows(self.path, entry, axis, rows)
            inner = len(entry.shape) - 1 - axis if self.matlab else axis
            unique, places = np.unique(wanted, return_inverse=True)
            row = entry.nbytes // max(entry.shape[axis], 1)
            refuse_whole(self.path, name, row * len(unique))
            before = (slice(None),) * inner
            blocks = [data[(*before, slice(*run))] for run in runs(unique)]
            empty = data[(*before, slice(0, 0))] if not blocks else None
            joined = np.concatenate(blocks, axis=inner) if empty is None else empty
            return self._as_written(np.take(joined, places, axis=inner))

    def _as_written(self, array: np.ndarray) -> np.ndarray:
        """With the axes in the order of the tool that wrote them."""
        joined = from_records(np.asarray(array))
        return joined.transpose() if self.matlab else joined

    def _walk(self, group: h5py.Group, path: str, depth: int, seen: set[int]) -> None:
        """Notice the arrays below a group; groups may contain themselves."""
        if depth > DEEPEST:
            raise self._refused(path, f"has more than {DEEPEST} groups inside one another")
        for name in group:
            name = str(name)  # noqa: PLW2901 (h5py leaves its type open)
            here = f"{path}{name}"
            if len(self.entries) + len(seen) > MOST_ENTRIES:
                raise self._refused("", f"holds over {MOST_ENTRIES} arrays and groups")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                kind = "a link to another file" if isinstance(link, h5py.ExternalLink) else "a link"
                raise self._refused(here, f"is {kind}, which is not followed", NO_LINKS)
            if name.startswith(MATLAB_OWN) and self.matlab:
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                place = h5o.get_info(item.id).addr
                if place not in seen:
                    seen.add(place)
                    self._walk(item, f"{here}/", depth + 1, seen)
            elif isinstance(item, h5py.Dataset):
                self.entries[here] = self._entry(here, item)

    def _entry(self, name: str, data: h5py.Dataset) -> Entry:
        """An array by its header; refused where it leads outside or is larger than it can be."""
        self._check_storage(name, data)
        shape = tuple(int(length) for length in data.shape or ())
        shape = shape[::-1] if self.matlab else shape
        dtype = data.dtype
        if self.matlab and (what := _matlab_class(data)) in ("cell", "char", "function_handle"):
            return Entry(name, shape, np.dtype("V0"), f"is a {what} array, which is not read")
        if dtype.hasobject or data.shape is None:
            return Entry(name, shape, np.dtype("V0"), "holds text or references, not numbers")
        entry = Entry(name, shape, complex_dtype(dtype) or dtype)
        stored = min(data.id.get_storage_size(), self.path.stat().st_size)
        refuse_unpacked(self.path, name, entry.nbytes, stored)
        return entry

    def _check_storage(self, name: str, data: h5py.Dataset) -> None:
        plan = data.id.get_create_plist()
        layout = plan.get_layout()
        if layout == h5py.h5d.VIRTUAL:
            raise self._refused(name, "is virtual: its numbers lie elsewhere", NO_LINKS)
        if plan.get_external_count():
            raise self._refused(name, "has its numbers in another file", NO_LINKS)
        filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        unknown = [number for number in filters if number not in FILTERS]
        if unknown:
            problem = f"is packed by filter {unknown[0]}, which does not come with HDF5"
            raise self._refused(name, problem, "save it with gzip or without compression")
        if layout == h5py.h5d.CHUNKED:
            chunk = Entry(name, tuple(plan.get_chunk()), data.dtype)
            if chunk.nbytes > LARGEST_CHUNK:
                problem = f"lies in chunks of {chunk.nbytes} bytes"
                raise self._refused(name, problem, f"at most {LARGEST_CHUNK} are read")

    def _refused(self, name: str, problem: str, remedy: str = "") -> ContainerError:
        return ContainerError(problem, source=str(self.path), key=name, remedy=remedy)

    @contextmanager
    def _file(self) -> Iterator[h5py.File]:
        """The open file; what is wrong with it is one kind of error."""
        try:
            with h5py.File(self.path, "r", locking=False) as file:
                yield file
        except ContainerError:
            raise
        except DAMAGED as error:
            problem = f"cannot be read as HDF5: {reason(error)}"
            raise ContainerError(problem, source=str(self.path)) from error


def _matlab_class(data: h5py.Dataset) -> str:
    """What MATLAB says that an array is; empty if it says nothing readable."""
    if "MATLAB_class" not in data.attrs:
        return ""
    attribute = data.attrs.get_id("MATLAB_class")
    if attribute.dtype.kind != "S" or attribute.dtype.itemsize > 64 or attribute.shape:
        return ""
    value = data.attrs["MATLAB_class"]
    return bytes(value).decode("ascii", "replace") if isinstance(value, bytes | np.bytes_) else ""
