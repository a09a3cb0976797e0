"""Files that are there whole, or not at all, and what is wrong where they cannot be used."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ris_tf.disk import open_regular, write_new
from ris_tf.errors import UserError

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
        with naming(path), write_new(partial) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


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
