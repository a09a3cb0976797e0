"""`ris-tf runs`: every run under a folder."""

import gc
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ris_tf.cli.runs_table import COLUMNS, Row, Table
from ris_tf.cli.terminal import console, say

MANY = 2000  # runs above which this machine's processors share the reading
AT_ONCE = 250  # that one of them gets; progress is shown as often
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
    done = 0
    if len(paths) > MANY:
        with suppress(BrokenProcessPool):  # one was killed, as by the system where memory is short
            for row in _shared(paths):
                done += 1
                yield row
    yield from map(_row, paths[done:])


def _shared(paths: Sequence[str]) -> Generator[Row]:
    """The same, read by as many processes as there are processors."""
    from ris_tf.processor import available_threads

    gc.freeze()  # nothing that is there now need be looked at by each process again and again
    processes = available_threads()
    with ProcessPoolExecutor(processes, initializer=_end_with_reader) as pool:
        read: deque[Future[list[Row]]] = deque()
        for first in range(0, len(paths), AT_ONCE):
            # Not all at once: after Ctrl-C, or without a reader, nobody wants the rest.
            if len(read) > 2 * processes:
                yield from read.popleft().result()
            read.append(pool.submit(_rows_of, paths[first : first + AT_ONCE]))
        while read:
            yield from read.popleft().result()


def _rows_of(paths: Sequence[str]) -> list[Row]:
    return list(map(_row, paths))


def _end_with_reader() -> None:
    """By signals at once, without a word: the process that was started says what there is to say.

    When that is gone, killed, its pool tells nobody, and they would wait for work for ever.
    """
    import signal
    import threading

    from ris_tf.process import PREEMPTING

    for number in (signal.SIGINT, *PREEMPTING):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_outlived, daemon=True).start()


def _outlived() -> None:
    import multiprocessing
    import os

    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


def _row(path: str) -> Row:
    """A run by itself: whatever its folder holds, the others are listed."""
    from ris_tf.errors import printable
    from ris_tf.runlog import RunDirectory, RunError, summarize

    try:
        summary = summarize(RunDirectory.open(Path(path)))
    except RunError:
        return Row(printable(path), "unreadable", ("-",) * len(COLUMNS))
    cells = tuple(column.cell(summary) for column in COLUMNS)
    return Row(printable(path), str(summary.state), cells)


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
