"""Which files a set of scenes is, and whether they are still the same."""

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ris_tf.data.containers import SUFFIXES
from ris_tf.data.errors import DataError
from ris_tf.disk import in_home, open_regular

BLOCK, SAMPLED = 1 << 12, 8  # bytes of the blocks of a file that its digest is of, and how many
UNCHANGED = "put back the file that the run began with, or start a new run"


def absolute(text: str) -> str:
    """A path or pattern as it is from every folder; what it is relative to is the current one."""
    if Path(text).exists():
        return str(Path(text).absolute())
    return str(Path(glob.escape(str(Path.cwd()))) / in_home(text))


def files_of(text: str, key: str) -> list[Path]:
    """The files that a path or a pattern names, sorted: a file, or the shards of a folder.

    Args:
        text: path or pattern.
        key: the configuration key that has it.

    Raises:
        DataError: there is none.
    """
    path = in_home(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [file for file in path.iterdir() if _is_shard(file)]
        problem = f"the folder has no file that ends in {' or '.join(SUFFIXES)}"
    else:
        found = [file for file in map(Path, glob.glob(str(path), recursive=True)) if file.is_file()]  # noqa: PTH207 (takes absolute patterns)
        problem = "no file matches" if glob.has_magic(text) else "no such file or folder"
    if not found:
        raise DataError(problem, key=key, value=text)
    return sorted(found)


def _is_shard(file: Path) -> bool:
    return file.suffix in SUFFIXES and not file.name.startswith(".") and file.is_file()


@dataclass(frozen=True)
class FileRecord:
    """A file as a run began with it.

    Attributes:
        path: where it is.
        scenes: how many it holds.
        size: bytes.
        digest: of its size and of blocks of it, its beginning and its end among them. The end of
            an archive has a checksum of every array.
    """

    path: str
    scenes: int
    size: int
    digest: str


class WatchedFile:
    """A file that must not change while it is read.

    Args:
        path: the file.
        scenes: how many it holds.

    Raises:
        DataError: it cannot be read.
    """

    def __init__(self, path: Path, scenes: int):
        self.path = path
        self._state = _state(path)
        self.record = FileRecord(str(path), scenes, self._state[0], digest(path))

    def require_same(self) -> None:
        """Refuse a file that is another than it was: by its digest, where its state is another.

        Raises:
            DataError: it has changed, or is gone.
        """
        state = _state(self.path)
        if state == self._state:
            return
        if state[0] != self.record.size or digest(self.path) != self.record.digest:
            raise _changed(str(self.path))
        self._state = state  # touched, or copied back


def compare(before: Sequence[FileRecord], now: Sequence[FileRecord], key: str) -> None:
    """Refuse files that are others than a run began with.

    Raises:
        DataError: one has changed, is missing or is new; one line names it.
    """
    known, found = ({record.path: record for record in records} for records in (before, now))
    missing, new = sorted(known.keys() - found.keys()), sorted(found.keys() - known.keys())
    for path, problem in (
        *((path, "is missing: the run began with it") for path in missing),
        *((path, "was not there when the run began") for path in new),
    ):
        raise DataError(problem, source=path, key=key, remedy=UNCHANGED)
    for path, record in known.items():
        if found[path] != record:
            raise _changed(path)


def as_document(records: Sequence[FileRecord]) -> list[dict[str, Any]]:
    """Records as JSON has them."""
    return [asdict(record) for record in records]


def digest(path: Path) -> str:
    """SHA-256 of a file's size and of blocks spread over it, its first and last among them.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            hashed = hashlib.sha256(str(size).encode())
            for number in range(SAMPLED):
                file.seek(max(size - BLOCK, 0) * number // (SAMPLED - 1))
                hashed.update(file.read(BLOCK))
    except OSError as error:
        raise _gone(path, error) from error
    return hashed.hexdigest()


def _state(path: Path) -> tuple[int, int, int]:
    """Size, time and number of a file."""
    try:
        status = path.stat()
    except OSError as error:
        raise _gone(path, error) from error
    return status.st_size, status.st_mtime_ns, status.st_ino


def _gone(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot be read: {error.strerror or error}", source=str(path))


def _changed(path: str) -> DataError:
    return DataError("has changed since the run began", source=path, remedy=UNCHANGED)
