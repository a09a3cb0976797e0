"""A search's trials as the monitor shows them: rows, progress, the best so far."""

import math
import time
from collections.abc import Callable, Sequence
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

POLL_S = 1.0  # a search is read again at most this often

# A mark of its own shape for every state: colour alone does not tell.
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


class SearchModel:
    """A search that the view follows.

    Args:
        path: the search's folder.
        clock: seconds since 1970.
        ticks: seconds that are never set back.

    Attributes:
        search: what is searched.
        trials: in the order of their numbers.
        problem: why nothing newer can be read, in one line; empty where all is well.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ):
        self.path = Path(path)
        self.search = Search()
        self.trials: tuple[Trial, ...] = ()
        self.problem = ""
        self._clock, self._ticks = clock, ticks
        self._reader = SearchReader(self.path, clock)
        self._polled = -math.inf

    def poll(self) -> bool:
        """Read what changed, at most once a second; whether there is anything new to show."""
        if self._ticks() - self._polled < POLL_S:
            return False
        self._polled = self._ticks()
        before = self.problem
        try:
            changed = self._reader.poll()
            self.problem = ""
        except RunError as error:
            changed, self.problem = False, str(error)
        self.search, self.trials = self._reader.search, self._reader.trials
        return changed or self.problem != before

    def rows(self) -> list[Row]:
        """The table's rows as of now, best first."""
        return rows_of(self.trials, self._clock())

    @property
    def going_on(self) -> bool:
        """Whether a trial runs, so that times change by themselves."""
        return any(trial.state == TrialState.RUNNING for trial in self.trials)


def headline(search: Search, trials: Sequence[Trial]) -> str:
    """Algorithm, progress and the best, in a line."""
    counts = {state: sum(t.state == state for t in trials) for state in TrialState}
    done = sum(trial.settled for trial in trials)
    words = ("pruned", "failed", "running", "waiting", "lost")
    told = [f"{counts[TrialState(word)]} {word}" for word in words if counts[TrialState(word)]]
    planned = f" of {search.trials:,}" if search.trials else ""
    progress = f"{done:,}{planned} trials done" + (f" ({', '.join(told)})" if told else "")
    best = best_trial(trials)
    found = f"best {number(best.objective)}, trial {best.number}" if best else "no objective yet"
    algorithm = f"{search.algorithm} search" if search.algorithm else "search"
    return " · ".join([algorithm, progress, found])
