"""Why training ends before its last window, and how a person or a program requests it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ris_tf.runlog import Cause, Reason

RESOURCE_EXHAUSTED = 8  # `error_code` of TensorFlow's errors where memory ran out
SKIPPED_IN_A_ROW = 20  # windows dropped one after the other before a run gives up
STOPPING = b"\nstopping after this window; again to stop at once\n"


class Stop(Exception):  # noqa: N818 (not an error)
    """Raised between two windows to leave training in order.

    Attributes:
        reason: reason of the end event: `stopped`, `interrupted`, `pruned` or `failed`.
        text: the reason in words.
        cause: why, where the reason alone is not enough.
    """

    def __init__(self, reason: str, text: str, cause: Cause | None = None):
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.cause = cause


def cause_of(error: BaseException) -> Cause:
    """The cause of a run that an exception ended: its own `cause`, or by its class and code."""
    own = getattr(error, "cause", None)
    if isinstance(own, Cause):
        return own
    if isinstance(error, MemoryError) or getattr(error, "error_code", None) == RESOURCE_EXHAUSTED:
        return Cause.OUT_OF_MEMORY
    return Cause.DISK if isinstance(error, OSError) else Cause.ERROR


class StopSignals:
    """Turns the first SIGINT or SIGTERM into a request, which training follows after its window.

    Args:
        reply: what is written to the terminal at once.

    Attributes:
        received: what asked to stop, `None` while nothing did.
    """

    def __init__(self, reply: bytes = STOPPING) -> None:
        self.reply = reply
        self.received: str | None = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = signal.Signals(number).name
        os.write(
            sys.__stdout__.fileno() if sys.__stdout__ else 1, self.reply
        )  # print may be at work
        # The next one is not caught: a second Ctrl-C ends a run that does not come to its stop.
        signal.signal(number, signal.default_int_handler)

    @contextmanager
    def caught(self) -> Iterator["StopSignals"]:
        """While this runs, signals are requests.

        In a thread beside the main one, as of a notebook or a server, they go to the main
        thread: Python lets no other have them. `stop` in the run's folder stops such a run.
        """
        if not in_main_thread():
            yield self
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def killed_by_interrupt() -> Iterator[None]:
    """While this runs, Ctrl-C ends the process at once: for waits in which Python's handler sleeps.

    In a thread beside the main one, signals are not changed.
    """
    if not in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_main_thread() -> bool:
    """Whether this is the thread that may take signals."""
    return threading.current_thread() is threading.main_thread()


def check_stop(
    signals: StopSignals,
    stop_requested: Callable[[], bool],
    total: Callable[[Sequence[float]], list[float]],
) -> None:
    """Raise `Stop` where it was requested, in every process of the run at the same window.

    Args:
        signals: what this process was sent.
        stop_requested: whether the run was asked to stop.
        total: sum over the run's processes.
    """
    stopped, interrupted = total([stop_requested(), signals.received is not None])
    if interrupted:
        by = signals.received or "a signal to a worker"
        raise Stop(Reason.INTERRUPTED, f"interrupted by {by}", Cause.SIGNAL)
    if stopped:
        raise Stop(Reason.STOPPED, "stopped on request", Cause.ON_REQUEST)
