"""`ris-tf runs`: every run under a folder."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from ris_tf.runlog import RunDirectory, Summary

STYLES = {
    **{"running": "green", "stalled": "yellow", "suspended": "yellow"},
    **{"failed": "red", "lost": "red", "vanished": "red"},
}


@dataclass(frozen=True)
class _Column:
    """A column beside run and state; where a terminal is narrow, only the `narrow` ones stand."""

    title: str
    cell: Callable[["Summary"], str]
    narrow: bool = True


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder to look under, or a run.")] = Path("runs"),
) -> None:
    """List runs, oldest first: state, progress, validation loss; of a search, its trials."""
    from rich.console import Console

    from ris_tf.search import is_search

    rows = [(run, _summary(run)) for run in _runs_of(folder)]
    if not rows and is_search(folder):
        typer.echo(f"{folder} is a search without a trial yet; look at it: ris-tf show {folder}")
        return
    if not rows:
        typer.echo(f"no runs under {folder}/; start one: ris-tf train quickstart")
        return
    console = Console(highlight=False)
    table = _table(rows, COLUMNS)
    needed = table.__rich_measure__(console, console.options.update(width=10_000)).maximum
    if not console.is_terminal:  # a file or a pipe: one line a run, however long
        console.width = max(console.width, needed)
    elif needed > console.width:
        table = _table(rows, [column for column in COLUMNS if column.narrow])
    console.print(table)


def _runs_of(folder: Path) -> "list[RunDirectory]":
    """The run that a folder is, or those that lie below it."""
    from ris_tf.runlog import RunDirectory, RunError, find_runs

    if (folder / "run.json").is_file():
        return [RunDirectory.open(folder)]
    if not folder.is_dir() and folder != Path("runs"):
        remedy = "give the folder of the runs"
        raise RunError("is no folder", source=str(folder), remedy=remedy)
    return find_runs(folder)


def _summary(run: "RunDirectory") -> "Summary | None":
    """What a run is doing; `None` where its log cannot be read."""
    from ris_tf.runlog import RunError, summarize

    try:
        return summarize(run)
    except RunError:
        return None


def _table(rows: "list[tuple[RunDirectory, Summary | None]]", columns: "list[_Column]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in columns:
        table.add_column(column.title, justify="right", no_wrap=True)
    for run, summary in rows:
        state = summary.state if summary else "unreadable"
        cells = [column.cell(summary) if summary else "-" for column in columns]
        table.add_row(Text(str(run.path)), Text(state, STYLES.get(state, "")), *cells)
    return table


def number(value: float) -> str:
    """A loss to four digits, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def duration(seconds: float) -> str:
    """`1:02:03`, or `2:03` below an hour."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


def _started(summary: "Summary") -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.run.identity.created))


COLUMNS = [
    _Column("epoch", lambda s: f"{s.epoch}/{s.epochs or '?'}"),
    _Column("window", lambda s: f"{s.step:,}", narrow=False),
    _Column("best loss", lambda s: number(s.best_loss)),
    _Column("last loss", lambda s: number(s.last_loss), narrow=False),
    _Column("dropped", lambda s: str(s.skipped), narrow=False),
    _Column("started", _started, narrow=False),
    _Column("took", lambda s: duration(s.seconds)),
]
