"""The lock of a folder that one process works on: the kernel's, which ends with the process.

The lock file also names the process that has the lock, since when, and when that ended: for people,
and for what the kernel does not know, which is a process on another machine, or a file system
without locks. It stays in the folder: if it were removed, two processes could lock two files of one
name.
"""

import atexit
import errno
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import orjson
import psutil

from ris_tf.disk import descriptor_to_write, open_regular
from ris_tf.errors import printable
from ris_tf.runlog.files import RunError
from ris_tf.runlog.words import moment

try:
    import fcntl
except ImportError:  # Windows, where runs are only looked at
    fcntl = None

LOCK_FILE = "lock"
LARGEST_RECORD = 1 << 12  # bytes of the file that are read; it has two hundred
DOUBT_S = 600.0  # silence after which a holder on another machine counts as gone
NAMED_S = 1.0  # that a process which has just taken a lock has to write its name into it
SAME_START_S = 2.0  # start times of one process agree to this
SUSPENDED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
TO_THE_SECOND = "%Y-%m-%d %H:%M:%S"
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

_locks: "dict[tuple[int, int], FolderLock]" = {}  # of this process, by the file's device and inode


@dataclass(frozen=True)
class Holder:
    """Who works on a folder, or did last.

    Attributes:
        user: who started it.
        host: its machine.
        pid: its process, 0 for nobody.
        pid_started: when that began, seconds since 1970: a number may be used again by another.
        since: when it began to work on the folder, 0 where that is not known.
        ended: when it stopped working on it in order, 0 while it has not.
    """

    user: str = ""
    host: str = ""
    pid: int = 0
    pid_started: float = 0.0
    since: float = 0.0
    ended: float = 0.0

    @property
    def here(self) -> bool:
        """Whether its machine is this one."""
        return self.host == socket.gethostname()

    def same_process(self, other: "Holder") -> bool:
        """Whether it is the process of another record."""
        near = abs(self.pid_started - other.pid_started) < SAME_START_S
        return (self.host, self.pid) == (other.host, other.pid) and near

    def alive(self) -> bool | None:
        """Whether its process lives and works on the folder; `None` on another machine."""
        if self.ended or not self.pid:
            return False
        if not self.here:
            return None
        try:
            process = psutil.Process(self.pid)
            began, status = process.create_time(), process.status()
        except (psutil.Error, ValueError, OverflowError):  # a damaged file may hold any number
            return False
        return abs(began - self.pid_started) < SAME_START_S and status != psutil.STATUS_ZOMBIE

    def suspended(self) -> bool:
        """Whether its process lives on this machine and was stopped by a signal: it may go on."""
        if not self.alive():
            return False
        try:
            return psutil.Process(self.pid).status() in SUSPENDED
        except psutil.Error:
            return False

    def __str__(self) -> str:
        if self.ended or not self.pid:
            return "another process"
        since = f", since {moment(self.since, TO_THE_SECOND)}" if moment(self.since) else ""
        return f"process {self.pid} of {self.user} on {self.host}{since}"


class HeldError(RunError):
    """A folder is locked: another session works on it, or may.

    Args:
        problem: what is wrong.
        folder: which.
        holder: whose session, as far as it is known.
        remedy: what to do.
    """

    def __init__(self, problem: str, folder: Path, holder: Holder, remedy: str) -> None:
        super().__init__(problem, source=str(folder), remedy=remedy)
        self.holder = holder

    def __reduce__(self) -> tuple[Any, ...]:
        # Travels from a trial's process to its search's.
        return type(self), (self.problem, Path(self.source), self.holder, self.remedy)


class TakenOverError(HeldError):
    """Another process works on a folder that this one worked on, as after a long suspension."""


class FolderLock:
    """A folder's lock, which this process has until it is released or the process ends.

    Attributes:
        problem: why the file system keeps nobody out; empty where it does.
    """

    def __init__(self, descriptor: int, holder: Holder, problem: str):
        self.problem = problem
        self._descriptor = descriptor
        self._holder = holder
        self._file = _identity(descriptor)
        _locks[self._file] = self

    @classmethod
    def take(
        cls,
        folder: Path,
        holder: Holder,
        before: Holder,
        last_write: Callable[[], float],
        take_over: bool = False,
    ) -> "FolderLock":
        """Take a folder's lock; what it guards is to be read again after that.

        Args:
            folder: the folder.
            holder: this process.
            before: who worked on the folder last, where the lock file names nobody.
            last_write: when the folder's files last changed, seconds since 1970.
            take_over: the process on another machine that may work on it is gone: a person knows.

        Raises:
            HeldError: another session has it, or may have it.
            OSError: the lock file cannot be opened or written.
        """
        descriptor, problem = _locked(folder)
        try:
            _require_free(folder, descriptor, before, problem, last_write, take_over)
            _write(descriptor, holder)
            return cls(descriptor, holder, problem)
        except BaseException:
            os.close(descriptor)
            raise

    def is_of(self, holder: Holder) -> bool:
        """Whether it is this process's by a record."""
        return holder.same_process(self._holder)

    def release(self) -> None:
        """Let others take it; once more does nothing."""
        if _locks.pop(self._file, None) is self:
            with suppress(OSError):  # a full disk: the kernel knows that it is free
                if self.is_of(_read(self._descriptor) or self._holder):
                    _write(self._descriptor, replace(self._holder, ended=time.time()))
            os.close(self._descriptor)


def recorded_holder(folder: Path) -> Holder | None:
    """Who works on a folder by its lock file, or did last; `None` where that names nobody.

    Reading takes no lock: it never keeps a process from taking one.
    """
    try:
        with open_regular(folder / LOCK_FILE) as file:
            return _parsed(file.read(LARGEST_RECORD))
    except OSError:
        return None


def _locked(folder: Path) -> tuple[int, str]:
    """The lock file, opened and locked, and why it could not be locked where it was not."""
    path = folder / LOCK_FILE
    while True:
        descriptor = descriptor_to_write(path, os.O_RDWR | os.O_CREAT)
        try:
            problem = _flock(descriptor, folder)
            with suppress(FileNotFoundError):
                if _identity(descriptor) == _identity(path):
                    return descriptor, problem
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # somebody removed the file in between: lock the one that is there


def _flock(descriptor: int, folder: Path) -> str:
    """Lock a file for this process, without waiting; why the file system cannot, or nothing.

    Raises:
        HeldError: another process has it, or another session of this one.
    """
    if _identity(descriptor) in _locks:
        raise _locked_error(folder, descriptor)
    if fcntl is None:
        return "this system locks no files"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return f"its file system locks no files ({error.strerror})"
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise _locked_error(folder, descriptor) from None
        raise
    return ""


def _locked_error(folder: Path, descriptor: int) -> HeldError:
    """Names the process that has a lock, once it has written its name."""
    until = time.monotonic() + NAMED_S
    while (holder := _read(descriptor) or Holder()).alive() is False:
        if time.monotonic() > until:
            return _refusal(folder, Holder())
        time.sleep(0.01)
    return _refusal(folder, holder)


def _refusal(folder: Path, holder: Holder) -> HeldError:
    here = holder.pid == os.getpid() and holder.here
    remedy = "end its session first" if here else f"stop that first: ris-tf stop {folder}"
    return HeldError(f"{holder} is working on it", folder, holder, remedy)


def _require_free(
    folder: Path,
    descriptor: int,
    before: Holder,
    problem: str,
    last_write: Callable[[], float],
    take_over: bool,
) -> None:
    """Refuse a folder that somebody works on although its file could be locked.

    Raises:
        HeldError: a process of this machine does where files are not locked, or one of another
            machine may: nobody knows whether locks reach there.
    """
    recorded = _read(descriptor)
    holder = recorded or before
    if holder.ended or not holder.pid:
        return
    if holder.here:
        # A lock that could be taken here shows that the recorded process is gone.
        if (problem or not recorded) and holder.pid != os.getpid() and holder.alive():
            raise _refusal(folder, holder)
        return
    silent = time.time() - last_write()
    if recorded and silent < DOUBT_S and not take_over:
        raise HeldError(
            f"{holder} may be working on it: it wrote {max(silent, 0):.0f} s ago",
            folder,
            holder,
            f"stop it there, or if it is gone, wait for {DOUBT_S / 60:.0f} minutes of silence or "
            "add --take-over",
        )


def _identity(file: int | Path) -> tuple[int, int]:
    status = os.stat(file)  # noqa: PTH116 (a descriptor has no Path)
    return status.st_dev, status.st_ino


def _read(descriptor: int) -> Holder | None:
    return _parsed(os.pread(descriptor, LARGEST_RECORD, 0))


def _write(descriptor: int, holder: Holder) -> None:
    data = orjson.dumps(asdict(holder)) + b"\n"
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _parsed(data: bytes) -> Holder | None:
    """A holder; `None` where a field is missing or not as it should be."""
    try:
        document = orjson.loads(data)
        values = {item.name: document[item.name] for item in fields(Holder)}
    except (ValueError, KeyError, TypeError):
        return None
    texts, pid = (values["user"], values["host"]), values["pid"]
    times = (values["pid_started"], values["since"], values["ended"])
    fits = (
        all(isinstance(text, str) for text in texts)
        and type(pid) is int
        and pid >= 0
        and all(type(moment) in (int, float) for moment in times)
    )
    if not fits:
        return None
    return Holder(**{**values, "user": printable(texts[0]), "host": printable(texts[1])})


def _release_all() -> None:
    for lock in list(_locks.values()):
        lock.release()


def _forget_all() -> None:
    """In a process that was forked: the lock is its parent's, and ends with that."""
    for lock in list(_locks.values()):
        os.close(lock._descriptor)
    _locks.clear()


atexit.register(_release_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
