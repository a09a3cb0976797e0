"""Memory: large arrays go back to the system, and garbage is collected where that is safe."""

import ctypes
import gc
import sys

from PySide6.QtCore import QObject, QTimer

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
LARGE = 1 << 20  # bytes
COLLECT_MS = 1000
WHOLE = 30  # one collection of so many is a full one


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
    """

    def __init__(self, parent: QObject):
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._collect)
        self._beats = 0
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect where it likes again."""
        self._timer.stop()
        gc.enable()

    def _collect(self) -> None:
        self._beats += 1
        gc.collect(1 if self._beats % WHOLE else 2)  # a full one takes longest
