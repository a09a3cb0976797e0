"""Files that are there whole, or not at all, and what is wrong where they cannot be used."""

import errno
import hashlib
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ris_tf.disk import open_regular, write_new
from ris_tf.errors import UserError

PROBE = 1 << 12  # bytes that must fit where a result is to go
LONGEST_NAME = 240  # bytes of a file's name, the number of the process that writes it beside
NAMED = 3  # folders that a message names
# What unpacking damaged bytes raises: zipfile, its decompressors and numpy do not agree on one.
# A flipped bit may mark a member as encrypted, which is a RuntimeError.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, TypeError, KeyError, IndexError, OverflowError, RuntimeError),
)
PIECE = 1 << 20  # bytes hashed at a time


class RunError(UserError):
    """A folder is no run, or cannot be used as asked; one line for the person who typed it."""


def atomic_write(path: Path, data: bytes) -> None:
    """Write beside, sync, rename: readers see the old content or the new, never half of it.

    Raises:
        OSError: the disk refused; the old content is still there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with naming(path), write_new(partial) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def require_place(path: Path) -> None:
    """Refuse a file that `atomic_write` could not write, before what goes there is computed.

    Raises:
        OSError: something else than a file has its name, or no file can be made there.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())
    with naming(path), tempfile.TemporaryFile(dir=folder) as file:
        os.pwrite(file.fileno(), b"\0" * PROBE, 0)
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in errors of the disk that do not: a full disk is found by `write`.

    Raises:
        OSError: with `path` as its file name, where it had none.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def unreadable(path: Path, error: OSError) -> RunError:
    """One line for a file that cannot be read."""
    return disk_error(path, "read", error, "it must be a file that you may read")


def unwritable(path: Path, error: OSError) -> RunError:
    """One line for a file that cannot be written."""
    return disk_error(path, "written", error, "make room, or make the folder writable")


def disk_error(path: Path, what: str, error: OSError, remedy: str) -> RunError:
    """One line for a file that cannot be read, written or made.

    Args:
        path: the file or folder.
        what: what could not be done: `read`, `written`, `made`.
        error: why.
        remedy: what to do.
    """
    problem = f"cannot be {what}: {error.strerror or error}"
    return RunError(problem, source=str(path), remedy=remedy)


def named_below(folder: Path, file: str) -> str:
    """The folders in a folder, or in those, that have a file: a few by name, empty for none."""
    for pattern in (f"*/{file}", f"*/*/{file}"):
        folders = sorted(path.parent for path in folder.glob(pattern) if path.is_file())
        visible = [str(path) for path in folders if not path.name.startswith(".")]
        if visible:
            more = f" and {len(visible) - NAMED} more" if len(visible) > NAMED else ""
            return ", ".join(visible[:NAMED]) + more
    return ""


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
