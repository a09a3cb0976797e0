"""Commands that were started from the window: how far they are, and how they ended."""

import json
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from gui.models.commands import Command
from gui.processes import Process
from gui.workers import Jobs
from ris_tf.errors import UserError

CHECK_MS = 300  # how often processes are checked
STARTING, ENDING = "starting", "writing what was found"
INTERRUPTED = (130, -2)  # exit codes of a command that Ctrl-C ended


@dataclass(eq=False)
class Running:
    """A command that was started.

    Attributes:
        command: what was started.
        title: what it does, for people.
        process: `None` until there is one.
        share: how much of it is done, 0..1; `None` where that is not known.
        at: what it works on, empty where that is not known.
        code: how it ended, `None` while it runs.
        last_line: the last line that it printed.
        cancelled: whether it was asked to end.
    """

    command: Command
    title: str
    process: Process | None = None
    share: float | None = None
    at: str = ""
    code: int | None = None
    last_line: str = ""
    cancelled: bool = False

    @property
    def words(self) -> str:
        """How far it is, or how it ended."""
        if self.code is None:
            return f"{self.title}: {self.at or (ENDING if self.share == 1 else STARTING)}"
        if self.cancelled and self.code in INTERRUPTED:
            return f"{self.title}: cancelled"
        if self.code:
            reason = self.last_line.removeprefix("ris-tf: ") or "it printed nothing"
            return f"{self.title}: exit code {self.code}: {reason}"
        return f"{self.title}: done"


class RunningCommands(QObject):
    """Starts commands and follows them to their end.

    Args:
        jobs: does what may wait for a disk.
        parent: its owner.

    Attributes:
        commands: those that run.
    """

    changed = Signal()
    ended = Signal(object)  # Running

    def __init__(self, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.commands: list[Running] = []
        self._jobs = jobs
        self._checking = False
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self._check)

    def begin(self, command: Command, title: str) -> Running:
        """Start a command."""
        running = Running(command, title)
        self.commands.append(running)
        self._jobs.do(
            lambda: Process(command),
            lambda process: self._watch(running, process),
            lambda error: self._refuse(running, error),
        )
        self.changed.emit()
        return running

    def cancel(self, running: Running) -> None:
        """End a command as Ctrl-C would."""
        running.cancelled = True
        if running.process:
            running.process.interrupt()

    def _watch(self, running: Running, process: Process) -> None:
        running.process = process
        if running.cancelled:
            process.interrupt()
        self._timer.start()

    def _refuse(self, running: Running, error: UserError) -> None:
        running.code, running.last_line = 2, str(error)
        self._end(running)

    def _check(self) -> None:
        followed = [running for running in self.commands if running.process]
        if not followed:
            self._timer.stop()
        elif not self._checking:
            self._checking = True
            self._jobs.do(lambda: [_state_of(r) for r in followed], self._take, self._failed)

    def _failed(self, error: UserError) -> None:
        del error
        self._checking = False

    def _take(self, states: list[tuple[Running, int | None, str]]) -> None:
        self._checking = False
        for running, code, line in states:
            progress = _progress_of(line)
            if progress:
                running.share, running.at = progress
            else:
                running.last_line = line
            if code is not None:
                running.code = code
                self._end(running)
        self.changed.emit()

    def _end(self, running: Running) -> None:
        self.commands.remove(running)
        self.changed.emit()
        self.ended.emit(running)


def _state_of(running: Running) -> tuple[Running, int | None, str]:
    assert running.process is not None
    code = running.process.exit_code()  # before the line, which then is the last one
    return running, code, running.process.last_line()


def _progress_of(line: str) -> tuple[float, str] | None:
    """Share and what is worked on, of a line of `--progress json`; `None` of any other line."""
    if not line.startswith("{"):
        return None
    try:
        document = json.loads(line)
    except ValueError:  # half a line
        return None
    share, at = document.get("progress"), document.get("at")
    if isinstance(share, int | float) and isinstance(at, str):
        return min(max(float(share), 0.0), 1.0), at
    return None
