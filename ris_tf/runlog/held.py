"""A folder that one process works on, and that anybody may ask it to stop working on."""

import socket
from pathlib import Path
from typing import NamedTuple

import psutil

from ris_tf.errors import UserError

SAME_START_S = 2.0  # start times of one process agree to this
STOP_FILE = "stop"


class RunError(UserError):
    """A folder is no run, or cannot be used as asked; one line for the person who typed it."""


class Holder(NamedTuple):
    """Who works on a folder, or did last.

    Attributes:
        user: who started it.
        host: its machine.
        pid: its number.
        pid_started: when it began, seconds since 1970.
    """

    user: str
    host: str
    pid: int
    pid_started: float


class Held:
    """A run's or search's folder, as far as it is held by a process.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def holder(self) -> Holder:
        """Who works on it, or did last."""
        raise NotImplementedError

    def holder_alive(self) -> bool | None:
        """Whether the process that worked on it last is alive; `None` on another machine."""
        return process_alive(self.holder.host, self.holder.pid, self.holder.pid_started)

    def request_stop(self) -> None:
        """Ask for a clean stop: checkpoints, end events, exit code 0.

        Raises:
            RunError: the folder takes no file.
        """
        file = self.path / STOP_FILE
        try:
            file.touch()
        except OSError as error:
            raise RunError(
                f"{file}: cannot be made: {error.strerror or error}; "
                f"ask {self.holder.user} on {self.holder.host} to stop it"
            ) from error

    def stop_requested(self) -> bool:
        """Whether somebody asked for a clean stop."""
        return (self.path / STOP_FILE).exists()

    def clear_stop(self) -> None:
        """Forget a request to stop."""
        (self.path / STOP_FILE).unlink(missing_ok=True)


def process_alive(host: str, pid: int, started: float) -> bool | None:
    """Whether a process is alive; `None` on another machine.

    Args:
        host: its machine.
        pid: its number.
        started: when it began, seconds since 1970: a number may be used again by another.
    """
    if host != socket.gethostname():
        return None
    try:
        process = psutil.Process(pid)
        began, status = process.create_time(), process.status()
    except (psutil.Error, ValueError, OverflowError):  # a damaged file may hold any number
        return False
    return abs(began - started) < SAME_START_S and status != psutil.STATUS_ZOMBIE
