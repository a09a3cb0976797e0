"""`ris-tf runs`: every run under a folder."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.terminal import console, say

if TYPE_CHECKING:
    from ris_tf.runlog import Summary

STYLES = {
    **{"running": "green", "stalled": "yellow", "suspended": "yellow"},
    **{"failed": "red", "lost": "red", "vanished": "red"},
}
MANY = 2000  # runs above which this machine's processors share the reading
AT_ONCE = 250  # that one of them gets
GAP = 2  # spaces between columns


@dataclass(frozen=True)
class _Column:
    """A column beside run and state; where a terminal is narrow, only the `narrow` ones stand."""

    title: str
    cell: Callable[["Summary"], str]
    narrow: bool = True


@dataclass(frozen=True)
class _Row:
    """A run as text; `created` in seconds since 1970, 0 where it is not known."""

    created: float
    path: str
    state: str
    cells: tuple[str, ...]


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder to look under, or a run.")] = Path("runs"),
) -> None:
    """List runs, oldest first: state, progress, validation loss; of a search, its trials."""
    from ris_tf.search import is_search

    rows = sorted(_rows(_runs_of(folder)), key=lambda row: (row.created, row.path))
    if not rows and is_search(folder):
        say(f"{folder} is a search without a trial yet; look at it: ris-tf show {folder}")
        return
    if not rows:
        say(f"no runs under {folder}/; start one: ris-tf train quickstart")
        return
    terminal, places = console(), list(range(len(COLUMNS)))
    # A file or a pipe gets one line a run, however long.
    if terminal.is_terminal and sum(_widths(rows, places)) > terminal.width:
        places = [place for place in places if COLUMNS[place].narrow]
    typer.echo("\n".join(_lines(rows, places)))  # which drops colours where nobody sees them


def _runs_of(folder: Path) -> list[str]:
    """The run that a folder is, or those that lie below it."""
    from ris_tf.runlog import RunDirectory, RunError, run_folders

    if (folder / "run.json").is_file():
        return [str(RunDirectory.open(folder).path)]
    if not folder.is_dir() and folder != Path("runs"):
        remedy = "give the folder of the runs"
        raise RunError("is no folder", source=str(folder), remedy=remedy)
    return list(run_folders(folder))


def _rows(paths: Sequence[str]) -> list[_Row]:
    if len(paths) <= MANY:
        return [_row(path) for path in paths]
    from ris_tf.runlog import available_threads

    with ProcessPoolExecutor(available_threads(), initializer=_leave_ctrl_c) as pool:
        return list(pool.map(_row, paths, chunksize=AT_ONCE))


def _leave_ctrl_c() -> None:
    """It is for the process that was started; the others end with it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _row(path: str) -> _Row:
    """A run by itself: whatever its folder holds, the others are listed."""
    from ris_tf.errors import printable
    from ris_tf.runlog import RunDirectory, RunError, summarize

    created = 0.0
    try:
        run = RunDirectory.open(Path(path))
        created = run.identity.created
        summary = summarize(run)
    except RunError:
        return _Row(created, printable(path), "unreadable", ("-",) * len(COLUMNS))
    cells = tuple(column.cell(summary) for column in COLUMNS)
    return _Row(created, printable(path), str(summary.state), cells)


def _texts(rows: Sequence[_Row], places: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """The cells of the titles, then of each run."""
    yield "run", "state", *(COLUMNS[place].title for place in places)
    for row in rows:
        yield row.path, row.state, *(row.cells[place] for place in places)


def _widths(rows: Sequence[_Row], places: Sequence[int]) -> list[int]:
    """Characters of each column, and the gap behind all but the last."""
    from rich.cells import cell_len

    columns = zip(*_texts(rows, places), strict=True)
    *others, last = [max(map(cell_len, column)) for column in columns]
    return [*(width + GAP for width in others), last]


def _lines(rows: Sequence[_Row], places: Sequence[int]) -> Iterator[str]:
    """The table: numbers to the right."""
    from rich.cells import cell_len

    widths = _widths(rows, places)
    widths[1:] = [width - GAP for width in widths[1:-1]] + widths[-1:]
    for path, state, *numbers in _texts(rows, places):
        named = path + " " * (widths[0] - cell_len(path))
        stated = typer.style(state, STYLES.get(state)) + " " * (widths[1] - len(state))
        right = (text.rjust(width) for text, width in zip(numbers, widths[2:], strict=True))
        yield (" " * GAP).join((named + stated, *right))


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
    _Column("epoch", lambda s: f"{s.epoch}/{s.epochs or '?'}"),
    _Column("window", lambda s: f"{s.step:,}", narrow=False),
    _Column("best loss", lambda s: number(s.best_loss)),
    _Column("last loss", lambda s: number(s.last_loss), narrow=False),
    _Column("dropped", lambda s: str(s.skipped), narrow=False),
    _Column("started", _started, narrow=False),
    _Column("took", _duration),
]
