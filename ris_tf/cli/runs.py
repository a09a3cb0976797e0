"""`ris-tf runs`: every run under a folder."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ris_tf.cli.runs_table import Row, Table, row_of, rows_of
from ris_tf.cli.terminal import console, say

AT_ONCE = 250  # runs: progress is shown as often
TOGETHER_S = 0.3  # rows that are read in this time are printed together
T = TypeVar("T")


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder to look under, or a run.")] = Path("runs"),
) -> None:
    """List runs, oldest first: state, progress, validation loss; of a search, its trials."""
    from ris_tf.errors import printable
    from ris_tf.process import output_problem
    from ris_tf.search import is_search

    paths = _oldest_first(list(_shown(_runs_of(folder), "looking for runs")))
    if not paths and is_search(folder):
        say(f"{folder} is a search without a trial yet; look at it: ris-tf show {folder}")
        return
    if not paths:
        say(f"no runs under {folder}/; start one: ris-tf train quickstart")
        return
    terminal = console()
    table, rows = Table(terminal, list(map(printable, paths))), _rows(paths)
    read = rows if terminal.is_terminal else _shown(rows, "reading runs", len(paths))
    for block in _as_they_come(read):
        typer.echo("\n".join(table.lines(block)))  # which drops colours where nobody sees them
        if output_problem():  # nobody reads on, as after `| head`
            break
    rows.close()


def _runs_of(folder: Path) -> Iterable[str]:
    """The run that a folder is, or those that lie below it."""
    from ris_tf.runlog import RunDirectory, RunError, run_folders

    if (folder / "run.json").is_file():
        return [str(RunDirectory.open(folder).path)]
    if not folder.is_dir() and folder != Path("runs"):
        remedy = "give the folder of the runs"
        raise RunError("is no folder", source=str(folder), remedy=remedy)
    return run_folders(folder)


def _oldest_first(paths: Sequence[str]) -> list[str]:
    """Runs in the order of the table; those that do not say when they began come first."""
    from ris_tf.runlog import created_of

    begun = zip(map(created_of, paths), paths, strict=True)
    return [path for _, path in sorted(_shown(begun, "sorting runs", len(paths)))]


def _rows(paths: Sequence[str]) -> Generator[Row]:
    """Each as soon as it and those before it are read."""
    from ris_tf.runlog.shared_reading import MANY, ReadersLostError, SharedReading

    done = 0
    if len(paths) > MANY:
        with suppress(ReadersLostError), SharedReading(rows_of, paths) as blocks:
            for row in chain.from_iterable(blocks):
                done += 1
                yield row
    yield from map(row_of, paths[done:])


def _as_they_come(rows: Iterable[T]) -> Iterator[list[T]]:
    """Rows in blocks, a block for what was read within a moment."""
    block: list[T] = []
    until = time.monotonic() + TOGETHER_S
    for row in rows:
        block.append(row)
        if time.monotonic() > until:
            yield block
            block, until = [], time.monotonic() + TOGETHER_S
    if block:
        yield block


def _shown(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The same, with progress on the standard error's terminal where it takes longer."""
    from rich.progress import Progress

    terminal, until = console(stderr=True), time.monotonic() + TOGETHER_S
    progress = Progress(console=terminal, transient=True, disable=not terminal.is_terminal)
    task = progress.add_task(what, total=total)
    try:
        for count, item in enumerate(items, 1):
            if count % AT_ONCE == 0 and time.monotonic() > until:
                progress.start()
                progress.update(task, completed=count)
            yield item
    finally:
        progress.stop()
