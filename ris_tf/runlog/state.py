"""What a run is doing, read from its folder alone; runs and their values in tables."""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from stat import S_ISREG

from ris_tf.disk import open_regular
from ris_tf.runlog.events import Reason, Session, Usage
from ris_tf.runlog.files import RunError, unreadable
from ris_tf.runlog.health import LOCALIZATION
from ris_tf.runlog.identity import ByArguments
from ris_tf.runlog.log import RunLog
from ris_tf.runlog.pace import Pace, pace_of
from ris_tf.runlog.reader import AT_ONCE, LogReader, decode_lines, read_whole, summed_of
from ris_tf.runlog.rundir import EVENTS_FILE, RunDirectory

SILENT_S = 120.0  # without an event for this long, a living process counts as stalled
SUMMED = frozenset({"iteration"})  # the series that a summary needs
HEAD = 1 << 14  # bytes of a log that contain its first session and its series
TAIL = 1 << 16  # bytes of its end with its last windows and, usually, its last validation


class State(StrEnum):
    """What a run is doing."""

    NEW = "new"
    RUNNING = "running"
    STALLED = "stalled"
    SUSPENDED = "suspended"  # its process was stopped by a signal, and may go on
    VANISHED = "vanished"  # its process is on another machine, of which nothing is heard
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    IMPORTED = "imported"


# State by the reason of the end event.
ENDED = {
    Reason.FINISHED: State.FINISHED,
    Reason.EARLY: State.FINISHED,
    Reason.PRUNED: State.FINISHED,
    Reason.STOPPED: State.STOPPED,
    Reason.INTERRUPTED: State.STOPPED,
    Reason.FAILED: State.FAILED,
    Reason.IMPORTED: State.IMPORTED,
}


@dataclass(frozen=True)
class Summary(ByArguments):
    """One row of a table of runs.

    Attributes:
        run: the run.
        state: what it is doing.
        step: windows done.
        windows: windows planned, 0 if unknown.
        epoch: epochs done.
        epochs: epochs planned, 0 if unknown.
        last_loss: last validation loss, NaN before the first.
        best_loss: least validation loss, NaN before the first.
        skipped: windows dropped.
        seconds: from its first event to its last, over all sessions.
        reason: end event in words; without one, why it does not go on; else empty.
        stopping: whether it works and was asked to stop.
        metrics: the last validation's values by name, empty before the first.
        pace: how fast it goes, and what it is at.
        usage: what its process takes of the machine, or took last; `None` in older logs.
    """

    run: RunDirectory
    state: State
    step: int
    windows: int
    epoch: int
    epochs: int
    last_loss: float
    best_loss: float
    skipped: int
    seconds: float
    reason: str
    stopping: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    usage: Usage | None = None

    @property
    def resumable(self) -> bool:
        """Whether `ris-tf train --resume` would go on with it."""
        return self.idle and self.run.identity.task == LOCALIZATION

    @property
    def extendable(self) -> bool:
        """Whether it is done, and `ris-tf train --resume --epochs` would go on with it."""
        done = self.state is State.FINISHED and self.run.identity.task == LOCALIZATION
        return done and any(self.run.checkpoints.glob("*.npz"))

    @property
    def idle(self) -> bool:
        """Whether it ended before its time, with a checkpoint to go on from."""
        ended = self.state in (State.STOPPED, State.FAILED, State.LOST, State.VANISHED)
        return ended and any(self.run.checkpoints.glob("*.npz"))


class RunWatch:
    """Sums up a run again and again, reading only what its log grew by.

    Args:
        run: the run.

    Attributes:
        complete: whether the whole log was read; if not, `best_loss`, `skipped` and `seconds` are
            of the part that was.
    """

    def __init__(self, run: RunDirectory):
        self.run = run
        self._reader = LogReader(f"{run.path}/{EVENTS_FILE}", summed_of, SUMMED)

    @property
    def complete(self) -> bool:
        """Whether the log was read to its end."""
        return self._reader.complete

    def poll(self, now: float | None = None, limit: int = AT_ONCE) -> Summary:
        """What the run is doing, from its log, its process and the clock.

        Args:
            now: seconds since 1970; the clock's unless given.
            limit: bytes of log to read at most. Where that is not all, the state and the progress
                are read from the log's end.

        Raises:
            RunError: its log cannot be read.
        """
        now = time.time() if now is None else now
        try:
            self._reader.poll(limit)
            log = self._reader.log if self.complete else _both_ends(self.run.events_path)
        except OSError as error:
            raise unreadable(self.run.events_path, error) from error
        return summary_of(self.run, log, now)


def summarize(run: RunDirectory, now: float | None = None) -> Summary:
    """What a run is doing, from its log, its process and the clock.

    Raises:
        RunError: its log cannot be read.
    """
    try:
        log = read_whole(LogReader(f"{run.path}/{EVENTS_FILE}", summed_of, SUMMED))
    except OSError as error:
        raise unreadable(run.events_path, error) from error
    return summary_of(run, log, time.time() if now is None else now)


def summary_of(run: RunDirectory, log: RunLog, now: float) -> Summary:
    """What a run is doing, its log already read.

    Args:
        run: the run.
        log: whole or in outline.
        now: seconds since 1970.
    """
    plan = log.sessions[-1] if log.sessions else Session(0, 0.0, 0, 0, 0, 0, 0)
    losses = [v.values.get("loss", math.nan) for v in log.validations]
    finite = [loss for loss in losses if math.isfinite(loss)]
    state = _state(run, log, now)
    return Summary(
        run=run,
        state=state,
        step=int(log.steps[-1]) + 1 if len(log.steps) else plan.step,
        windows=plan.windows,
        epoch=_epochs_done(log, plan),
        epochs=plan.epochs,
        last_loss=losses[-1] if losses else math.nan,
        best_loss=min(finite, default=math.nan),
        skipped=_skipped(log),
        seconds=_seconds(log),
        reason=log.end.text if log.end else _why(run, state, now),
        metrics=log.validations[-1].values if log.validations else {},
        pace=pace_of(log),
        usage=log.usage,
        stopping=state in (State.RUNNING, State.STALLED) and run.stop_requested(),
    )


def _why(run: RunDirectory, state: State, now: float) -> str:
    """Why a run without an end event does not go on; empty where its state says it."""
    holder = run.holder
    if state is State.SUSPENDED:
        return f"process {holder.pid} was stopped by a signal; kill -CONT {holder.pid} goes on"
    if state is State.VANISHED:
        minutes = (now - run.last_write()) / 60
        return f"process {holder.pid} on {holder.host} has written nothing for {minutes:.0f} min"
    return ""


def _epochs_done(log: RunLog, plan: Session) -> int:
    """Epochs that were trained and validated, or trained where nothing validates."""
    if log.validations:
        return log.validations[-1].epoch + 1
    return log.checkpoints[-1].epoch if log.checkpoints else plan.epoch


def _both_ends(path: Path) -> RunLog:
    """The outline of a log's beginning, which has its plan, and of its end."""
    log = RunLog(only=SUMMED)
    with open_regular(path) as file:
        head = file.read(HEAD)
        file.seek(max(file.seek(0, 2) - TAIL, len(head)))
        tail = file.read(TAIL)
    for lines in (head.split(b"\n")[:-1], tail.split(b"\n")[1:-1]):
        for event in decode_lines(line for line in summed_of(lines) if line):
            if event is not None:
                log.append(event)
    return log


def _skipped(log: RunLog) -> int:
    """Windows that counted no optimizer iteration: an outline has not every window's `ok`."""
    applied = float(log.column("iteration")[-1]) if len(log) else math.nan
    return int(log.steps[-1] + 1 - applied) if math.isfinite(applied) else 0


def _seconds(log: RunLog) -> float:
    """Time that sessions took, without the pauses between them, by the times of windows."""
    if not len(log.times):
        return 0.0
    starts = [session.time for session in log.sessions] or [log.times[0]]
    ends = [log.times[log.times < later].max(initial=0.0) for later in starts[1:]]
    ends.append(max(log.times[-1], log.end.time if log.end else 0.0))
    return float(sum(max(end - start, 0.0) for start, end in zip(starts, ends, strict=True)))


def _state(run: RunDirectory, log: RunLog, now: float) -> State:
    if log.end:
        return ENDED[Reason.of(log.end.reason)]
    alive = run.holder_alive()
    if alive is False:
        return State.LOST if run.identity.session else State.NEW
    quiet = now - run.last_write() > SILENT_S
    if alive is None:  # on another machine: the log is all there is
        return State.VANISHED if quiet else State.RUNNING
    if run.holder_suspended():
        return State.SUSPENDED
    return State.STALLED if quiet else State.RUNNING


def find_runs(folder: Path) -> list[RunDirectory]:
    """Runs anywhere below a folder, oldest first; what is no run or not ours is passed over."""
    runs = []
    for path in run_folders(folder):
        with suppress(RunError):
            runs.append(RunDirectory.open(Path(path)))
    return sorted(runs, key=lambda run: (run.identity.created, run.path))


def run_folders(folder: Path) -> Iterator[str]:
    """Paths of runs anywhere below a folder, each once by whatever links lead to it.

    Folders that are hidden or not ours to read are passed over, and so is what lies in a run.
    Texts, not `Path`s: a monitor asks for hundreds of them every second.
    """
    try:
        status = folder.stat()
    except OSError:
        return
    yield from _runs_below(str(folder), {(status.st_dev, status.st_ino)})


def _runs_below(folder: str, visited: set[tuple[int, int]]) -> Iterator[str]:
    """`visited` has the device and inode of folders."""
    for _, path, identity in _visible_folders(folder):
        if identity in visited:
            continue
        visited.add(identity)
        try:
            is_run = S_ISREG(os.stat(f"{path}/run.json").st_mode)  # noqa: PTH116
        except PermissionError:
            continue
        except OSError:
            is_run = False
        if is_run:
            yield path
        else:
            yield from _runs_below(path, visited)


def _visible_folders(folder: str) -> list[tuple[bool, str, tuple[int, int]]]:
    """Whether it is a link, path, device and inode of folders in a folder, links last."""
    folders = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):  # a link to itself
                    if not entry.name.startswith(".") and entry.is_dir():
                        status = entry.stat()
                        identity = status.st_dev, status.st_ino
                        folders.append((entry.is_symlink(), entry.path, identity))
    except OSError:  # not a folder, gone, or not ours to read
        return []
    return sorted(folders)


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of paths by which folders differ: `first`, or `a/first` and `b/first`.

    Args:
        folders: each once; links are followed.
    """
    parts = [folder.resolve().parts for folder in folders]
    return [_shortest_end(one, [other for other in parts if other != one]) for one in parts]


def _shortest_end(parts: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    for length in range(1, len(parts)):
        if all(other[-length:] != parts[-length:] for other in others):
            return "/".join(parts[-length:])
    return str(Path(*parts))
