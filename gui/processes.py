"""Starting and ending `ris-tf` processes, which live on without the monitor.

All of it may wait for a disk: the window has it done in another thread.
"""

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gui.models.commands import Command
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, RunError
from ris_tf.search import SearchDirectory, is_search

LAST = 4096  # bytes of a process's output that are looked at


class Started:
    """A process that was started here.

    Args:
        command: what to start.
        folder: where, `None` for here.

    Raises:
        RunError: it cannot be started.
    """

    def __init__(self, command: Command, folder: Path | None = None):
        # A file without a name: it goes with the last of us, and the process never waits for one
        # that does not read.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        try:
            self._process = subprocess.Popen(
                command.argv,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the monitor's terminal is not for it
            )
        except OSError as error:
            raise RunError(f"{command.text}: cannot be started: {error.strerror}") from error
        self.command = command

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended, `None` while it runs."""
        return self._process.poll()

    def last_line(self) -> str:
        """The last line that it printed."""
        size = os.fstat(self._output.fileno()).st_size
        data = os.pread(self._output.fileno(), LAST, max(size - LAST, 0))
        lines = data.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


@dataclass(frozen=True)
class Standing:
    """How a process that was started is getting on.

    Attributes:
        code: how it ended, `None` while it runs.
        began: whether the folder that it was to make is there, and it works on it.
        last_line: the last line that it printed.
    """

    code: int | None
    began: bool
    last_line: str


def standing(started: Started, path: Path) -> Standing:
    """See whether what was started has its folder, or ended before."""
    code = started.exit_code()
    return Standing(code, code is None and _is_held(path, started), started.last_line())


def _is_held(path: Path, started: Started) -> bool:
    """Whether a run's or search's folder is there, and the process that was started works on it."""
    try:
        if is_search(path):
            return SearchDirectory.open(path).search.pid == started.pid
        run = RunDirectory.open(path)
    except UserError:
        return False
    return run.identity.session > 0 and run.identity.pid == started.pid


def stop(run: RunDirectory) -> None:
    """Ask a run to stop with a checkpoint.

    Raises:
        RunError: its folder takes no file.
    """
    run.request_stop()


def kill(run: RunDirectory) -> None:
    """End a run's process at once; what came after its last checkpoint is lost.

    Raises:
        RunError: the process is on another machine, gone, or not ours.
    """
    identity = run.identity
    alive = run.holder_alive()
    if alive is None:
        raise RunError(f"{run.path}: runs on {identity.host}; kill process {identity.pid} there")
    if not alive or identity.pid <= 1:
        raise RunError(f"{run.path}: its process {identity.pid} is gone already")
    try:
        # Those that the monitor started lead a group, with their helpers in it.
        if os.getpgid(identity.pid) == identity.pid and identity.pid != os.getpgrp():
            os.killpg(identity.pid, signal.SIGKILL)
        else:
            os.kill(identity.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise RunError(
            f"{run.path}: process {identity.pid} is {identity.user}'s; ask them"
        ) from error
