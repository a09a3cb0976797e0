"""Reads event logs, whole or while they grow."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ris_tf.runlog.events import (
    CheckpointEvent,
    End,
    Epoch,
    Event,
    Notice,
    Sample,
    Series,
    Session,
    Step,
    Validation,
    decode,
)

LONGEST_LINE = 4_000_000  # bytes; longer lines are skipped without being kept
CHUNK = 1 << 20  # bytes read at a time
FINGERPRINT = 256  # last bytes read, which a log that was cut and rewritten no longer has


class EventTail:
    """Follows a log by offset.

    Attributes:
        skipped: lines that were no event.
        restarted: whether the last `poll` began again, since the log was cut or replaced.
    """

    def __init__(self, path: Path):
        self.path = path
        self.skipped = 0
        self.restarted = False
        self._reset()

    def _reset(self) -> None:
        self._offset = 0
        self._torn = b""
        self._overlong = False
        self._seen = b""

    def poll(self, limit: int = 64 * CHUNK) -> list[Event]:
        """Events appended since the last call, at most about `limit` bytes of them.

        A torn last line waits for its rest. Where the file shrank, or a resumed run cut and
        rewrote it, `restarted` is set and reading begins at 0.

        Raises:
            OSError: the file cannot be read, except that a log not yet there is empty.
        """
        self.restarted = False
        events: list[Event] = []
        try:
            with self.path.open("rb") as file:
                if self._was_cut(file):
                    self._reset()
                    self.restarted = True
                file.seek(self._offset)
                taken = 0
                while taken < limit and (chunk := file.read(CHUNK)):
                    taken += len(chunk)
                    self._offset += len(chunk)
                    self._seen = (self._seen + chunk)[-FINGERPRINT:]
                    events += self._events(chunk)
        except FileNotFoundError:
            self.restarted = self._offset > 0
            self._reset()
        return events

    def _was_cut(self, file) -> bool:
        """Whether the bytes before the offset are no longer those that were read."""
        if file.seek(0, 2) < self._offset:
            return True
        file.seek(self._offset - len(self._seen))
        return file.read(len(self._seen)) != self._seen

    def _events(self, chunk: bytes) -> list[Event]:
        *lines, rest = (self._torn + chunk).split(b"\n")
        if self._overlong and lines:
            lines, self._overlong = lines[1:], False
        if self._overlong or len(rest) > LONGEST_LINE:
            self.skipped += not self._overlong
            rest, self._overlong = b"", True
        self._torn = rest
        found = [decode(line) for line in lines if line]
        events = [event for event in found if event is not None]
        self.skipped += len(found) - len(events)
        return events


@dataclass
class RunLog:
    """A log as columns.

    Attributes:
        names: series of the step values.
        steps: `[n]` window numbers.
        epochs: `[n]` their epochs.
        times: `[n]` seconds since 1970.
        values: `[n, len(names)]`, NaN where a value was not finite or not there.
        end: how the last session ended, `None` while it has not.
    """

    names: list[str] = field(default_factory=list)
    steps: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    epochs: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    sessions: list[Session] = field(default_factory=list)
    epoch_ends: list[Epoch] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    checkpoints: list[CheckpointEvent] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    end: End | None = None

    def column(self, name: str) -> np.ndarray:
        """`[n]` values of a series; NaN throughout where the run has none of that name."""
        if name not in self.names:
            return np.full(len(self.steps), np.nan)
        return self.values[:, self.names.index(name)]


def read_run_log(path: Path) -> RunLog:
    """Read a whole event log; a log that is not there is empty."""
    tail, log = EventTail(path), RunLog()
    steps: list[Step] = []
    rows: list[tuple[list[str], list[float]]] = []
    names: list[str] = []
    while events := tail.poll():
        for event in events:
            if isinstance(event, Series):
                names = event.names
                log.names += [name for name in names if name not in log.names]
            elif isinstance(event, Step):
                steps.append(event)
                rows.append((names, event.values))
            else:
                _keep(log, event)
    log.steps = np.array([step.step for step in steps], np.int64)
    log.epochs = np.array([step.epoch for step in steps], np.int64)
    log.times = np.array([step.time for step in steps])
    log.values = _columns(rows, log.names)
    return log


def _keep(log: RunLog, event: Event) -> None:
    if isinstance(event, Session):
        log.end = None
    elif isinstance(event, End):
        log.end = event
    lists: dict[type[Event], list] = {
        Session: log.sessions,
        Epoch: log.epoch_ends,
        Validation: log.validations,
        Notice: log.notices,
        CheckpointEvent: log.checkpoints,
        Sample: log.samples,
    }
    if type(event) in lists:
        lists[type(event)].append(event)


def _columns(rows: list[tuple[list[str], list[float]]], names: list[str]) -> np.ndarray:
    values = np.full((len(rows), len(names)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    for row, (named, given) in zip(values, rows, strict=True):
        if named == names and len(given) == len(names):
            row[:] = given
        else:
            for name, value in zip(named, given, strict=False):
                row[place[name]] = value
    return values
