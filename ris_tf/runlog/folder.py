"""A folder that one process works on at a time; others may ask that process to stop."""

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ris_tf.disk import descriptor_to_write
from ris_tf.runlog.files import disk_error, unwritable
from ris_tf.runlog.lock import LOCK_FILE, FolderLock, Holder, TakenOverError, recorded_holder

STOP_FILE = "stop"
LOOK_S = 5.0  # from one look at whose folder it is to the next


class LockedFolder:
    """A run's or search's folder, which one process works on at a time.

    Attributes:
        path: the folder.
    """

    path: Path
    take_over = (
        False  # whether a process on another machine that may work on it is known to be gone
    )
    _lock: FolderLock | None = None
    _looked = 0.0  # whose the folder is, seconds since 1970

    @property
    def holder(self) -> Holder:
        """The process that its identity names: the one that works on it, or did last."""
        raise NotImplementedError

    def written_files(self) -> Iterable[Path]:
        """Files that the process which works on it writes to again and again."""
        raise NotImplementedError

    def last_write(self) -> float:
        """When one of these files last changed, seconds since 1970; 0 where there is none."""
        return max(map(_changed, self.written_files()), default=0.0)

    def holder_alive(self) -> bool | None:
        """Whether the process that worked on it last still does; `None` on another machine."""
        holder, recorded = self.holder, recorded_holder(self.path)
        if recorded and recorded.ended and recorded.same_process(holder):
            return False  # though its process may live on, as a notebook's does
        return holder.alive()

    def holder_suspended(self) -> bool:
        """Whether the process that works on it was stopped by a signal, on this machine."""
        return self.holder.suspended()

    @property
    def in_session(self) -> bool:
        """Whether this process works on it, by this object."""
        return self._lock is not None

    @property
    def lock_problem(self) -> str:
        """Why nothing keeps a second process out during this session; empty where the lock does."""
        problem = self._lock.problem if self._lock else ""
        return problem and (
            f"{self.path}: {problem}: nothing keeps two processes that begin at once from both "
            "working on it; begin one at a time"
        )

    def require_session(self, at_once: bool = False) -> None:
        """Refuse to write where another process has taken the folder over, as from another machine.

        Args:
            at_once: look now; else only where the last look was some seconds ago.

        Raises:
            TakenOverError: it has.
        """
        if not at_once and time.time() - self._looked < LOOK_S:
            return
        now, self._looked = recorded_holder(self.path), time.time()
        if self._lock and now and not self._lock.is_of(now):
            raise TakenOverError(f"{now} has taken it over", self.path, now, "leave it to that")

    def end_session(self) -> None:
        """Let other processes, and other sessions of this one, work on the folder.

        The end of the process does it, too. Without a session it does nothing.
        """
        if self._lock:
            self._lock.release()
            self._lock = None

    def _take_lock(self, holder: Holder, before: Holder) -> None:
        """Make this process the one that works on the folder; it may be so already.

        Args:
            holder: this process.
            before: who worked on it last, where the lock file names nobody.

        Raises:
            HeldError: another session works on it, or may.
            RunError: the folder takes no file.
        """
        if self._lock:
            return
        try:
            holder = replace(holder, since=time.time())
            self._lock = FolderLock.take(self.path, holder, before, self.last_write, self.take_over)
        except OSError as error:
            raise unwritable(self.path / LOCK_FILE, error) from error

    def request_stop(self) -> None:
        """Ask for a clean stop: checkpoints, end events, exit code 0.

        Raises:
            RunError: the folder takes no file.
        """
        file = self.path / STOP_FILE
        try:
            os.close(descriptor_to_write(file, os.O_WRONLY | os.O_CREAT))
        except OSError as error:
            remedy = f"ask {self.holder.user} on {self.holder.host} to stop it"
            raise disk_error(file, "made", error, remedy) from error

    def stop_requested(self) -> bool:
        """Whether somebody asked for a clean stop."""
        return (self.path / STOP_FILE).exists()

    def clear_stop(self) -> None:
        """Forget a request to stop."""
        (self.path / STOP_FILE).unlink(missing_ok=True)


def _changed(path: Path) -> float:
    """When a file last changed, seconds since 1970; 0 where it is not there.

    By the file system's own clock, where it has one: anybody may set the other time, to the future,
    too, in which nothing would ever be silent.
    """
    try:
        status = path.stat()
    except OSError:
        return 0.0
    # On Windows, st_ctime is when the file was made.
    return status.st_mtime if os.name == "nt" else min(status.st_mtime, status.st_ctime)
