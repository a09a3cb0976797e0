"""Files that are there whole, or not at all."""

import os
from pathlib import Path


def atomic_write(path: Path, data: bytes) -> None:
    """Write beside, sync, rename: readers see the old content or the new, never half of it.

    Raises:
        OSError: the disk refused; the old content is still there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
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
