"""Why training ends before its last window, and how a person or a program requests it."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ris_tf.process import CHECKPOINT, HANGUP, PREEMPTING, handled, tell
from ris_tf.runlog import Cause, Reason

RESOURCE_EXHAUSTED = 8  # `error_code` of TensorFlow's errors where memory ran out
SKIPPED_IN_A_ROW = 20  # windows dropped one after the other before a run gives up
STOPPING = b"\nstopping after this window; again to stop at once\n"
PREEMPTED = b"\na checkpoint after this window, then the end; Ctrl-C to stop at once\n"


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


def refused(error: OSError) -> str:
    """What the disk refused, in words."""
    what = error.strerror or one_line(error)
    return f"{error.filename}: cannot be written: {what}" if error.filename else what


def one_line(error: BaseException) -> str:
    """The beginning of an error's message, without line breaks."""
    return " ".join(str(error).split())[:500]


class StopSignals:
    """Turns signals into requests, which training follows after its window.

    Ctrl-C, and what schedulers send before they take a machine away (SIGTERM, SIGUSR1, SIGXCPU),
    ask for a checkpoint and the end; SIGUSR2 asks for a checkpoint alone; SIGHUP says that the
    terminal is gone. A second Ctrl-C ends the process at once; schedulers may repeat themselves.

    Args:
        reply: what is written to the terminal at once after Ctrl-C; empty writes nothing, ever.

    Attributes:
        received: what asked to stop, `None` while nothing did.
        preempted: whether a scheduler did.
        checkpoint: whether a checkpoint is wanted now.
        hung_up: whether the terminal is gone, and nobody has taken note of it.
    """

    def __init__(self, reply: bytes = STOPPING) -> None:
        self.reply = reply
        self.received: str | None = None
        self.preempted = self.checkpoint = self.hung_up = False
        self._signalled = False

    @property
    def cause(self) -> Cause:
        """The cause of an end that a signal asked for."""
        return Cause.PREEMPTED if self.preempted else Cause.SIGNAL

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._signalled:
            raise KeyboardInterrupt
        self._note(number, self.reply)

    def _preempt(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self._signalled:
            self.preempted = True
            self._note(number, PREEMPTED if self.reply else b"")

    def _note(self, number: int, reply: bytes) -> None:
        self._signalled = True
        self.received = signal.Signals(number).name
        tell(reply)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.hung_up = True

    def _want_checkpoint(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.checkpoint = True

    @contextmanager
    def caught(self) -> Iterator["StopSignals"]:
        """While this runs, signals are requests.

        In a thread beside the main one, as of a notebook or a server, they go to the main
        thread: Python lets no other have them. `stop` in the run's folder stops such a run.
        """
        if not in_main_thread():
            yield self
            return
        handlers = {
            signal.SIGINT: self._interrupt,
            **dict.fromkeys(PREEMPTING, self._preempt),
            **dict.fromkeys(HANGUP, self._hang_up),
            **dict.fromkeys(CHECKPOINT, self._want_checkpoint),
        }
        with handled(handlers):
            yield self


@contextmanager
def ended_at_once() -> Iterator[None]:
    """While this runs, Ctrl-C and a scheduler's signals end the process at once, as by default.

    For waits in which TensorFlow lets no Python run, neither handlers nor threads. In a thread
    beside the main one, signals are not changed.
    """
    with handled(dict.fromkeys((signal.SIGINT, *PREEMPTING), signal.SIG_DFL)):
        yield


def in_main_thread() -> bool:
    """Whether this is the thread that may take signals."""
    return threading.current_thread() is threading.main_thread()


def check_stop(
    signals: StopSignals,
    stop_requested: Callable[[], bool],
    total: Callable[[Sequence[float]], list[float]],
) -> bool:
    """Raise `Stop` where it was requested, in every process of the run at the same window.

    Args:
        signals: what this process was sent.
        stop_requested: whether the run was asked to stop.
        total: sum over the run's processes.

    Returns:
        Whether a process of the run was asked for a checkpoint.
    """
    checkpoint, signals.checkpoint = signals.checkpoint, False
    asked = [stop_requested(), signals.received is not None, signals.preempted, checkpoint]
    stopped, interrupted, preempted, wanted = total(asked)
    if interrupted:
        by = signals.received or "a signal to a worker"
        cause = Cause.PREEMPTED if preempted else Cause.SIGNAL
        raise Stop(Reason.INTERRUPTED, f"interrupted by {by}", cause)
    if stopped:
        raise Stop(Reason.STOPPED, "stopped on request", Cause.ON_REQUEST)
    return bool(wanted)
