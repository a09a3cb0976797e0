"""Memory: large arrays go back to the system, and garbage is collected where that is safe."""

import ctypes
import gc
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
LARGE = 1 << 20  # bytes
COLLECT_MS = 1000
WHOLE = 30  # one collection of so many is a full one
# Of many runs, a full one takes half a second: only where nobody looks, or after so many others.
WHOLE_OF_MANY, LATEST_OF_MANY = 600, 7200


def return_large_arrays() -> None:
    """Have glibc give each large array pages of its own.

    Left to itself it moves that limit up with every array that is freed, and arrays that come and
    go while a log is read then leave holes that nothing fits into: 30 MB at a million steps.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # other C libraries neither have this option nor need it
        mallopt(MMAP_THRESHOLD, LARGE)


class Collector(QObject):
    """Collects reference cycles in the window's thread alone.

    Python collects in whichever thread allocates, here in those that read logs; Qt's objects must
    not be destroyed there.

    Args:
        parent: the window.
        many: whether there are so many runs that looking at all objects would hold it up.
    """

    def __init__(self, parent: QObject, many: Callable[[], bool] = lambda: False):
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._collect)
        self._many, self._since = many, 0
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect where it likes again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _collect(self) -> None:
        self._since += 1
        if self._whole():
            self._since = 0
            gc.unfreeze()
            gc.collect()
        else:
            gc.collect(1)
        if self._many():
            gc.freeze()  # rows are no cycles, and are not to be looked at again

    def _whole(self) -> bool:
        if not self._many():
            return self._since >= WHOLE
        waits = LATEST_OF_MANY if QGuiApplication.focusWindow() else WHOLE_OF_MANY
        return self._since >= waits
