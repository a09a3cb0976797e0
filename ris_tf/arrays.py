"""Arrays of numbers from files that scenes are made of: checked before they are read.

No TensorFlow.
"""

import hashlib
import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ris_tf.archive import Member, member_of, opened, read_header, read_member
from ris_tf.disk import open_regular
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
        with open_regular(path) as file:
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
        with open_regular(path) as file:
            begin = file.read(len(ARRAY))
            file.seek(0)
            if begin == ARRAY:
                return _finite(_read(file), path, key)
        if begin.startswith(ARCHIVE):
            with opened(path) as archive:
                return _finite(read_member(archive, _member(archive, name)), path, key)
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


def _member(archive: zipfile.ZipFile, name: str) -> Member:
    """An array of an archive."""
    names = archive.namelist()
    if f"{name}.npy" not in names:
        present = ", ".join(n.removesuffix(".npy") for n in names[:20]) or "nothing"
        raise _ArrayError(f"has no array {name!r}; it holds {present}")
    member = member_of(archive, archive.getinfo(f"{name}.npy"))
    _require_numbers(member.shape, member.dtype)
    return member


def _require_numbers(shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what is no array of numbers that fits into memory."""
    if dtype.kind not in "fciub":
        raise _ArrayError(f"holds {dtype}, must be numbers")
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > LARGEST:
        limit = f"{LARGEST / 2**30:g} GiB at most are read; keep fewer of its entries"
        raise _ArrayError(f"has {nbytes / 2**30:.1f} GiB, shape {list(shape)}; {limit}")


def _read(file: IO[bytes]) -> np.ndarray:
    shape, fortran, dtype, _ = read_header(file)
    _require_numbers(shape, dtype)
    wanted = math.prod(shape) * dtype.itemsize
    data = bytearray()
    while len(data) < wanted:
        block = file.read(min(wanted - len(data), 2**24))
        if not block:
            raise _ArrayError(f"ends after {len(data)} bytes of {wanted}")
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
