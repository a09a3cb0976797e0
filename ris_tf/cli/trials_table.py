"""A search's trials as a table on the terminal."""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ris_tf.cli.runs import duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ris_tf.runlog import Row, SearchDirectory

STYLES = {"finished": "", "running": "green", "failed": "red", "lost": "red", "pruned": "dim"}
FEWEST = 2  # hyperparameters that a narrow terminal shows at least


def print_trials(console: "Console", search: "SearchDirectory") -> None:
    """Print the trials, best first; where a terminal is narrow, as many hyperparameters as fit."""
    from ris_tf.runlog import rows_of

    rows, keys = rows_of(search.trials(), time.time()), list(search.search.space)
    table = _table(rows, keys)
    if not console.is_terminal:  # a file or a pipe: one line a trial, however long
        console.width = max(console.width, _width(console, table))
    shown = len(keys)
    while _width(console, table) > console.width and shown > FEWEST:
        shown -= 1
        table = _table(rows, keys[:shown])
    console.print(table)
    if shown < len(keys):
        left = f"{len(keys) - shown} more hyperparameters: widen the terminal, or see trials.csv"
        console.print(left, style="dim")


def _width(console: "Console", table: "Table") -> int:
    return table.__rich_measure__(console, console.options.update(width=10_000)).maximum


def _table(rows: "Sequence[Row]", keys: Sequence[str]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from ris_tf.runlog import short_names, value_text

    table = Table(box=None, pad_edge=False)
    for title in ("rank", "trial", "objective", *short_names(keys), "epochs", "took"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("ended", overflow="fold")
    for row in rows:
        trial = row.trial
        values = [trial.hyperparameters.get(key) for key in keys]
        table.add_row(
            str(row.rank or "-"),
            str(trial.number),
            number(row.objective),
            *(value_text(value) if key in trial.hyperparameters else "-"
              for key, value in zip(keys, values, strict=True)),
            str(trial.epochs),
            "-" if math.isnan(row.seconds) else duration(row.seconds),
            Text(_ended(row), STYLES.get(trial.state, "")),
        )  # fmt: skip
    return table


def _ended(row: "Row") -> str:
    """State, and the reason where it says more."""
    trial = row.trial
    told = trial.reason if trial.state in ("pruned", "failed", "lost") else ""
    return f"{trial.state}: {told}" if told else str(trial.state)
