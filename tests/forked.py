"""Processes that start at once: forked from one that has imported TensorFlow; see zygote.py.

They are processes of their own, which run the real program, print, die and are killed as any other.
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO


@functools.cache
def zygote() -> socket.socket:
    """The socket of this process's zygote, which is started the first time and ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = [sys.executable, Path(__file__).with_name("zygote.py")]
    process = subprocess.Popen(program, stdin=theirs, start_new_session=True)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


class Forked:
    """A process, with what tests use of `subprocess.Popen`.

    Args:
        program: what would follow `python`.
        cwd: its folder, `None` for this one.
        environment: what it has beside the environment of this process.
        joined: its errors go where its output goes, in order.

    Attributes:
        pid: its number.
        returncode: its exit code or minus the signal that ended it, `None` while it runs.
    """

    def __init__(
        self,
        *program: str | Path,
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        joined: bool = False,
    ):
        self._out = tempfile.TemporaryFile("ab+")  # noqa: SIM115 (lives as long as the process)
        self._errors = self._out if joined else tempfile.TemporaryFile("ab+")  # noqa: SIM115
        request = {
            "program": [str(word) for word in program],
            "folder": str(cwd or Path.cwd()),
            "environment": {**os.environ, **(environment or {})},
        }
        self._told, theirs = socket.socketpair()
        with theirs:
            descriptors = [self._out.fileno(), self._errors.fileno(), theirs.fileno()]
            socket.send_fds(zygote(), [json.dumps(request).encode()], descriptors)
        self._lines = self._told.makefile("r")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code.

        Raises:
            subprocess.TimeoutExpired: it has not ended.
        """
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._lines.readline())
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code, `None` while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed when it has ended, to its output and as errors."""
        self.wait(timeout)
        return _all_of(self._out), "" if self._errors is self._out else _all_of(self._errors)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
