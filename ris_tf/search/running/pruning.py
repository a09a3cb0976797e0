"""When a trial is not worth going on with, and when a whole search is not."""

import math
from collections.abc import Iterable, Sequence

from ris_tf.runlog import Fault, Level, RunLog, causes_of, check_health
from ris_tf.runlog.events import Cause
from ris_tf.search import Trial, TrialState
from ris_tf.search.ending import Ending
from ris_tf.search.median import median_at, there_at
from ris_tf.words import counted

FAILURES_IN_A_ROW = 3  # of the same cause end a search
# Faults of a trial that more epochs, or nothing but a person, may mend.
MAY_PASS = (Fault.PLATEAU, Fault.COUNT_COLLAPSED, Fault.UNTRAINED, Fault.TERM_CONSTANT)
KEPT = 3  # hyperband goes on with one trial in so many


def worse_than_median(epochs: int, objective: float, earlier: Iterable[Trial]) -> Ending | None:
    """Why a trial is stopped after so many epochs, `None` where it goes on: the median rule.

    Args:
        epochs: epochs done.
        objective: the trial's objective after the last of them.
        earlier: trials that were chosen before it.
    """
    earlier = list(earlier)
    median = median_at(epochs, earlier)
    if math.isnan(median) or objective <= median:
        return None
    count = len(there_at(epochs, earlier))
    return Ending(
        Cause.MEDIAN,
        f"worse than the median of {counted(count, 'earlier trial')} after "
        f"{counted(epochs, 'epoch')}: {objective:.4f}, median {median:.4f}",
    )


def unhealthy(log: RunLog) -> Ending | None:
    """Why a trial gets nowhere however long it trains, `None` where it may.

    Args:
        log: of its run.
    """
    hopeless = [
        check
        for check in causes_of(check_health(log))
        if check.level == Level.RED and check.fault not in MAY_PASS
    ]
    return Ending(Cause.UNHEALTHY, hopeless[0].matter) if hopeless else None


def given_up(trials: Sequence[Trial], since: float = 0.0) -> Ending | None:
    """Why a search ends before its last trial, `None` where it goes on.

    Args:
        trials: all of the search.
        since: when it was begun or taken up again, seconds since 1970: older failures are past.
    """
    lately = (trial for trial in trials if trial.settled and trial.ended >= since)
    ended = sorted(lately, key=lambda trial: (trial.ended, trial.number))
    last = ended[-FAILURES_IN_A_ROW:]
    causes = {trial.cause or Cause.ERROR for trial in last}
    failed = all(trial.state == TrialState.FAILED for trial in last)
    if len(last) < FAILURES_IN_A_ROW or not failed or len(causes) > 1:
        return None
    cause = causes.pop()
    text = f"{FAILURES_IN_A_ROW} trials in a row failed ({cause}), the last: {last[-1].reason}"
    return Ending(cause, text)


def first_bracket(epochs: int) -> int:
    """Trials of hyperband's first bracket: until the first has had all its epochs.

    Its rounds have `1, 1 / 3, 1 / 9, ...` of the epochs, the last of them at least one.
    """
    rounds = math.floor(math.log(epochs, KEPT) + 1e-9) + 1
    end = math.ceil(1 + math.log(epochs, KEPT)) / rounds
    return sum(math.ceil(end * KEPT**place) for place in range(rounds))
