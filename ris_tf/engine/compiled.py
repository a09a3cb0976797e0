"""Programs that XLA compiled, kept from one process to the next.

Compiling is most of what comes before the first window. TensorFlow can keep its programs in a
folder, but a step fails where that folder goes away, is full, or has a damaged file. So each
process has a folder of its own among the temporary ones: whole programs of the cache are linked
into it, and what it compiles is copied to the cache. The cache may be deleted at any time, also
while processes use it; it holds machine code, so it is used only where nobody else can write.

A program that is loaded is the one that would be compiled: TensorFlow looks it up by its graph,
its shapes and the number of threads, and each kind of processor, version of TensorFlow and set of
XLA's flags has a folder of its own. On a GPU nothing is kept.
"""

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from ris_tf.device import NONE, VISIBLE
from ris_tf.disk import in_home
from ris_tf.engine.program_files import OWN, is_whole, keep_copy, programs
from ris_tf.processor import processor_name

VARIABLE, OFF = "RIS_TF_COMPILED", "off"
FLAGS, FLAG = "TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory"
SPARE = 512 << 20  # bytes that a disk must have left
ABANDONED_S = 86_400.0  # age of such a folder of a process that was killed
GPUS = ("nvidia[0-9]*", "dxg", "kfd")  # in /dev: NVIDIA's, those that Windows lends, AMD's


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

    @property
    def flag(self) -> str:
        """The word of `TF_XLA_FLAGS` that names this process's folder, which may have spaces."""
        return f"{FLAG}='{self.own}'"

    def link(self) -> None:
        """Show this process what the cache has; what is damaged there is removed."""
        for entry in programs(self.cache):
            with suppress(OSError):
                if is_whole(entry):
                    name = entry.name.partition("-")[2]
                    (self.own / name).symlink_to(entry)
                    self.kept.add(name)
                else:
                    entry.unlink()

    def keep(self) -> None:
        """Copy what was compiled since to the cache, programs not used for long making room.

        What cannot be kept is compiled again next time: no error is raised.
        """
        with suppress(OSError):
            self.own.mkdir(mode=0o700, exist_ok=True)  # a system may have cleaned it away
            for program in programs(self.own):
                if program.name not in self.kept:
                    self.kept.add(program.name)
                    _make_private(self.cache)
                    # Its folder's name: a number does not name a process, where containers that
                    # share a home each have a first one.
                    keep_copy(program, self.cache, self.own.name)

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
    if _used or not _flags_can_be_added() or may_use_gpu():
        return
    # TensorFlow may be installed under another name, whose version is not known: tensorflow-cpu.
    with suppress(OSError, PackageNotFoundError):
        _used.extend(_begin())


def flags_are_read() -> None:
    """Take the flag back, which is not for processes that this one starts."""
    for compiled in _used:
        rest = os.environ.get(FLAGS, "").replace(compiled.flag, "").strip()
        if rest:
            os.environ[FLAGS] = rest
        else:
            os.environ.pop(FLAGS, None)


def keep_compiled() -> None:
    """Keep what was compiled since the last time."""
    for compiled in _used:
        compiled.keep()


def cache_folder() -> Path | None:
    """Where all caches of this person lie; `None` where none is wanted, or without a home."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return None if chosen == OFF else Path(chosen).absolute()
    caches = in_home(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return caches / "ris-tf" / "compiled" if caches.is_absolute() else None


def _begin() -> list[Compiled]:
    folder = cache_folder()
    if folder is None:
        return []
    cache = folder / _kind_of_machine()
    _make_private(cache)
    temporary = Path(tempfile.gettempdir())
    if not (mine_alone(cache) and _has_room(cache) and _has_room(temporary)):
        return []
    if "'" in str(temporary):  # a path of the flag stands between two of them
        return []
    _remove_abandoned(temporary)
    compiled = Compiled(cache, Path(tempfile.mkdtemp(prefix=f"{OWN}{os.getpid()}-")))
    atexit.register(compiled.end, os.getpid())
    compiled.link()
    os.environ[FLAGS] = f"{os.environ.get(FLAGS, '')} {compiled.flag}".strip()
    return [compiled]


def _flags_can_be_added() -> bool:
    """Whether `TF_XLA_FLAGS` has flags, none of a cache: it may also name a file of them."""
    flags = os.environ.get(FLAGS, "").strip()
    return FLAG not in flags and (not flags or flags.startswith("-"))


def _kind_of_machine() -> str:
    """A name for all that machine code depends on, besides the program."""
    text = f"{version('tensorflow')} {os.environ.get('XLA_FLAGS', '')} {processor_name()}"
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        text += next((line for line in file if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def may_use_gpu() -> bool:
    """Whether there is a GPU that is not hidden from this process."""
    devices = any(path for name in GPUS for path in Path("/dev").glob(name))
    return devices and os.environ.get(VISIBLE) != NONE


def mine_alone(folder: Path) -> bool:
    """Whether nobody else can put machine code there, or another folder in its place.

    Raises:
        OSError: it is not there.
    """
    if not hasattr(os, "getuid"):  # a system whose files have no owners in this sense
        return True
    status, above = folder.lstat(), folder.resolve().parents
    return (
        stat.S_ISDIR(status.st_mode)  # and no link
        and status.st_uid == os.getuid()
        and not _others_write(status)
        and all(_keeps_what_is_in_it(parent.stat()) for parent in above)
    )


def _keeps_what_is_in_it(status: os.stat_result) -> bool:
    """Whether nobody but its owner, this person or root, can rename what is in a folder."""
    trusted = status.st_uid in (0, os.getuid())
    return trusted and (not _others_write(status) or bool(status.st_mode & stat.S_ISVTX))


def _others_write(status: os.stat_result) -> bool:
    # Systems that give each person a group of one number with him let it write by default.
    group = stat.S_IWGRP if status.st_gid != os.getuid() else 0
    return bool(status.st_mode & (group | stat.S_IWOTH))


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for nobody else to write into."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _has_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free > SPARE


def _remove_abandoned(temporary: Path) -> None:
    """Remove folders of processes that were killed, a day later."""
    for folder in temporary.glob(f"{OWN}*"):
        with suppress(OSError, ValueError):
            pid = int(folder.name.removeprefix(OWN).partition("-")[0])
            old = time.time() - folder.stat().st_mtime > ABANDONED_S
            if old and not psutil.pid_exists(pid):
                shutil.rmtree(folder, ignore_errors=True)
