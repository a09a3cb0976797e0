"""What a run is doing, told from its folder alone."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from ris_tf.runlog.events import Session
from ris_tf.runlog.reader import RunLog
from ris_tf.runlog.rundir import RunDirectory, RunError

SILENT_S = 120.0  # without an event for this long, a living process counts as stalled


class State(StrEnum):
    """What a run is doing."""

    NEW = "new"
    RUNNING = "running"
    STALLED = "stalled"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"


# State by the reason of the end event.
ENDED = {
    "finished": State.FINISHED,
    "early": State.FINISHED,
    "stopped": State.STOPPED,
    "interrupted": State.STOPPED,
    "failed": State.FAILED,
}


@dataclass(frozen=True)
class Summary:
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
        reason: end event in words, empty while there is none.
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

    @property
    def resumable(self) -> bool:
        """Whether `ris-tf train --resume` would go on with it."""
        idle = self.state in (State.STOPPED, State.FAILED, State.LOST)
        return idle and any(self.run.checkpoints.glob("*.npz"))


def summarize(run: RunDirectory, now: float | None = None) -> Summary:
    """What a run is doing, from its log, its process and the clock.

    Raises:
        RunError: its log cannot be read.
    """
    log = run.log(outline=True)
    plan = log.sessions[-1] if log.sessions else Session(0, 0.0, 0, 0, 0, 0, 0)
    losses = [v.values.get("loss", math.nan) for v in log.validations]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return Summary(
        run=run,
        state=_state(run, log, time.time() if now is None else now),
        step=int(log.steps[-1]) + 1 if len(log.steps) else plan.step,
        windows=plan.windows,
        epoch=log.validations[-1].epoch + 1 if log.validations else plan.epoch,
        epochs=plan.epochs,
        last_loss=losses[-1] if losses else math.nan,
        best_loss=min(finite, default=math.nan),
        skipped=_skipped(log),
        seconds=_seconds(log),
        reason=log.end.text if log.end else "",
    )


def _skipped(log: RunLog) -> int:
    """Windows that counted no optimizer iteration: an outline has not every window's `ok`."""
    applied = log.column("iteration")[-1:]
    return int(log.steps[-1] + 1 - applied[0]) if np.isfinite(applied).any() else 0


def _seconds(log: RunLog) -> float:
    """Time that sessions took, the pauses between them left out as far as windows tell."""
    if not len(log.times):
        return 0.0
    starts = [session.time for session in log.sessions]
    ends = [log.times[log.times < later].max(initial=0.0) for later in starts[1:]]
    ends.append(max(log.times[-1], log.end.time if log.end else 0.0))
    return float(sum(max(end - start, 0.0) for start, end in zip(starts, ends, strict=True)))


def _state(run: RunDirectory, log: RunLog, now: float) -> State:
    if log.end:
        return ENDED.get(log.end.reason, State.FAILED)
    alive = run.holder_alive()
    if alive is False:
        return State.LOST if run.identity.session else State.NEW
    quiet = now - _last_sign(run) > SILENT_S
    if alive is None:  # on another machine: the log is all there is
        return State.LOST if quiet else State.RUNNING
    return State.STALLED if quiet else State.RUNNING


def _last_sign(run: RunDirectory) -> float:
    """When a run last wrote something."""
    paths = (run.events_path, run.path / "run.json")
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def find_runs(folder: Path) -> list[RunDirectory]:
    """Runs anywhere below a folder, oldest first; what is no run or not ours is passed over."""
    found = _runs_below(folder, seen=set())
    return sorted(found, key=lambda run: (run.identity.created, run.path))


def _runs_below(folder: Path, seen: set[str]) -> Iterator[RunDirectory]:
    """Each run once, by whatever links lead to it: `seen` holds the real paths of folders."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    for entry in _visible_folders(folder):
        try:
            is_run = (entry / "run.json").is_file()
        except PermissionError:
            continue
        if not is_run:
            yield from _runs_below(entry, seen)
        elif (target := os.path.realpath(entry)) not in seen:
            seen.add(target)
            try:
                yield RunDirectory.open(entry)
            except RunError:
                continue


def _visible_folders(folder: Path) -> list[Path]:
    """Folders in a folder, links behind what they may point to."""
    try:
        folders = [path for path in folder.iterdir() if path.name[:1] != "." and path.is_dir()]
    except OSError:  # not a folder, gone, or not ours to read
        return []
    return sorted(folders, key=lambda path: (path.is_symlink(), path))
