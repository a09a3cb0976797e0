"""How a process takes signals, with which code it ends, and output that nobody reads.

Standard library only: commands, engine and monitor use it before anything else is loaded.
"""

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

INTERRUPTED = 130  # exit code after Ctrl-C
REQUEUE = 75  # exit code where the machine is wanted back: EX_TEMPFAIL, "give it again"


def _existing(*names: str) -> tuple[signal.Signals, ...]:
    """Signals by name, those that this system has."""
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)


# What schedulers send before they take a machine away: at the end, as a warning, at a CPU limit.
PREEMPTING = _existing("SIGTERM", "SIGUSR1", "SIGXCPU")
HANGUP = _existing("SIGHUP")  # the terminal is gone
CHECKPOINT = _existing("SIGUSR2")  # a checkpoint now
# What writing says where nobody reads any more: a pipe without reader, a terminal that is gone.
UNREAD = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO})
REFUSED = frozenset({errno.ENOSPC, errno.EDQUOT})  # the disk of a file that output goes to


class Preempted(BaseException):
    """Raised by a signal of a scheduler in commands that have nothing to keep.

    Attributes:
        by: name of the signal.
    """

    def __init__(self, by: str):
        super().__init__(by)
        self.by = by


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise Preempted(signal.Signals(number).name)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """While this runs, a scheduler's signals raise `Preempted`; a lost terminal changes nothing.

    What is begun is cleaned up on the way out. Processes that are started meanwhile ignore SIGHUP
    and SIGUSR2 until they know what to do with them.
    """
    ignored = dict.fromkeys((*HANGUP, *CHECKPOINT), signal.SIG_IGN)
    with handled({**dict.fromkeys(PREEMPTING, _leave), **ignored}):
        yield


@contextmanager
def handled(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    """While this runs, signals have these handlers; then they have the ones from before.

    In a thread beside the main one they are not changed: Python lets no other have them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # else it was not set by Python
                signal.signal(number, handler)


class LastingOutput(io.FileIO):
    """A descriptor that can be written to, whoever reads it; what nobody reads is dropped.

    Args:
        descriptor: of a file, a pipe or a terminal; it stays open when this is closed.

    Attributes:
        problem: why nobody reads any more; empty while somebody may.
        tolerated: errors after which output is dropped; others are raised.
    """

    def __init__(self, descriptor: int):
        super().__init__(descriptor, "w", closefd=False)
        self.problem = ""
        self.tolerated = UNREAD

    def write(self, data: Any) -> int:
        """Write some of the data; all of it counts as written where nobody reads."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in self.tolerated:
                raise
            self.problem = error.strerror or str(error)
            self._drop()
            return memoryview(data).nbytes

    def _drop(self) -> None:
        """From now on the descriptor leads nowhere, for libraries and child processes, too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def keep_output_going() -> None:
    """Make standard output and standard error last when nobody reads them any more.

    What is no plain file of Python, as in a notebook, stays as it is.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(_raw(stream)) is io.FileIO:
            with suppress(OSError, ValueError):  # closed
                stream.flush()
                setattr(sys, name, _reopened(stream))


def _reopened(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same on a lasting descriptor, buffered as it was."""
    raw = LastingOutput(stream.fileno())
    unbuffered = stream.buffer is _raw(stream)  # `python -u`
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),  # pyright: ignore[reportArgumentType]
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _raw(stream: Any) -> Any:
    """What writes to a stream's descriptor; `None` where that is not known."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def _lasting(stream: Any) -> LastingOutput | None:
    raw = _raw(stream)
    return raw if isinstance(raw, LastingOutput) else None


def tolerate_full_disk() -> None:
    """Drop output that its disk refuses, too: of work whose result is elsewhere."""
    for stream in (sys.stdout, sys.stderr):
        if raw := _lasting(stream):
            raw.tolerated = UNREAD | REFUSED


def output_problem() -> str:
    """Why standard output is dropped; empty while it is not."""
    raw = _lasting(sys.stdout)
    return raw.problem if raw else ""


def tell(text: bytes) -> None:
    """Write to the terminal from a signal handler, where `print` may be at work; if it can be."""
    with suppress(OSError, ValueError):
        os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, text)
