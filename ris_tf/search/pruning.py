"""When a trial is not worth going on with, and when a whole search is not."""

import math
import re
import statistics
from collections.abc import Iterable, Sequence

from ris_tf.search import Trial, TrialState

EPOCHS_BEFORE = 6  # a trial may have before it is compared
TRIALS_BEFORE = 8  # there must be that came as far
FAILURES_IN_A_ROW = 3  # for the same reason end a search
KEPT = 3  # hyperband goes on with one trial in so many

# What a failure is called, by what its text holds.
KINDS = {
    "out of memory": r"ResourceExhausted|MemoryError|out of memory|OOM",
    "not finite": r"not finite",
    "disk": r"cannot be written|No space left",
}


def worse_than_median(epochs: int, objective: float, earlier: Iterable[Trial]) -> str:
    """Why a trial is stopped after so many epochs, empty where it goes on: the median rule.

    Args:
        epochs: epochs done.
        objective: the trial's objective after the last of them.
        earlier: trials that were chosen before it.
    """
    there = [
        trial.objectives[epochs - 1]
        for trial in earlier
        if len(trial.objectives) >= epochs and math.isfinite(trial.objectives[epochs - 1])
    ]
    if epochs < EPOCHS_BEFORE or len(there) < TRIALS_BEFORE:
        return ""
    median = statistics.median(there)
    if objective <= median:
        return ""
    return (
        f"worse than the median of {len(there)} earlier trials after {epochs} epochs: "
        f"{objective:.4f}, median {median:.4f}"
    )


def left_out(trial: Trial) -> bool:
    """Whether somebody stopped a trial, so that the search shall not build upon it."""
    return trial.state == TrialState.PRUNED and trial.reason.startswith("stopped")


def failure(text: str) -> str:
    """The reason of a failed trial: what kind it is, a colon, and what was said."""
    for kind, pattern in KINDS.items():
        if re.search(pattern, text):
            return f"{kind}: {text}"
    return text


def given_up(trials: Sequence[Trial], since: float = 0.0) -> str:
    """Why a search ends before its last trial, empty where it goes on.

    Args:
        trials: all of the search.
        since: when it was begun or taken up again, seconds since 1970: older failures are past.
    """
    lately = (trial for trial in trials if trial.settled and trial.ended >= since)
    ended = sorted(lately, key=lambda trial: (trial.ended, trial.number))
    last = ended[-FAILURES_IN_A_ROW:]
    kinds = {trial.reason.partition(":")[0] for trial in last}
    failed = all(trial.state == TrialState.FAILED for trial in last)
    if len(last) < FAILURES_IN_A_ROW or not failed or len(kinds) > 1:
        return ""
    return f"{FAILURES_IN_A_ROW} trials in a row failed for the same reason: {last[-1].reason}"


def first_bracket(epochs: int) -> int:
    """Trials of hyperband's first bracket: until the first has had all its epochs.

    Its rounds have `1, 1 / 3, 1 / 9, ...` of the epochs, the last of them at least one.
    """
    rounds = math.floor(math.log(epochs, KEPT) + 1e-9) + 1
    end = math.ceil(1 + math.log(epochs, KEPT)) / rounds
    return sum(math.ceil(end * KEPT**place) for place in range(rounds))
