"""Progress of a command: a bar on a terminal, lines where its output is kept, JSON for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TextIO

from ris_tf.cli.terminal import console, say

SELDOM_S = 10.0  # between two lines of output that is no terminal

Progressed = Callable[[str, int], None]  # by name, how many steps of it are done


class ProgressForm(StrEnum):
    """How a command shows its progress."""

    BAR = "bar"
    JSON = "json"


@contextmanager
def shown(names: list[str], total: int) -> Iterator[Progressed]:
    """Progress on the standard error: a bar each on a terminal, else a line now and then.

    Args:
        names: what is worked on, in turns.
        total: steps of each.
    """
    from rich.markup import escape
    from rich.progress import Progress

    from ris_tf.errors import printable

    terminal = console(stderr=True)
    if not terminal.is_terminal:
        yield LineProgress(names, total)
        return
    with Progress(console=terminal, transient=True) as progress:
        tasks = {name: progress.add_task(escape(printable(name)), total=total) for name in names}
        yield lambda name, done: progress.update(tasks[name], completed=done)


class LineProgress:
    """Says seldom what share is done, and how long the rest takes about.

    Args:
        names: what is worked on, in turns.
        total: steps of each.
        clock: seconds.
    """

    def __init__(self, names: list[str], total: int, clock: Callable[[], float] = time.monotonic):
        self._done = dict.fromkeys(names, 0)
        self._all = max(len(names) * total, 1)
        self._clock = clock
        self._began = self._said = clock()

    def __call__(self, name: str, done: int) -> None:
        """One of them has done so many steps."""
        self._done[name] = done
        share, now = sum(self._done.values()) / self._all, self._clock()
        if share < 1 and now - self._said >= SELDOM_S:
            self._said = now
            self._say(name, share, (now - self._began) * (1 / share - 1) if share else 0.0)

    def _say(self, name: str, share: float, left_s: float) -> None:
        from ris_tf.runlog import duration

        left = f", about {duration(left_s)} left" if left_s else ""
        say(f"  {share:.0%} done{left} ({name})", err=True)


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
