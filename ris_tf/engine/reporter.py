"""What a person sees of a run: a progress bar on a terminal, lines elsewhere; console.log."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from ris_tf.disk import descriptor_to_write
from ris_tf.engine.plan import Plan
from ris_tf.errors import printable
from ris_tf.runlog import Reason

STYLES = {"info": "", "good": "green", "warning": "yellow", "error": "bold red"}
ENDS: dict[str, str] = {Reason.FINISHED: "good", Reason.EARLY: "good", Reason.FAILED: "error"}
SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal to draw a bar on
RATE_WINDOW_S = 5.0  # time over which scenes per second are averaged


class _Progress(Progress):
    """A progress bar with lines of text below it."""

    below = Text()

    def get_renderables(self) -> Iterator[RenderableType]:
        """The bar, then the text."""
        yield self.make_tasks_table(self.tasks)
        yield self.below


class Reporter:
    """Prints, draws and keeps the lines of a run.

    Args:
        log: console.log, appended to; `None` in the processes of a run that do not write.
        console: where to print; made for standard output if not given.
    """

    def __init__(self, log: Path | None, console: Console | None = None):
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._log = _appended(log) if log else None
        self._progress: _Progress | None = None
        self._task: Any = None
        self._epochs = self._per_epoch = self._size = 1
        self._unit = "examples"
        self._marks: list[tuple[float, int]] = []
        self._last_line_at = 0.0

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.pause()
        self._close_log()

    def say(self, text: str, style: str = "info") -> None:
        """Print a line, above the progress bar if there is one, and keep it."""
        text = printable(text)  # of names and files of others, too
        self.keep(text)
        self.console.print(Text(text, style=STYLES[style]))

    def say_end(self, reason: str, text: str) -> None:
        """Print how training ended."""
        self.say(f"{reason}: {text}", ENDS.get(reason, "warning"))

    def keep(self, text: str) -> None:
        """Write a line to console.log alone.

        It is a copy: where the disk refuses it, a line about it is printed, and the run goes on
        as long as its event log can be written.
        """
        if not self._log:
            return
        try:
            self._log.write(text + "\n")
            self._log.flush()
        except OSError as error:
            self.console.print(Text(f"console.log ends here: {error}", style=STYLES["warning"]))
            self._close_log()

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log:
            with suppress(OSError):  # of a full disk: a line about it is printed already
                log.close()

    def begin(self, plan: Plan, examples: str) -> None:
        """Say how long a run is, and what its batches are made of, in words."""
        self._epochs, self._per_epoch = plan.epochs, plan.windows_per_epoch
        self._size, self._unit = plan.examples_per_window or 1, examples
        if not plan.examples_per_window:
            self._unit = "windows"
        self._last_line_at = time.monotonic()
        if not self.console.is_terminal:
            return
        self._progress = _Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[status]}", table_column=Column(no_wrap=True)),
            console=self.console,
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._progress.add_task("compiling", total=plan.windows, status="")
        self._progress.start()

    def pause(self) -> None:
        """Take the progress bar away."""
        if self._progress:
            self._progress.stop()
            self._progress = None

    def window(self, window: int, named: dict[str, float]) -> None:
        """Show the window that just ended."""
        now = time.monotonic()
        if window % self._per_epoch == 0:
            self._marks = []  # validation was between
        self._marks = [mark for mark in self._marks if now - mark[0] < RATE_WINDOW_S]
        self._marks.append((now, window))
        epoch = window // self._per_epoch + 1
        speed = f"{self.rate():,.0f} {self._unit}/s"
        status = f"loss {named['loss']:.3f}  |g| {named['norm/total']:.2g}  {speed}"
        terms = "  ".join(
            f"{name[5:]} {named[name]:.3g}"
            for name in named
            if name.startswith("term/") and named.get(f"weight/{name[5:]}", 1.0)
        )
        if self._progress:
            self._progress.update(
                self._task,
                completed=window + 1,
                description=f"epoch {epoch}/{self._epochs}",
                status=escape(status),
            )
            self._progress.below = Text(terms, style="dim", overflow="fold", no_wrap=False)
        elif self.rate() and now - self._last_line_at > SECONDS_BETWEEN_LINES:
            self._last_line_at = now
            place = window % self._per_epoch + 1
            remaining = self._remaining_time(window)
            where = f"epoch {epoch}/{self._epochs} window {place}/{self._per_epoch}"
            line = f"  {where}  {status}  {remaining} left\n    {terms}"
            self.console.print(Text(line))

    def rate(self) -> float:
        """Examples a second, lately."""
        (start, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) * self._size / (end - start) if end > start else 0.0

    def _remaining_time(self, window: int) -> str:
        windows = self._epochs * self._per_epoch - window - 1
        seconds = windows * self._size / self.rate() if self.rate() else 0
        return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"


def _appended(log: Path) -> TextIO:
    """console.log, to append to."""
    descriptor = descriptor_to_write(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace")
