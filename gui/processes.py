"""Starting and ending `ris-tf` processes, which live on without the monitor.

All of it may wait for a disk: the window has it done in another thread.
"""

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gui.models.commands import Command
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, RunError
from ris_tf.search import SearchDirectory, is_search

TAIL_BYTES = 4096  # bytes of the end of a process's output that are read


class Process:
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
            problem = f"cannot be started: {error.strerror}"
            raise RunError(problem, source=command.text) from error
        self.command = command

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended, `None` while it runs."""
        return self._process.poll()

    def interrupt(self) -> None:
        """End it as Ctrl-C would, with all that it started; nothing happens where it has ended."""
        if self.exit_code() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGINT)

    def last_line(self) -> str:
        """The last line that it printed."""
        size = os.fstat(self._output.fileno()).st_size
        data = os.pread(self._output.fileno(), TAIL_BYTES, max(size - TAIL_BYTES, 0))
        lines = data.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


@dataclass(frozen=True)
class ProcessState:
    """The state of a process that was started here.

    Attributes:
        code: how it ended, `None` while it runs.
        began: whether the folder that it was to make is there, and it works on it.
        last_line: the last line that it printed.
    """

    code: int | None
    began: bool
    last_line: str


def state_of(started: Process, path: Path) -> ProcessState:
    """Whether a process works on its folder, or ended before."""
    code = started.exit_code()
    return ProcessState(code, code is None and _works_on(path, started), started.last_line())


def _works_on(path: Path, started: Process) -> bool:
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
        RunError: the process is on another machine, gone, or of another user.
    """
    identity = run.identity
    alive = run.holder_alive()
    if alive is None:
        remedy = f"kill process {identity.pid} there"
        raise RunError(f"runs on {identity.host}", source=str(run.path), remedy=remedy)
    if not alive or identity.pid <= 1:
        raise RunError(f"its process {identity.pid} is gone already", source=str(run.path))
    try:
        # Those that the monitor started lead a group, with their helpers in it.
        if os.getpgid(identity.pid) == identity.pid and identity.pid != os.getpgrp():
            os.killpg(identity.pid, signal.SIGKILL)
        else:
            os.kill(identity.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError as error:
        problem = f"process {identity.pid} is {identity.user}'s"
        raise RunError(problem, source=str(run.path), remedy="ask them") from error
