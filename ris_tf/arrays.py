"""Arrays of numbers from files that scenes are made of: checked before they are read.

No TensorFlow.
"""

import hashlib
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ris_tf.errors import UserError

LARGEST = 2 * 2**30  # bytes of an array: it is in memory, once, as complex64 half as much
ARRAY, ARCHIVE = b"\x93NUMPY", b"PK\x03\x04"  # how .npy and .npz begin


class FileError(UserError):
    """A file that scenes are made of cannot be used."""


def shown(path: Path) -> str:
    """A path for people: from the current folder, where it is in that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def digest_of(path: Path, key: str) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        FileError: it cannot be read; `key` is the configuration key that names it.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, key, error) from error


def require_same(path: Path, digest: str | None, key: str) -> None:
    """Refuse a file that has changed since a run began.

    Raises:
        FileError: it has, or cannot be read.
    """
    if digest is not None and digest_of(path, key) != digest:
        remedy = "put back the file that the run began with, or start a new run"
        raise FileError(
            "has changed since the run began", key=key, value=shown(path), remedy=remedy
        )


def read_array(path: Path, name: str, key: str) -> np.ndarray:
    """An array of numbers, all finite, of a `.npy`, or of a name in a `.npz`.

    Its size is checked against `LARGEST` before anything of it is read, and no object is made.

    Args:
        path: the file.
        name: of the array in an archive.
        key: the configuration key that names the file, for errors.

    Raises:
        FileError: the file or the array cannot be used.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(len(ARRAY))
            file.seek(0)
            if begin == ARRAY:
                return _finite(_read(file), path, key)
            if begin.startswith(ARCHIVE):
                with zipfile.ZipFile(file) as archive, _member(archive, name) as member:
                    return _finite(_read(member), path, key)
    except OSError as error:
        raise _unreadable(path, key, error) from error
    except _ArrayError as error:
        raise FileError(str(error), key=key, value=shown(path)) from error
    except Exception as error:  # numpy and zipfile agree on no error for damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FileError(f"cannot be read: {reason}", key=key, value=shown(path)) from error
    raise FileError("is no .npy or .npz of numpy", key=key, value=shown(path))


class _ArrayError(Exception):
    """An array is missing, or none that is read."""


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """An array of an archive, opened."""
    names = archive.namelist()
    if f"{name}.npy" not in names:
        present = ", ".join(n.removesuffix(".npy") for n in names[:20]) or "nothing"
        raise _ArrayError(f"has no array {name!r}; it holds {present}")
    return archive.open(f"{name}.npy")


def _read(file: IO[bytes]) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    headers = {(1, 0): np.lib.format.read_array_header_1_0}
    shape, fortran, dtype = headers.get(version, np.lib.format.read_array_header_2_0)(file)
    if dtype.kind not in "fciub":
        raise _ArrayError(f"holds {dtype}, must be numbers")
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize > LARGEST:
        size = count * dtype.itemsize / 2**30
        limit = f"{LARGEST / 2**30:g} GiB at most are read; keep fewer of its entries"
        raise _ArrayError(f"has {size:.1f} GiB, shape {list(shape)}; {limit}")
    data = bytearray()
    while len(data) < count * dtype.itemsize:
        block = file.read(min(count * dtype.itemsize - len(data), 2**24))
        if not block:
            raise _ArrayError(f"ends after {len(data)} bytes of {count * dtype.itemsize}")
        data += block
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _finite(array: np.ndarray, path: Path, key: str) -> np.ndarray:
    if not np.isfinite(array).all():
        at = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        problem = f"entry {at} is not finite"
        raise FileError(problem, key=key, value=shown(path), allowed="all must be finite")
    return array


def _unreadable(path: Path, key: str, error: OSError) -> FileError:
    if isinstance(error, FileNotFoundError):
        return FileError("no such file", key=key, value=shown(path))
    return FileError(f"cannot be read: {error.strerror or error}", key=key, value=shown(path))
