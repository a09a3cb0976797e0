"""Appends events to a run's log, each whole and at once."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ris_tf.disk import descriptor_to_write, write_new
from ris_tf.runlog.events import End, Event, encode, encode_step
from ris_tf.runlog.files import RunError, naming
from ris_tf.runlog.reader import NO_LOG

CHUNK = 1 << 16  # bytes read at a time, looking for the end of the last whole line
RESERVE = 1 << 15  # bytes kept beside the log for its end event, should the disk be full by then


class EventWriter:
    """The one writer of a run's event log.

    Args:
        path: events.jsonl, made if it is not there.
        length: bytes that count; whatever stands behind them is cut off, since a resumed run will
            write it again. `None` keeps every whole line.

    Attributes:
        length: bytes of the whole lines written, which a checkpoint keeps.

    Raises:
        RunError: the log is shorter than `length`.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, length: int | None = None):
        self.path = path
        self._reserve = path.with_name(f".{path.name}.reserve")
        with naming(path):
            self._open(path, length)

    def _open(self, path: Path, length: int | None) -> None:
        self._descriptor = descriptor_to_write(path, os.O_RDWR | os.O_CREAT, 0o644)
        size = os.fstat(self._descriptor).st_size
        if length is None:
            length = _whole_lines(self._descriptor, size)
        if size < length:
            os.close(self._descriptor)
            raise RunError(
                f"the log was cut: it has {size} bytes, and the checkpoint counts on {length}",
                source=str(path),
                remedy="start a new run",
            )
        os.ftruncate(self._descriptor, length)
        os.lseek(self._descriptor, length, os.SEEK_SET)
        self.length = length
        with write_new(self._reserve) as file:
            file.write(bytes(RESERVE))

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, event: Event) -> None:
        """Append one event.

        Raises:
            OSError: the disk refused; the line does not count.
        """
        self._append(encode(event))

    def step(self, step: int, epoch: int, time: float, values: Iterable[float]) -> None:
        """Append a step event; the fast path of `write`."""
        self._append(encode_step(step, epoch, time, values))

    def _append(self, line: bytes) -> None:
        written = 0
        try:
            with naming(self.path):
                while written < len(line):
                    written += os.write(self._descriptor, line[written:])
        except BaseException:
            # Half a line must not be continued by the next one.
            os.ftruncate(self._descriptor, self.length)
            os.lseek(self._descriptor, self.length, os.SEEK_SET)
            raise
        self.length += len(line)

    def sync(self) -> None:
        """Return when the disk has everything."""
        with naming(self.path):
            os.fsync(self._descriptor)

    def end(self, event: End) -> None:
        """Append the end event, on a full disk in the space kept for it, and close.

        Raises:
            OSError: the disk refused all the same.
        """
        try:
            self._reserve.unlink(missing_ok=True)
            self.write(event)
        finally:
            self.close()

    def close(self) -> None:
        """Sync and close; nothing can be written afterwards."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._reserve.unlink(missing_ok=True)
            try:
                with naming(self.path):
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)


class SilentWriter(EventWriter):
    """Writes nothing: a run of several processes has one log, the chief's."""

    def __init__(self) -> None:
        self.path = Path(os.devnull)
        self.length = 0

    def _append(self, line: bytes) -> None:
        self.length += len(line)

    def sync(self) -> None:
        """Nothing to sync."""

    def end(self, event: End) -> None:
        """Nothing to end."""

    def close(self) -> None:
        """Nothing to close."""


def _whole_lines(descriptor: int, size: int) -> int:
    """Length of a log without its torn last line."""
    whole = size
    while size:
        start = max(size - CHUNK, 0)
        newline = os.pread(descriptor, size - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        size = start
        if whole - size > NO_LOG:
            raise OSError(errno.EINVAL, f"no line ends in {NO_LOG:,} bytes")
    return 0
