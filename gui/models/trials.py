"""A search's trials as the monitor shows them: rows, progress, the best so far."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gui.models.words import number
from ris_tf.runlog import RunError
from ris_tf.search import (
    Best,
    Importance,
    Parallel,
    Row,
    Search,
    SearchReader,
    Trial,
    TrialState,
    best_so_far,
    best_trial,
    importances,
    parallel,
    rows_of,
)

SLOPED = 0.3  # rank correlation from which a direction is named
IMPORTANCE = (
    "How much of the variance of the objectives' ranks each hyperparameter explains alone: by a "
    "parabola of its values' ranks, or by the means of its choices. The mark is what one that does "
    "nothing would explain in one of twenty searches; below it, bars are grey."
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
        best: what the plot of the best so far shows.
        parallel: what the parallel coordinates show.
        importances: of the hyperparameters, the one that explains most first.
    """

    path: Path
    search: Search = field(default_factory=Search)
    trials: tuple[Trial, ...] = ()
    problem: str = ""
    best: Best = field(default_factory=lambda: best_so_far(()))
    parallel: Parallel = field(default_factory=lambda: parallel(Search(), ()))
    importances: tuple[Importance, ...] = ()

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
        search, trials = self._reader.search, self._reader.trials
        # Computed here, in the reader's thread: a thousand trials take longer than a frame.
        self._view = SearchView(
            self.path,
            search,
            trials,
            problem,
            best_so_far(trials),
            parallel(search, trials),
            tuple(importances(search, trials)),
        )
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


def importance_words(one: Importance) -> str:
    """What an importance says, in a sentence."""
    if one.share != one.share:
        return f"{one.key}: too few finished trials to judge ({one.trials})"
    chance = "more than chance" if one.certain else "no more than chance may"
    better = ""
    if one.certain and abs(one.slope) >= SLOPED:
        better = "; larger is better" if one.slope < 0 else "; smaller is better"
    return (
        f"{one.key} alone explains {one.share:.0%} of the objectives' order, {chance} "
        f"({one.chance:.0%}), judged from {one.trials} trials{better}"
    )
