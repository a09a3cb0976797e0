"""Reads a search's trials while workers write them, again only where something changed."""

import os
import stat
from dataclasses import replace
from pathlib import Path

from ris_tf.runlog.files import RunError, unreadable
from ris_tf.runlog.rundir import RunDirectory
from ris_tf.runlog.state import SILENT_S, RunWatch, State
from ris_tf.search.trial import (
    TRIAL_FILE,
    Trial,
    TrialState,
    decode_trial,
    number_of,
    read_limited,
)

READ_ON = 1 << 20  # bytes of a log read at a time where trial.json does not give the state

Stamp = tuple[int, int, int]  # inode, size, time of change: differs when a file does

# State of a trial whose trial.json is of no use, from its run's. Nobody works on a stopped one.
STATES = {
    State.NEW: TrialState.WAITING,
    State.RUNNING: TrialState.RUNNING,
    State.STALLED: TrialState.RUNNING,
    State.SUSPENDED: TrialState.RUNNING,
    State.FINISHED: TrialState.FINISHED,
    State.FAILED: TrialState.FAILED,
    State.IMPORTED: TrialState.FAILED,  # no search makes one
    State.STOPPED: TrialState.LOST,
    State.LOST: TrialState.LOST,
    State.VANISHED: TrialState.LOST,
}


class TrialReader:
    """The trials of a search that goes on.

    Args:
        path: the search's folder.
    """

    def __init__(self, path: Path):
        self.path = path
        self._entries: dict[str, _Entry] = {}

    def poll(self, now: float) -> tuple[Trial, ...]:
        """All trials in the order of their numbers; only changed files are read.

        Args:
            now: seconds since 1970.

        Raises:
            RunError: the folder cannot be read.
        """
        self._entries = {
            name: self._entries.get(name) or _Entry(self.path / name) for name in self._folders()
        }
        polled = [entry.poll(now) for entry in self._entries.values()]
        trials = [trial for trial in polled if trial is not None]
        return tuple(sorted(trials, key=lambda trial: (trial.number, str(trial.path))))

    def _folders(self) -> list[str]:
        try:
            with os.scandir(self.path) as entries:
                return [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
        except OSError as error:
            raise unreadable(self.path, error) from error


class _Entry:
    """One folder of a search, and its files as they were last read."""

    def __init__(self, path: Path):
        self.path = path
        self._stamp: Stamp | None = None  # of trial.json
        self._run_stamps: tuple[Stamp | None, ...] = ()
        self._written: Trial | None = None  # as trial.json has it
        self._from_log: Trial | None = None  # as the run's log has it
        self._watch: RunWatch | None = None

    def poll(self, now: float) -> Trial | None:
        """The folder's trial, `None` where it has none."""
        stamp = stamp_of(self.path / TRIAL_FILE)
        if stamp != self._stamp:
            self._stamp = stamp
            self._written = self._read() if stamp else None
        if self._written:
            return self._with_process(self._written, now)
        return self._from_run(now)

    def _read(self) -> Trial | None:
        try:
            return decode_trial(read_limited(self.path / TRIAL_FILE), self.path)
        except OSError:  # gone again, or not ours to read: its run may show the state
            return None

    def _with_process(self, trial: Trial, now: float) -> Trial:
        """The trial as written, unless its worker is gone."""
        if trial.state == TrialState.RUNNING and _is_abandoned(self.path, now):
            return replace(trial, state=TrialState.LOST, reason="its worker is gone", cause=None)
        return trial

    def _from_run(self, now: float) -> Trial | None:
        """The trial by its run's log, where trial.json is missing or of no use."""
        number = number_of(self.path)
        if number is None:
            return None
        stamps = tuple(stamp_of(self.path / name) for name in ("run.json", "events.jsonl"))
        if stamps[0] is None:
            return None
        if stamps == self._run_stamps and self._from_log and self._from_log.settled:
            return self._from_log
        if stamps[:1] != self._run_stamps[:1]:  # another process works on it
            self._watch = None
        self._run_stamps = stamps
        self._from_log = self._read_from_log(number, now)
        return self._from_log

    def _read_from_log(self, number: int, now: float) -> Trial | None:
        try:
            if not self._watch:
                self._watch = RunWatch(RunDirectory.open(self.path))
            summary = self._watch.poll(now, READ_ON)
        except (RunError, OSError):  # nothing that shows the state
            self._watch = None
            return None
        why = f"{TRIAL_FILE} cannot be read; state read from its log"
        return Trial(
            number=number,
            state=STATES[summary.state],
            reason=f"{why}: {summary.reason}" if summary.reason else why,
            epochs=summary.epoch,
            path=self.path,
            damaged=True,
        )


def _is_abandoned(path: Path, now: float) -> bool:
    """Whether the process that worked on a trial's run is gone, as far as is known."""
    try:
        alive = RunDirectory.open(path).holder_alive()
    except RunError:  # no run yet, or a damaged one
        return False
    if alive is not None:
        return not alive
    # On another machine, files are all there is.
    stamps = (stamp_of(path / name) for name in ("run.json", TRIAL_FILE, "events.jsonl"))
    last = max((stamp[2] for stamp in stamps if stamp), default=0)
    return now - last / 1e9 > SILENT_S


def stamp_of(path: Path) -> Stamp | None:
    """What differs when a file has changed; `None` where there is no regular file."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat; done by the 1000)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
