"""Memory of large arrays goes back to the system when they go."""

import ctypes
import sys

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
LARGE = 1 << 20  # bytes


def return_large_arrays() -> None:
    """Have glibc give each large array pages of its own.

    Left to itself it moves that limit up with every array that is freed, and arrays that come and
    go while a log is read then leave holes that nothing fits into: 30 MB at a million steps.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # other C libraries have no such thing, and no such habit
        mallopt(MMAP_THRESHOLD, LARGE)
