"""Progress of a command for the program that started it: a line of JSON each time."""

import json
import sys
from enum import StrEnum
from typing import TextIO


class ProgressForm(StrEnum):
    """How a command shows its progress."""

    BAR = "bar"
    JSON = "json"


class JsonProgress:
    """Writes `{"progress": 0.25, "at": "pursuit"}` lines: the share that is done, and what is next.

    Args:
        names: what is worked on, in turns.
        total: steps of each.
        out: gets the lines; the standard error unless given.
    """

    def __init__(self, names: list[str], total: int, out: TextIO | None = None):
        self._done = dict.fromkeys(names, 0)
        self._all = max(len(names) * total, 1)
        self._out = out or sys.stderr
        self._write(names[0] if names else "")

    def __call__(self, name: str, done: int) -> None:
        """One of them has done so many steps."""
        self._done[name] = done
        names = list(self._done)
        self._write(names[(names.index(name) + 1) % len(names)])

    def _write(self, name: str) -> None:
        share = round(sum(self._done.values()) / self._all, 4)
        print(
            json.dumps({"progress": share, "at": name if share < 1 else ""}),
            file=self._out,
            flush=True,
        )
