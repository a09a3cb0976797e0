"""A search's trials as the monitor shows them: rows, progress, the best so far."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gui.models.words import number
from ris_tf.runlog import RunError
from ris_tf.search import (
    Row,
    Search,
    SearchReader,
    Trial,
    TrialState,
    best_trial,
    rows_of,
)

# A mark of its own shape for every state: colour alone is not enough.
MARKS = {
    "waiting": "○",
    "running": "▶",
    "finished": "✔",
    "pruned": "▽",
    "failed": "✖",
    "lost": "?",
}
MEANINGS = {
    "waiting": "chosen, not started yet",
    "running": "a worker trains it",
    "finished": "trained to its end",
    "pruned": "stopped early: it was worse than others at the same epoch",
    "failed": "could not be trained; the reason is beside it",
    "lost": "its worker is gone: start the search again to go on with it",
}


def state_text(trial: Trial) -> str:
    """Mark and word."""
    return f"{MARKS[trial.state]} {trial.state}"


@dataclass(frozen=True)
class SearchView:
    """A search as it is at an instant; nothing in it changes.

    Attributes:
        path: its folder.
        search: what is searched.
        trials: in the order of their numbers.
        problem: why nothing newer can be read, in one line; empty where all is well.
    """

    path: Path
    search: Search = field(default_factory=Search)
    trials: tuple[Trial, ...] = ()
    problem: str = ""

    def rows(self, now: float) -> list[Row]:
        """The table's rows at a time in seconds since 1970, best first."""
        return rows_of(self.trials, now)

    @property
    def going_on(self) -> bool:
        """Whether a trial runs, so that times change by themselves."""
        return any(trial.state == TrialState.RUNNING for trial in self.trials)


class FollowedSearch:
    """Reads a search again and again, only what changed.

    Args:
        path: the search's folder.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time):
        self.path = Path(path)
        self._reader = SearchReader(self.path, clock)
        self._view: SearchView | None = None

    def poll(self) -> SearchView | None:
        """Read what changed; `None` where there is nothing new to show."""
        changed, problem = False, ""
        try:
            changed = self._reader.poll()
        except RunError as error:
            problem = str(error)
        if self._view and not changed and problem == self._view.problem:
            return None
        self._view = SearchView(self.path, self._reader.search, self._reader.trials, problem)
        return self._view


def headline(search: Search, trials: Sequence[Trial]) -> str:
    """Algorithm, progress and the best objective, in a line."""
    counts = {state: sum(t.state == state for t in trials) for state in TrialState}
    done = sum(trial.settled for trial in trials)
    words = ("pruned", "failed", "running", "waiting", "lost")
    counted = [f"{counts[TrialState(word)]} {word}" for word in words if counts[TrialState(word)]]
    planned = f" of {search.trials:,}" if search.trials else ""
    progress = f"{done:,}{planned} trials done" + (f" ({', '.join(counted)})" if counted else "")
    best = best_trial(trials)
    best_text = (
        f"best {number(best.objective)}, trial {best.number}" if best else "no objective yet"
    )
    algorithm = f"{search.algorithm} search" if search.algorithm else "search"
    return " · ".join([algorithm, progress, best_text])
