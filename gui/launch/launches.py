"""What was started from the window, until it has begun, and until it has ended."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from gui.models.commands import Command
from gui.processes import Process, ProcessState, state_of
from gui.workers import Jobs
from ris_tf.errors import UserError

CHECK_MS = 250  # how often processes are checked


@dataclass(eq=False)
class Launch:
    """A process that was started, or is about to be.

    Attributes:
        path: folder that it is to make or go on with.
        started: the process, `None` until there is one.
    """

    path: Path
    started: Process | None = None


class Launches(QObject):
    """Starts processes; signals when each works on its folder, or that it ended before.

    Args:
        jobs: does what may wait for a disk.
        parent: its owner.
    """

    begun = Signal(object)  # Path of the folder that a process works on
    failed = Signal(str)  # why there is none, in one line

    def __init__(self, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs = jobs
        self._starting: list[Launch] = []
        self._running: list[Launch] = []
        self._checking = False
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self._check)

    @property
    def starting(self) -> list[Path]:
        """Folders of the processes that have not begun yet."""
        return [launch.path for launch in self._starting]

    def begin(self, command: Command, path: Path) -> None:
        """Start a process.

        Args:
            command: what to start.
            path: folder that it is to make or go on with.
        """
        launch = Launch(path)
        self._starting.append(launch)
        self._jobs.do(
            lambda: Process(command),
            lambda started: self._watch(launch, started),
            lambda error: self._drop(launch, error),
        )

    def _watch(self, launch: Launch, started: Process) -> None:
        launch.started = started
        self._timer.start()

    def _drop(self, launch: Launch, error: UserError) -> None:
        self._starting.remove(launch)
        self.failed.emit(str(error))

    def _check(self) -> None:
        launches = [launch for launch in (*self._starting, *self._running) if launch.started]
        if not launches:
            self._timer.stop()
        elif not self._checking:
            self._checking = True
            self._jobs.do(lambda: _states_of(launches), self._take, self._check_failed)

    def _check_failed(self, error: UserError) -> None:
        self._checking = False
        self.failed.emit(str(error))

    def _take(self, states: dict[Launch, ProcessState]) -> None:
        self._checking = False
        for launch, now in states.items():
            if launch in self._starting and (now.began or now.code is not None):
                self._starting.remove(launch)
                self._running.append(launch)
                self._report(launch, now)
        # Asking for the exit code is also what takes a process that ended off the system's list.
        self._running = [run for run in self._running if states[run].code is None]

    def _report(self, launch: Launch, now: ProcessState) -> None:
        if now.code:
            words = now.last_line.removeprefix("ris-tf: ") or "it printed nothing"
            self.failed.emit(f"not started, exit code {now.code}: {words}")
        else:
            self.begun.emit(launch.path)


def _states_of(launches: list[Launch]) -> dict[Launch, ProcessState]:
    return {launch: state_of(launch.started, launch.path) for launch in launches if launch.started}
