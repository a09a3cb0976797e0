"""Freed memory goes back to the system.

Compiling takes a gigabyte in small pieces. The C library keeps them when they are freed, for a
program that will want as many again; training does not, and takes what it needs beside them. So
they are given back while a program compiles, validates or saves: not while windows are trained.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

import keras

EVERY_S = 1.0  # one time takes about 7 ms, beside the thread that compiles


class FreedMemory(keras.callbacks.Callback):
    """Gives freed memory back while its context lasts, except between an epoch's windows.

    Elsewhere than with glibc, it does nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._give_back = _trim()
        self._ended, self._wanted = threading.Event(), threading.Event()
        self._wanted.set()
        self._thread = threading.Thread(target=self._repeat, name="freed-memory", daemon=True)

    def __enter__(self) -> Self:
        if self._give_back:
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        if self._give_back:
            self._thread.join()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """The step is compiled: what it uses from here on it will use again."""
        del batch, logs
        if self._wanted.is_set():
            self._wanted.clear()
            self.now()

    def on_train_end(self, logs: Any = None) -> None:
        """What comes between epochs is done once."""
        del logs
        self._wanted.set()

    def now(self) -> None:
        """Give back what is free."""
        if self._give_back:
            self._give_back(0)

    def _repeat(self) -> None:
        while not self._ended.wait(EVERY_S):
            if self._wanted.is_set():
                self.now()


def _trim() -> Callable[[int], int] | None:
    """The C library's function; `None` where it has none. It lets other threads of Python run."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
