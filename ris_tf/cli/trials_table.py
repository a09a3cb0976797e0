"""A search's trials as a table on the terminal."""

import math
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from ris_tf.cli.runs_table import number
from ris_tf.words import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ris_tf.search import Row, SearchDirectory

STYLES = {"finished": "", "running": "green", "failed": "red", "lost": "red", "pruned": "dim"}
BEFORE, AFTER = ("rank", "trial", "objective"), ("epochs", "took", "ended")
GAP = 2  # characters between columns
ENDED = 18  # characters of a terminal kept for why a trial ended, which goes on below
LONGEST = 20  # characters of a hyperparameter's value, or of its name, on a terminal


def print_trials(console: "Console", search: "SearchDirectory") -> None:
    """Print the trials, best first; where a terminal is narrow, as many hyperparameters as fit.

    Raises:
        RunError: the search cannot be read.
    """
    table = trials_table(search, console.width if console.is_terminal else None)
    if not console.is_terminal:  # a file or a pipe: one line a trial, however long
        unbounded = console.options.update(width=1_000_000)
        console.width = max(console.width, table.__rich_measure__(console, unbounded).maximum)
    console.print(table)
    hidden = len(search.search.space) - (len(table.columns) - len(BEFORE) - len(AFTER))
    if hidden:
        words = f"{counted(hidden, 'more hyperparameter')}: widen the terminal, or see trials.csv"
        console.print(words, style="dim")


def trials_table(search: "SearchDirectory", width: int | None = None) -> "Table":
    """The trials, best first: objective, hyperparameters, and how they ended.

    Args:
        search: the search.
        width: characters of a line, which as many hyperparameters share as fit; `None` takes all
            of them, in full.

    Raises:
        RunError: the search cannot be read.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    from ris_tf.search import rows_of, short_names

    rows, keys = rows_of(search.trials(), time.time()), list(search.search.space)
    before = [BEFORE, *(_before(row) for row in rows)]
    chosen = [short_names(keys), *(_values(row, keys) for row in rows)]
    after = [AFTER, *(_after(row) for row in rows)]
    if width is not None:
        chosen = [[_cut(cell) for cell in line] for line in chosen]
        widths = [[max(map(cell_len, column)) for column in zip(*part, strict=True)]
                  for part in (before, chosen, after)]  # fmt: skip
        widths[2][-1] = min(widths[2][-1], ENDED)
        used = sum(widths[0]) + sum(widths[2]) + GAP * (len(BEFORE) + len(AFTER) - 1)
        fits = [used + all_of <= width for all_of in accumulate(GAP + own for own in widths[1])]
        chosen = [line[: sum(fits)] for line in chosen]
    lines = [[*a, *b, *c] for a, b, c in zip(before, chosen, after, strict=True)]
    table = Table(box=None, pad_edge=False)
    for title in lines[0][:-1]:
        table.add_column(Text(title), justify="right", no_wrap=True)
    table.add_column(lines[0][-1], overflow="fold")
    for row, line in zip(rows, lines[1:], strict=True):
        style = STYLES.get(row.trial.state, "")
        table.add_row(*map(Text, line[:-1]), Text(line[-1], style))
    return table


def _before(row: "Row") -> tuple[str, ...]:
    return str(row.rank or "-"), str(row.trial.number), number(row.objective)


def _values(row: "Row", keys: Sequence[str]) -> list[str]:
    from ris_tf.search import value_text
    from ris_tf.search.trial import one_line

    given = row.trial.hyperparameters
    return [one_line(value_text(given[key])) if key in given else "-" for key in keys]


def _after(row: "Row") -> tuple[str, ...]:
    from ris_tf.runlog import duration

    took = "-" if math.isnan(row.seconds) else duration(row.seconds)
    return str(row.trial.epochs), took, _ended(row)


def _ended(row: "Row") -> str:
    """State, and the reason where it has more than the number of epochs."""
    trial = row.trial
    whole = trial.state == "finished" and trial.cause is None
    return f"{trial.state}: {trial.reason}" if trial.reason and not whole else str(trial.state)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
