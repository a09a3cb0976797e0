"""The files of compiled programs: what tells that one is whole, and which makes room for others.

A program's file is named by the checksum of its contents. To read all of them when a process begins
would take a second; so each is sealed once its contents were checked: its time of modification is
set to a number made of checksum and size. Whatever is written to it, or cut off, breaks the seal,
and it is read and checked again. Its time of access tells when it was last used, on file systems
that keep it; on others, when it was made.
"""

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from ris_tf.disk import read_regular, write_new

CAPACITY = 512 << 20  # bytes of all caches of a person; quickstart, with validation, takes 30 MB
OWN = "ris-tf-compiled-"  # how the name of a process's own folder begins
SUFFIX, PARTIAL = ".pb", ".pb.partial"
# A person may choose a folder that has files of others; only those that are named so are ours.
KIND = re.compile(r"[0-9a-f]{16}")  # of machine: a folder
KEPT = re.compile(rf"[0-9a-f]{{8}}-.+{re.escape(SUFFIX)}|{OWN}.+{re.escape(PARTIAL)}")
SEALS = 0x7FFF_FFFF  # seconds: every file system keeps times of 31 bits
SECOND = 1_000_000_000  # in nanoseconds


def programs(folder: Path) -> Iterator[Path]:
    """Whole programs in a folder, of the cache or of TensorFlow's."""
    return (entry for entry in folder.iterdir() if entry.name.endswith(SUFFIX))


def is_whole(entry: Path) -> bool:
    """Whether a kept program is what was written, read anew only where that is not certain.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    status = entry.stat()
    checksum = entry.name.partition("-")[0]
    if S_ISREG(status.st_mode) and status.st_mtime_ns == _seal(checksum, status.st_size):
        return True
    if checksum != _checksum(read_regular(entry, CAPACITY)):
        return False
    with suppress(PermissionError):  # it is whole all the same
        os.utime(entry, ns=(status.st_atime_ns, _seal(checksum, status.st_size)))
    return True


def keep_copy(program: Path, cache: Path, owner: str) -> None:
    """Copy a program to a cache, those that were used longest ago making room.

    Args:
        program: of TensorFlow's folder.
        cache: where it is kept; it is there.
        owner: no other process has this name, on no machine that shares the cache.

    Raises:
        OSError: it cannot be read or written.
    """
    data = read_regular(program, CAPACITY)
    make_room(cache, len(data))
    checksum = _checksum(data)
    partial = cache / f"{owner}-{program.stem}{PARTIAL}"
    try:
        with write_new(partial) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a seal must not outlive contents that a power cut took
        now = partial.stat().st_atime_ns
        os.utime(partial, ns=(now, _seal(checksum, len(data))))
        partial.replace(cache / f"{checksum}-{program.name}")
    finally:
        partial.unlink(missing_ok=True)


def make_room(cache: Path, size: int) -> None:
    """Remove what was used longest ago, of any kind of machine, until so many bytes fit.

    Programs of a version of TensorFlow that is no longer installed are not used: they go first.
    """
    entries = [kept for folder in _caches(cache) for kept in _kept(folder)]
    held = sum(status.st_size for _, status in entries)
    for entry, status in sorted(entries, key=lambda one: one[1].st_atime_ns):
        if held + size <= CAPACITY:
            break
        entry.unlink(missing_ok=True)
        held -= status.st_size
    for folder in _caches(cache):
        if folder != cache:
            with suppress(OSError):  # it has something still
                folder.rmdir()


def held_bytes(folder: Path) -> int:
    """What all caches under a folder take."""
    return sum(status.st_size for cache in _kinds(folder) for _, status in _kept(cache))


def _caches(cache: Path) -> list[Path]:
    """A cache, and those of other kinds of machines beside it."""
    return [cache, *(other for other in _kinds(cache.parent) if other != cache)]


def _kinds(folder: Path) -> list[Path]:
    with suppress(OSError):
        found = (one for one in folder.iterdir() if KIND.fullmatch(one.name))
        return [one for one in found if one.is_dir() and not one.is_symlink()]
    return []


def _kept(cache: Path) -> list[tuple[Path, os.stat_result]]:
    """Files of a cache, also those that were copied only in part; others may be removing them."""
    found = []
    with suppress(OSError):
        for entry in cache.iterdir():
            if KEPT.fullmatch(entry.name):
                with suppress(OSError):
                    found.append((entry, entry.lstat()))
    return found


def _checksum(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"


def _seal(checksum: str, size: int) -> int:
    """The time of modification of a file that was checked, in nanoseconds."""
    return (zlib.crc32(f"{checksum} {size}".encode()) & SEALS) * SECOND
