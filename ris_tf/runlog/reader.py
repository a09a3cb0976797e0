"""Reads event logs, whole or while they grow."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import orjson

from ris_tf.disk import open_in_pieces
from ris_tf.runlog.columns import Columns
from ris_tf.runlog.events import (
    CheckpointEvent,
    Diagnosis,
    Epoch,
    Event,
    Notice,
    Phase,
    Sample,
    Session,
    Step,
    decode,
)
from ris_tf.runlog.log import RunLog, Steps

# How this package's writer begins the lines that make a log long, and others.
STEP_LINE, CHECKPOINT_LINE, EPOCH_LINE, SESSION_LINE = (
    f'{{"kind":"{event.kind}",'.encode() for event in (Step, CheckpointEvent, Epoch, Session)
)
REPEATED = STEP_LINE, CHECKPOINT_LINE, EPOCH_LINE
NOT_SUMMED = tuple(
    f'{{"kind":"{event.kind}",'.encode() for event in (Phase, Notice, Sample, Diagnosis)
)
Pick = Callable[[list[bytes]], list[bytes]]  # the lines of those that are decoded
QUOTES = 12  # of a step line: six keys and texts

LONGEST_LINE = 4_000_000  # bytes; longer lines are skipped without being kept
NO_LOG = 1 << 26  # bytes without an end of a line: a file of zeros, perhaps of terabytes
# Bytes read at a time: parsing them holds Python's lock for 2 ms, which no drawing thread notices.
CHUNK = 1 << 18
AT_ONCE = 1 << 26  # bytes that a poll takes by default
ROOM = 1.05  # of the windows that a file is expected to hold
FINGERPRINT = 256  # last bytes read, which a log that was cut and rewritten no longer has


def decode_lines(lines: Iterable[bytes]) -> Iterator[Event | Steps | None]:
    """The events of lines, `None` for each that is none; step lines in a row are one `Steps`.

    Decoding them together takes a tenth of the time of one by one.
    """
    for are_steps, group in groupby(lines, key=lambda line: line.startswith(STEP_LINE)):
        rows = list(group)
        block = _block(rows) if are_steps and len(rows) > 1 else None
        if block is not None:
            yield block
            continue
        for row in rows:
            event = decode(row)
            yield Steps.of(event) if isinstance(event, Step) else event


def _block(lines: list[bytes]) -> Steps | None:
    """Step lines as arrays; `None` where one is not just as the writer writes it."""
    joined = b",".join(lines)
    # Texts and truth values would become numbers below; in such a line neither can be.
    if joined.count(b'"') != QUOTES * len(lines) or b"true" in joined or b"false" in joined:
        return None
    try:
        rows = orjson.loads(b"[" + joined + b"]")
        block = Steps(
            np.array([row["step"] for row in rows]),
            np.array([row["epoch"] for row in rows]),
            np.array([row["time"] for row in rows], np.float64),
            np.array([row["values"] for row in rows], np.float64),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    whole = block.steps.dtype == block.epochs.dtype == np.int64
    shaped = [column.ndim for column in vars(block).values()] == [1, 1, 1, 2]
    return block if whole and shaped and len(rows) == len(lines) else None


class EventTail:
    """Follows a log by offset.

    Args:
        path: events.jsonl; it need not be there yet.
        pick: chooses lines that are decoded; `None` takes all.

    Attributes:
        offset: bytes read so far.
        size: bytes that the file had at the last `poll`.
        skipped: lines that were no event.
        restarted: whether the last `poll` began again, since the log was cut or replaced.
    """

    def __init__(self, path: Path | str, pick: Pick | None = None):
        self.path = path
        self.pick = pick
        self.size = self.skipped = 0
        self.restarted = False
        self._reset()

    def _reset(self) -> None:
        self.offset = 0
        self._torn = b""
        self._overlong, self._passed_over = False, 0
        self._last_bytes = b""

    def poll(self, limit: int = AT_ONCE) -> list[Event | Steps]:
        """Events appended since the last call, of at least `limit` bytes if there are.

        A torn last line waits for its rest. Where the file shrank, or a resumed run cut and
        rewrote it, `restarted` is set and reading begins at 0.

        Raises:
            OSError: the file cannot be read, except that a log not yet there is empty.
        """
        self.restarted = False
        events: list[Event | Steps] = []
        try:
            with open_in_pieces(self.path) as file:
                self.size = os.fstat(file.fileno()).st_size
                if self._was_cut(file):
                    self._reset()
                    self.restarted = True
                file.seek(self.offset)
                taken = 0
                while taken < limit and (chunk := file.read(min(self.size - self.offset, CHUNK))):
                    taken += len(chunk)
                    self.offset += len(chunk)
                    self._last_bytes = (self._last_bytes + chunk)[-FINGERPRINT:]
                    events += self._events(chunk)
        except FileNotFoundError:
            self.restarted, self.size = self.offset > 0, 0
            self._reset()
        return events

    def _was_cut(self, file) -> bool:
        """Whether the bytes before the offset are no longer those that were read."""
        if self.size < self.offset or not self.offset:
            return self.offset > 0
        file.seek(self.offset - len(self._last_bytes))
        return file.read(len(self._last_bytes)) != self._last_bytes

    def _events(self, chunk: bytes) -> list[Event | Steps]:
        *lines, rest = (self._torn + chunk).split(b"\n")
        if self._overlong and lines:
            lines, self._overlong = lines[1:], False
        if self._overlong or len(rest) > LONGEST_LINE:
            self.skipped += not self._overlong
            self._passed_over = self._passed_over + len(rest) if self._overlong else len(rest)
            rest, self._overlong = b"", True
            if self._passed_over > NO_LOG:
                raise OSError(errno.EINVAL, f"no line ends in {NO_LOG:,} bytes", str(self.path))
        self._torn = rest
        wanted = self.pick(lines) if self.pick else lines
        found = list(decode_lines(line for line in wanted if line))
        events = [event for event in found if event is not None]
        self.skipped += len(found) - len(events)
        return events


def outline_of(lines: list[bytes]) -> list[bytes]:
    """The lines without the step events that another step event follows."""
    after = [*lines[1:], b""]
    return [
        line
        for line, following in zip(lines, after, strict=False)  # no lines: nothing follows none
        if not (line.startswith(STEP_LINE) and following.startswith(STEP_LINE))
    ]


def _ends_of_windows(lines: list[bytes]) -> list[bytes]:
    """The lines, of step events in a row only the first and the last; most lines are such."""
    kept, before = [], -1
    others = [place for place, line in enumerate(lines) if not line.startswith(STEP_LINE)]
    for place in (*others, len(lines)):
        if place - before > 1:
            kept += [lines[before + 1], lines[place - 1]][: place - before - 1]
        kept += lines[place : place + 1]
        before = place
    return kept


def summed_of(lines: list[bytes]) -> list[bytes]:
    """The lines that a summary is made of.

    Of step events, the first and the last of each session; of checkpoints and ends of epochs, the
    last; no phase, notice, sample or diagnosis. They are told by how this package writes them; any
    other line is decoded, whatever it is.
    """
    kept: list[bytes] = []
    later: set[bytes] = set()
    first: bytes | None = None  # step event of the session, as far as is known
    for line in reversed(_ends_of_windows(lines)):
        repeated = line.startswith(REPEATED) and next(filter(line.startswith, REPEATED))
        if repeated and repeated in later:
            first = line if repeated == STEP_LINE else first
        elif repeated or not line.startswith(NOT_SUMMED):
            if line.startswith(SESSION_LINE):
                kept += [first] if first else []
                first = None
                later.clear()
            later |= {repeated} if repeated else set()
            kept.append(line)
    return [*([first] if first else []), *reversed(kept)]


class LogReader:
    """A log that is read while it grows.

    Args:
        path: events.jsonl; it need not be there yet.
        pick: chooses lines that are decoded, such as `outline_of`; `None` takes all.
        only: series to keep; `None` keeps all.
        storage: makes what the columns of the log are kept in.

    Attributes:
        log: what was read so far; a new one where a resumed run cut the file.
        tail: where reading is.
    """

    def __init__(
        self,
        path: Path | str,
        pick: Pick | None = None,
        only: frozenset[str] | None = None,
        storage: Callable[[], Columns] = Columns,
    ):
        self.tail = EventTail(path, pick)
        self.log = RunLog(only=only, storage=storage)

    @property
    def complete(self) -> bool:
        """Whether the last `poll` came to the end of the file."""
        return self.tail.offset >= self.tail.size

    def poll(self, limit: int = AT_ONCE) -> bool:
        """Read on; whether there was anything new.

        Raises:
            OSError: the file cannot be read.
        """
        events = self.tail.poll(limit)
        if self.tail.restarted:
            self.log = RunLog(only=self.log.only, storage=self.log.storage)
        for event in events:
            self.log.append(event)
        if not self.complete:
            self.log.reserve(self._expected())
        return bool(events) or self.tail.restarted

    def _expected(self) -> int:
        """Windows that the whole file holds if the rest is like what was read.

        The room costs nothing until it is written to; growing would copy every column, while
        others still hold the smaller one.
        """
        return int(ROOM * len(self.log) * self.tail.size / max(self.tail.offset, 1))


def read_run_log(path: Path, outline: bool = False) -> RunLog:
    """Read a whole event log; a log that is not there is empty.

    Args:
        path: events.jsonl.
        outline: of the step events, keep only some, the last among them, in a tenth of the time.

    Raises:
        OSError: the file cannot be read.
    """
    return read_whole(LogReader(path, outline_of if outline else None))


def read_whole(reader: LogReader) -> RunLog:
    """Read a log to its end.

    Raises:
        OSError: the file cannot be read.
    """
    reader.poll()
    while not reader.complete:  # of a run that is resumed meanwhile, from 0 again
        reader.poll()
    return reader.log
