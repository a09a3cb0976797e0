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
    Phase,
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
STEP_LINE = b'{"kind":"step",'  # how this package's writer begins the lines that make a log long


class EventTail:
    """Follows a log by offset.

    Args:
        path: events.jsonl; it need not be there yet.
        outline: pass over step events that another one follows, without decoding them.

    Attributes:
        offset: bytes read so far.
        skipped: lines that were no event.
        restarted: whether the last `poll` began again, since the log was cut or replaced.
    """

    def __init__(self, path: Path, outline: bool = False):
        self.path = path
        self.outline = outline
        self.skipped = 0
        self.restarted = False
        self._reset()

    def _reset(self) -> None:
        self.offset = 0
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
                file.seek(self.offset)
                taken = 0
                while taken < limit and (chunk := file.read(CHUNK)):
                    taken += len(chunk)
                    self.offset += len(chunk)
                    self._seen = (self._seen + chunk)[-FINGERPRINT:]
                    events += self._events(chunk)
        except FileNotFoundError:
            self.restarted = self.offset > 0
            self._reset()
        return events

    def _was_cut(self, file) -> bool:
        """Whether the bytes before the offset are no longer those that were read."""
        if file.seek(0, 2) < self.offset:
            return True
        file.seek(self.offset - len(self._seen))
        return file.read(len(self._seen)) != self._seen

    def _events(self, chunk: bytes) -> list[Event]:
        *lines, rest = (self._torn + chunk).split(b"\n")
        if self._overlong and lines:
            lines, self._overlong = lines[1:], False
        if self._overlong or len(rest) > LONGEST_LINE:
            self.skipped += not self._overlong
            rest, self._overlong = b"", True
        self._torn = rest
        wanted = _outline(lines) if self.outline else lines
        found = [decode(line) for line in wanted if line]
        events = [event for event in found if event is not None]
        self.skipped += len(found) - len(events)
        return events


def _outline(lines: list[bytes]) -> list[bytes]:
    """The lines without the step events that another step event follows."""
    after = [*lines[1:], b""]
    return [
        line
        for line, following in zip(lines, after, strict=True)
        if not (line.startswith(STEP_LINE) and following.startswith(STEP_LINE))
    ]


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
    phases: list[Phase] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    checkpoints: list[CheckpointEvent] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    end: End | None = None

    def column(self, name: str) -> np.ndarray:
        """`[n]` values of a series; NaN throughout where the run has none of that name."""
        if name not in self.names:
            return np.full(len(self.steps), np.nan)
        return self.values[:, self.names.index(name)]


def read_run_log(path: Path, outline: bool = False) -> RunLog:
    """Read a whole event log; a log that is not there is empty.

    Args:
        path: events.jsonl.
        outline: of the step events, keep only some, the last among them: what long runs are
            summed up from, in a tenth of the time.

    Raises:
        OSError: the file cannot be read.
    """
    log, names = RunLog(), []
    steps: list[Step] = []
    rows: list[tuple[list[str], list[float]]] = []
    for event in _whole(EventTail(path, outline)):
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


def _whole(tail: EventTail) -> list[Event]:
    """All events there are; from the beginning where a resumed run cuts the log meanwhile."""
    events: list[Event] = []
    before = -1
    while tail.offset != before:
        before = tail.offset
        new = tail.poll()
        if tail.restarted:
            events, before = [], -1
        events += new
    return events


def _keep(log: RunLog, event: Event) -> None:
    if isinstance(event, Session):
        log.end = None
    elif isinstance(event, End):
        log.end = event
    lists: dict[type[Event], list] = {
        Session: log.sessions,
        Epoch: log.epoch_ends,
        Validation: log.validations,
        Phase: log.phases,
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
