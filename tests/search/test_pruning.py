"""The median rule, the causes of failures, and when a search gives up."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.engine import GradientPathError
from ris_tf.engine.stopping import cause_of
from ris_tf.runlog import Cause, RunLog, Series, Step, Steps
from ris_tf.search import Trial, TrialState
from ris_tf.search.running.pruning import given_up, unhealthy, worse_than_median


def trials(values, epochs=10):
    return [
        Trial(number, objectives=(value,) * epochs) for number, value in enumerate(values, start=1)
    ]


def test_trial_worse_than_the_median_is_stopped():
    earlier = trials([1, 2, 3, 4, 5, 6, 7, 8])
    assert worse_than_median(6, 4.6, earlier) == (
        Cause.MEDIAN,
        "worse than the median of 8 earlier trials after 6 epochs: 4.6000, median 4.5000",
    )
    assert worse_than_median(6, 4.5, earlier) is None


@pytest.mark.parametrize(("epochs", "earlier"), [(5, 8), (6, 7), (1, 100)])
def test_nobody_is_stopped_too_early(epochs, earlier):
    assert worse_than_median(epochs, 1e9, trials([1.0] * earlier)) is None


def test_only_trials_that_came_as_far_are_compared():
    earlier = trials([1.0] * 7) + trials([1.0], epochs=6) + trials([1.0] * 5, epochs=3)
    assert worse_than_median(6, 2.0, earlier)
    assert worse_than_median(7, 2.0, earlier) is None


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=30),
    st.floats(-1e6, 1e6),
    st.integers(6, 10),
)
def test_median_rule(values, own, epochs):
    told = worse_than_median(epochs, own, trials(values))
    assert bool(told) == (own > statistics.median(values))


def test_objectives_that_are_not_numbers_do_not_count():
    assert worse_than_median(6, 2.0, trials([1.0] * 7 + [math.nan])) is None


class ExhaustedError(Exception):
    """As TensorFlow raises where memory ran out, in whatever words."""

    error_code = 8


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ExhaustedError("Speicher erschöpft"), Cause.OUT_OF_MEMORY),
        (MemoryError(), Cause.OUT_OF_MEMORY),
        (OSError(28, "kein Platz"), Cause.DISK),
        (GradientPathError("kein Weg"), Cause.GRADIENT_PATH),
        (ValueError("out of memory: not finite: No space left"), Cause.ERROR),
    ],
)
def test_cause_of_an_exception_is_told_by_its_class(error, cause):
    assert cause_of(error) == cause


def failed(number, cause, state=TrialState.FAILED):
    return Trial(number, state=state, reason=f"trial {number}", cause=cause, ended=float(number))


def test_three_failures_of_one_cause_end_a_search():
    alike = [failed(n, Cause.NOT_FINITE) for n in (1, 2, 3)]
    ending = given_up(alike)
    assert ending.cause == Cause.NOT_FINITE
    assert ending.text == "3 trials in a row failed (not finite), the last: trial 3"
    assert given_up(alike[:2]) is None
    assert given_up([*alike, failed(4, None, TrialState.FINISHED)]) is None
    assert given_up([*alike[:2], failed(3, Cause.OUT_OF_MEMORY)]) is None


def test_failures_before_a_search_went_on_are_past():
    alike = [failed(n, Cause.DISK) for n in (1, 2, 3)]
    assert given_up(alike, since=2.5) is None


def test_trials_that_still_run_do_not_break_the_row():
    alike = [failed(n, Cause.DISK) for n in (1, 2, 4)]
    assert given_up([*alike, Trial(3, state=TrialState.RUNNING)])


def trial_log(rate, ok=1.0):
    """Forty windows whose loss does not fall."""
    log = RunLog()
    log.append(Series(["loss", "ok", "scale", "rate/head", "norm/head", "iteration", "schedule"]))
    for step in range(40):
        applied = (step + 1) * ok
        values = [1 + 0.1 * (step % 2), ok, 1.0, rate, 1.0, applied, applied]
        log.append(Steps.of(Step(step, 0, 0.0, values)))
    return log


def test_trial_that_gets_nowhere_is_stopped_with_the_cause():
    ending = unhealthy(trial_log(rate=0.3))
    assert ending is not None
    assert ending.cause is Cause.UNHEALTHY
    assert unhealthy(trial_log(rate=1e-3)) is None, "a plateau may pass"
    assert unhealthy(RunLog()) is None
