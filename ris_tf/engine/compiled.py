"""Programs that XLA compiled, kept from one process to the next.

Compiling is most of what comes before the first window. TensorFlow can keep its programs in a
folder, but a step fails where that folder goes away, is full, or has a damaged file. So each
process has a folder of its own among the temporary ones: whole programs of the cache are linked
into it, and what it compiles is copied to the cache. The cache may be deleted at any time, also
while processes use it; it holds machine code, so it is used only where nobody else can write.

What is loaded is what would be compiled: TensorFlow looks programs up by all that they are made
of, and each kind of processor, version and set of XLA's flags has a folder of its own. On a GPU
nothing is kept.
"""

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil

from ris_tf.device import NONE, VISIBLE
from ris_tf.disk import read_regular, require_own_folder, write_new
from ris_tf.runlog import processor

VARIABLE, OFF = "RIS_TF_COMPILED", "off"
FLAGS, FLAG = "TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory"
CAPACITY = 512 << 20  # bytes of a cache: thirty configurations
SPARE = 512 << 20  # bytes that a disk must have left
OWN = "ris-tf-compiled-"  # how the name of a process's own folder begins
ABANDONED_S = 86_400.0  # age of such a folder of a process that was killed
SUFFIX = ".pb"


@dataclass(frozen=True)
class Compiled:
    """A cache, and the folder of this process.

    Attributes:
        cache: where programs are kept; `CHECKSUM-NAME`, each written at once or not at all.
        own: where TensorFlow reads and writes them.
    """

    cache: Path
    own: Path
    kept: set[str] = field(default_factory=set)

    def link(self) -> None:
        """Show this process what the cache has; what is damaged there is removed."""
        for entry in _programs(self.cache):
            checksum, _, name = entry.name.partition("-")
            with suppress(OSError):
                if checksum == _checksum(read_regular(entry, CAPACITY)):
                    (self.own / name).symlink_to(entry)
                    self.kept.add(name)
                else:
                    entry.unlink()

    def keep(self) -> None:
        """Copy what was compiled since to the cache, the oldest there making room.

        What cannot be kept is compiled again next time: no error is raised.
        """
        with suppress(OSError):
            self.own.mkdir(mode=0o700, exist_ok=True)  # a system may have cleaned it away
            for program in _programs(self.own):
                if program.name not in self.kept:
                    self.kept.add(program.name)
                    self._copy(program)

    def _copy(self, program: Path) -> None:
        data = read_regular(program, CAPACITY)
        self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_room(self.cache, len(data))
        partial = self.cache / f"{os.getpid()}-{program.name}.partial"
        try:
            with write_new(partial) as file:
                file.write(data)
            partial.replace(self.cache / f"{_checksum(data)}-{program.name}")
        finally:
            partial.unlink(missing_ok=True)

    def end(self, pid: int) -> None:
        """Keep what there is, and remove the folder of this process, if it is that process."""
        if os.getpid() == pid:
            self.keep()
            shutil.rmtree(self.own, ignore_errors=True)


_used: list[Compiled] = []  # of this process: one, or none


def use_compiled() -> None:
    """Have TensorFlow use the cache; before it has looked at its flags, that is, at devices.

    Does nothing where a person chose a folder of TensorFlow's own (`TF_XLA_FLAGS`), where a GPU may
    compute, or where the cache cannot be used safely.
    """
    if _used or FLAG in os.environ.get(FLAGS, "") or _may_use_gpu():
        return
    with suppress(OSError):
        _used.extend(_begin())


def flags_are_read() -> None:
    """Take the flag back, which is not for processes that this one starts."""
    if _used and FLAGS in os.environ:
        words = [word for word in os.environ[FLAGS].split() if not word.startswith(FLAG)]
        os.environ[FLAGS] = " ".join(words)


def keep_compiled() -> None:
    """Keep what was compiled since the last time."""
    for compiled in _used:
        compiled.keep()


def cache_folder() -> Path | None:
    """Where all caches of this person lie; `None` where none is wanted, or without a home."""
    chosen = os.environ.get(VARIABLE, "")
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    if chosen == OFF or (not chosen and str(home).startswith("~")):
        return None
    return Path(chosen or Path(home, "ris-tf", "compiled")).absolute()


def held_bytes(folder: Path) -> int:
    """What all caches under a folder take."""
    held = 0
    for entry in folder.glob(f"*/*{SUFFIX}"):
        with suppress(OSError):
            held += entry.stat().st_size
    return held


def _begin() -> list[Compiled]:
    folder = cache_folder()
    if folder is None:
        return []
    cache = folder / _kind_of_machine()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = Path(tempfile.gettempdir())
    if not (_mine_alone(cache) and _has_room(cache) and _has_room(temporary)):
        return []
    _remove_abandoned(temporary)
    compiled = Compiled(cache, Path(tempfile.mkdtemp(prefix=f"{OWN}{os.getpid()}-")))
    atexit.register(compiled.end, os.getpid())
    compiled.link()
    os.environ[FLAGS] = f"{os.environ.get(FLAGS, '')} {FLAG}={compiled.own}".strip()
    return [compiled]


def _kind_of_machine() -> str:
    """A name for all that machine code depends on, besides the program."""
    text = f"{version('tensorflow')} {os.environ.get('XLA_FLAGS', '')} {processor()}"
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        text += next((line for line in file if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _may_use_gpu() -> bool:
    """Whether there is a GPU that is not hidden from this process."""
    devices = any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()
    return devices and os.environ.get(VISIBLE) != NONE


def _mine_alone(folder: Path) -> bool:
    """Whether nobody else can put machine code there."""
    require_own_folder(folder)
    status = folder.stat()
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not others and (not hasattr(os, "getuid") or status.st_uid == os.getuid())


def _has_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free > SPARE


def _make_room(cache: Path, size: int) -> None:
    """Remove the oldest until a program of this size fits."""
    entries = [(entry, entry.stat()) for entry in _programs(cache)]
    held = sum(status.st_size for _, status in entries)
    for entry, status in sorted(entries, key=lambda one: one[1].st_mtime):
        if held + size <= CAPACITY:
            break
        entry.unlink(missing_ok=True)
        held -= status.st_size


def _remove_abandoned(temporary: Path) -> None:
    """Remove folders of processes that were killed, a day later."""
    for folder in temporary.glob(f"{OWN}*"):
        with suppress(OSError, ValueError):
            pid = int(folder.name.removeprefix(OWN).partition("-")[0])
            old = time.time() - folder.stat().st_mtime > ABANDONED_S
            if old and not psutil.pid_exists(pid):
                shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if entry.name.endswith(SUFFIX))


def _checksum(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"
