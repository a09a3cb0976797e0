"""Why training ends before its last window, and how it is asked to."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SKIPPED_IN_A_ROW = 20  # windows dropped one after the other before a run gives up


class Stop(Exception):  # noqa: N818 (not an error)
    """Raised between two windows to leave training in order.

    Attributes:
        reason: reason of the end event: `stopped`, `interrupted` or `failed`.
        text: the reason in words.
    """

    def __init__(self, reason: str, text: str):
        super().__init__(text)
        self.reason = reason
        self.text = text


class StopSignals:
    """Turns the first SIGINT or SIGTERM into a request, which training sees after its window."""

    def __init__(self) -> None:
        self.received: str | None = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = signal.Signals(number).name
        # The next one is not caught: a second Ctrl-C ends a run that does not get to stop.
        signal.signal(number, signal.default_int_handler)

    @contextmanager
    def caught(self) -> Iterator["StopSignals"]:
        """While this runs, signals are requests."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def check_stop(signals: StopSignals, stop_requested: Callable[[], bool]) -> None:
    """Raise `Stop` where somebody asked for it."""
    if signals.received:
        raise Stop("interrupted", f"interrupted by {signals.received}")
    if stop_requested():
        raise Stop("stopped", "stopped on request")
