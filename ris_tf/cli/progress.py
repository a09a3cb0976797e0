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
    """Writes `{"progress": 0.25, "at": "pursuit"}` lines: the share of all that is done, 0..1.

    Args:
        names: what is worked on, in turns.
        total: steps of each.
        out: gets the lines; the standard error unless given.
    """

    def __init__(self, names: list[str], total: int, out: TextIO | None = None):
        self._done = dict.fromkeys(names, 0)
        self._all = max(len(names) * total, 1)
        self._out = out or sys.stderr
        self._write("")

    def __call__(self, name: str, done: int) -> None:
        """One of them has done so many steps."""
        self._done[name] = done
        self._write(name)

    def _write(self, name: str) -> None:
        share = round(sum(self._done.values()) / self._all, 4)
        print(json.dumps({"progress": share, "at": name}), file=self._out, flush=True)
