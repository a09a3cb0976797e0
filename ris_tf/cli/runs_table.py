"""The table of `ris-tf runs`: a row of text for each run, printed while others are still read."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ris_tf.errors import printable

if TYPE_CHECKING:
    from rich.console import Console

    from ris_tf.runlog import Summary

STYLES = {
    **{"running": "green", "stalled": "yellow", "suspended": "yellow"},
    **{"failed": "red", "lost": "red", "vanished": "red"},
}
GAP = 2  # spaces between columns


@dataclass(frozen=True)
class Column:
    """A column beside run and state; where a terminal is narrow, only the `narrow` ones stand."""

    title: str
    cell: Callable[["Summary"], str]
    narrow: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A run as text."""

    path: str
    state: str
    cells: tuple[str, ...]


class Table:
    """Lines of rows that come block by block.

    Columns are as wide as what came so far: where a later block needs more, they widen there.

    Args:
        terminal: where it is printed.
        paths: of all rows that will come, so that the first column never widens.
    """

    def __init__(self, terminal: "Console", paths: Sequence[str]):
        from rich.cells import cell_len

        self._terminal = terminal
        self._places = list(range(len(COLUMNS)))
        self._widths = [max(map(cell_len, paths), default=0)]
        self._begun = False

    def lines(self, rows: Sequence[Row]) -> Iterator[str]:
        """The lines of further rows, numbers to the right; before the first, the titles."""
        titles = Row("run", "state", tuple(column.title for column in COLUMNS))
        shown = rows if self._begun else [titles, *rows]
        self._widen(shown)
        if not self._begun:
            self._choose_columns()
        self._begun = True
        return map(self._line, shown)

    def _widen(self, rows: Sequence[Row]) -> None:
        from rich.cells import cell_len

        columns = zip(*((row.path, row.state, *row.cells) for row in rows), strict=True)
        needed = [max(map(cell_len, column)) for column in columns]
        before = [*self._widths, *[0] * (len(needed) - len(self._widths))]
        self._widths = list(map(max, needed, before))

    def _choose_columns(self) -> None:
        # A file or a pipe gets one line a run, however long.
        whole = sum(self._widths) + GAP * (len(self._widths) - 1)
        if self._terminal.is_terminal and whole > self._terminal.width:
            self._places = [place for place in self._places if COLUMNS[place].narrow]

    def _line(self, row: Row) -> str:
        import typer  # which processes that only read do without
        from rich.cells import cell_len

        name, state, *numbers = self._widths
        named = row.path + " " * (name - cell_len(row.path))
        stated = typer.style(row.state, STYLES.get(row.state)) + " " * (state - len(row.state))
        right = (row.cells[place].rjust(numbers[place]) for place in self._places)
        return (" " * GAP).join((named, stated, *right))


def number(value: float) -> str:
    """A loss to four digits, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def _duration(summary: "Summary") -> str:
    from ris_tf.runlog import duration

    return duration(summary.seconds)


def _started(summary: "Summary") -> str:
    from ris_tf.runlog import moment

    return moment(summary.run.identity.created) or "-"


COLUMNS = [
    Column("epoch", lambda s: f"{s.epoch}/{s.epochs or '?'}"),
    Column("window", lambda s: f"{s.step:,}", narrow=False),
    Column("best loss", lambda s: number(s.best_loss)),
    Column("last loss", lambda s: number(s.last_loss), narrow=False),
    Column("dropped", lambda s: str(s.skipped), narrow=False),
    Column("started", _started, narrow=False),
    Column("took", _duration),
]


def row_of(path: str) -> Row:
    """A run by itself: whatever its folder holds, the others are listed."""
    from ris_tf.runlog import RunDirectory, RunError, summarize

    try:
        summary = summarize(RunDirectory.open(Path(path)))
    except RunError:
        return Row(printable(path), "unreadable", ("-",) * len(COLUMNS))
    cells = tuple(column.cell(summary) for column in COLUMNS)
    return Row(printable(path), str(summary.state), cells)


def rows_of(paths: Sequence[str]) -> list[Row]:
    """The same of several, as other processes read them."""
    return list(map(row_of, paths))
