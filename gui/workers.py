"""Reading in threads of their own: a disk that is slow, or gone, never holds the window up."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from ris_tf.errors import UserError

Then = Callable[[Any], None]
PATIENCE_S = 3.0  # a read that takes longer is reported as not answering


def _stopped_poll() -> None:
    """The `poll` of a stopped reader: it frees the old one and what that refers to."""


class Poller(QObject):
    """Calls a function again and again in its own thread and hands on what it returns.

    Results wait for the window, newest only: it never works through old ones.

    Args:
        poll: returns something new, or `None`.
        busy_s: pause after a call that returned something.
        idle_s: pause after one that did not; `None` waits until it is woken.
        parent: its owner.
        patience_s: calls that take longer are reported as not answering; `PATIENCE_S` unless given.

    Attributes:
        busy_s: the pause after a call that returned something; both may be changed at any time.
        idle_s: the pause after one that returned nothing.
    """

    ready = Signal()

    def __init__(
        self,
        poll: Callable[[], object | None],
        busy_s: float,
        idle_s: float | None,
        parent: QObject | None = None,
        patience_s: float | None = None,
    ):
        super().__init__(parent)
        self._poll, self.busy_s, self.idle_s = poll, busy_s, idle_s
        self._patience_s = patience_s
        self._latest: object | None = None
        self._announced = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = self._resting = False
        self._began: float | None = None
        # A daemon: a read that never returns must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Call no more; a call under way is left to itself."""
        self._stopped = True
        self._wake.set()

    def wake(self) -> None:
        """Call at once."""
        self._resting = False
        self._wake.set()

    def rest(self) -> None:
        """Call no more until it is woken."""
        self._resting = True

    def take(self) -> object | None:
        """The newest result since the last `take`, `None` if there is none."""
        with self._lock:
            latest, self._latest, self._announced = self._latest, None, False
        return latest

    @property
    def waiting_s(self) -> float:
        """How long the call under way has been going on beyond patience; 0 if all is well."""
        began = self._began
        waited = time.monotonic() - began if began is not None else 0.0
        patience = PATIENCE_S if self._patience_s is None else self._patience_s
        return waited if waited > patience else 0.0

    @property
    def is_reading(self) -> bool:
        """Whether its thread is still there."""
        return self._thread.is_alive()

    @property
    def failed(self) -> bool:
        """Whether the thread ended by an unexpected error; it is on the terminal."""
        return not self._stopped and self._thread.ident is not None and not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped:
            self._began = time.monotonic()
            result = self._poll()
            self._began = None
            if result is not None:
                self._offer(result)
            pause = self.idle_s if result is None else self.busy_s
            self._wake.wait(None if self._resting else pause)
            self._wake.clear()
        self._poll, self._latest = _stopped_poll, None  # a stopped reader keeps no log

    def _offer(self, result: object) -> None:
        with self._lock:
            self._latest = result
            announce, self._announced = not self._announced, True
        if not announce or self._stopped:
            return
        try:
            self.ready.emit()
        except RuntimeError:  # the window was closed while the disk was read
            self._stopped = True


class Jobs(QObject):
    """Does jobs one after another, in a thread of its own.

    What a job returns is handed back in the window's thread. A job may raise `UserError`; any other
    error is one of ours and ends the thread, see `poller.failed`.

    Args:
        parent: its owner.
        patience_s: see `Poller`.

    Attributes:
        poller: the thread, to check whether it answers.
    """

    def __init__(self, parent: QObject | None = None, patience_s: float | None = None):
        super().__init__(parent)
        self._waiting: deque[tuple[Callable[[], Any], Then, Then]] = deque()
        self._ended: deque[Callable[[], None]] = deque()
        self._asked = self._done = 0  # the first is the window's to write, the second the thread's
        self.poller = Poller(self._work, 0.0, None, self, patience_s)
        self.poller.ready.connect(self._hand_back)

    def do(self, job: Callable[[], Any], then: Then, refused: Then) -> None:
        """Do a job when those before it are done.

        Args:
            job: what to do; in the thread.
            then: gets what it returned.
            refused: gets the `UserError` that it raised.
        """
        self._waiting.append((job, then, refused))
        self._asked += 1
        if self._asked == 1:
            self.poller.start()
        self.poller.wake()

    @property
    def idle(self) -> bool:
        """Whether all is done, and handed back, that was asked for."""
        return self._done == self._asked and not self._ended

    def finish(self, seconds: float) -> None:
        """Wait until all is done that was asked for, but no longer than this."""
        until = time.monotonic() + seconds
        while self._done < self._asked and time.monotonic() < until:
            time.sleep(0.005)

    def _work(self) -> bool | None:
        if not self._waiting:
            return None
        job, then, refused = self._waiting.popleft()
        try:
            result, back = job(), then
        except UserError as error:
            result, back = error, refused
        self._ended.append(lambda: back(result))
        self._done += 1
        return True

    def _hand_back(self) -> None:
        self.poller.take()
        while self._ended:
            self._ended.popleft()()
