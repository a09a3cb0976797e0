"""A search's trials as rows of a table: ranked, sorted, written as CSV, in words."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ris_tf.runlog.words import number
from ris_tf.search.document import Search
from ris_tf.search.trial import Trial, TrialState, Value


@dataclass(frozen=True)
class Row:
    """A trial as the table shows it.

    Attributes:
        trial: the trial.
        rank: 1 for the best of those that finished, 0 for the others.
        seconds: how long it took, or has taken; NaN where that is not known.
    """

    trial: Trial
    rank: int
    seconds: float

    @property
    def objective(self) -> float:
        """The objective, NaN where none is shown."""
        return self.trial.objective if has_objective(self.trial) else math.nan


def rows_of(trials: Sequence[Trial], now: float) -> list[Row]:
    """Ranked rows: by objective, then those that have none to compare, by number."""
    ranked = sorted((t for t in trials if t.counts), key=lambda t: (t.objective, t.number))
    others = [trial for trial in trials if not trial.counts]
    rows = [Row(trial, rank, _seconds(trial, now)) for rank, trial in enumerate(ranked, 1)]
    return rows + [Row(trial, 0, _seconds(trial, now)) for trial in others]


def _seconds(trial: Trial, now: float) -> float:
    if not trial.started:
        return math.nan
    if trial.settled:
        return trial.ended - trial.started if trial.ended >= trial.started else math.nan
    return max(now - trial.started, 0.0) if trial.state == TrialState.RUNNING else math.nan


def has_objective(trial: Trial) -> bool:
    """Whether its objective is shown: a failed trial's would be that of a broken network."""
    shown = trial.state in (TrialState.FINISHED, TrialState.PRUNED)
    return shown and math.isfinite(trial.objective)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The finished trial of the least objective, the first of equals; `None` before any."""
    return min((t for t in trials if t.counts), key=lambda t: (t.objective, t.number), default=None)


def column_key(column: str) -> Callable[[Row], tuple]:
    """What rows are sorted by in a column; see `sorted_rows`."""
    own: dict[str, Callable[[Row], Value]] = {
        "rank": lambda row: row.rank or None,
        "trial": lambda row: row.trial.number,
        "objective": lambda row: row.objective,
        "state": lambda row: str(row.trial.state),
        "epochs": lambda row: row.trial.epochs,
        "time": lambda row: row.seconds,
        "reason": lambda row: row.trial.reason or None,
    }
    value = own.get(column, lambda row: row.trial.hyperparameters.get(column))
    return lambda row: _sortable(value(row))


def _sortable(value: Value) -> tuple:
    """Numbers before texts before lists; what is not known last."""
    if isinstance(value, str):
        return 1, value
    if isinstance(value, tuple):
        return 2, tuple(_sortable(entry) for entry in value)
    if value is None or math.isnan(value):
        return (3,)
    return 0, value


def sorted_rows(rows: Sequence[Row], column: str, descending: bool = False) -> list[Row]:
    """Rows by a column; those without a value last, whichever way.

    Args:
        rows: in the order that decides where values are equal.
        column: `rank`, `trial`, `objective`, `state`, `epochs`, `time`, `reason` or a
            hyperparameter's key.
        descending: greatest first.
    """
    key = column_key(column)
    known = [row for row in rows if key(row) != (3,)]
    unknown = [row for row in rows if key(row) == (3,)]
    return sorted(known, key=key, reverse=descending) + unknown


def trials_csv(search: Search, rows: Sequence[Row]) -> str:
    """Every trial with all its values as CSV, numbers in full; what is not known is empty."""
    keys = list(search.space)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(
        ["rank", "trial", "objective", "state", *keys, "epochs", "seconds", "cause", "reason"]
    )
    for row in rows:
        trial = row.trial
        values = [
            _exact(trial.hyperparameters[key]) if key in trial.hyperparameters else ""
            for key in keys
        ]
        table.writerow(
            [row.rank or "", trial.number, _exact(row.objective), trial.state, *values,
             trial.epochs, _exact(row.seconds), trial.cause or "", trial.reason]
        )  # fmt: skip
    return out.getvalue()


def _exact(value: Value) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return (
        str(value) if isinstance(value, int) and not isinstance(value, bool) else value_text(value)
    )


def value_text(value: Value) -> str:
    """A hyperparameter's value as people read it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(value_text(entry) for entry in value) + "]"
    return value if isinstance(value, str) else number(value, 4)


def short_names(keys: Sequence[str]) -> list[str]:
    """Configuration keys by their last words, as many as make them distinct."""
    parts = [key.split(".") for key in keys]
    short = []
    for own in parts:
        depth = 1
        while depth < len(own) and sum(other[-depth:] == own[-depth:] for other in parts) > 1:
            depth += 1
        short.append(".".join(own[-depth:]))
    return short
