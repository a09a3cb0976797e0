"""Who works on a folder, and whether they are alive."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ris_tf.errors import UserError

SAME_START_S = 2.0  # start times of one process agree to this


class RunError(UserError):
    """A folder is no run, or cannot be used as asked; one line for the person who typed it."""


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

    def __str__(self) -> str:
        if self.ended or not self.pid:
            return "another process"
        since = f", since {_moment(self.since)}" if self.since else ""
        return f"process {self.pid} of {self.user} on {self.host}{since}"


class HeldError(RunError):
    """Another session works on a folder, or may.

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
        return HeldError, (self.problem, Path(self.source), self.holder, self.remedy)


def _moment(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):  # a damaged file may hold any number
        return "a time that is not known"
