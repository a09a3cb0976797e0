"""The median rule, the reasons of failures, and when a search gives up."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.search import Trial, TrialState
from ris_tf.search.pruning import failure, given_up, worse_than_median


def trials(values, epochs=10):
    return [
        Trial(number, objectives=(value,) * epochs) for number, value in enumerate(values, start=1)
    ]


def test_trial_worse_than_the_median_is_stopped():
    earlier = trials([1, 2, 3, 4, 5, 6, 7, 8])
    assert worse_than_median(6, 4.6, earlier) == (
        "worse than the median of 8 earlier trials after 6 epochs: 4.6000, median 4.5000"
    )
    assert worse_than_median(6, 4.5, earlier) == ""


@pytest.mark.parametrize(("epochs", "earlier"), [(5, 8), (6, 7), (1, 100)])
def test_nobody_is_stopped_too_early(epochs, earlier):
    assert worse_than_median(epochs, 1e9, trials([1.0] * earlier)) == ""


def test_only_trials_that_came_as_far_are_compared():
    earlier = trials([1.0] * 7) + trials([1.0], epochs=6) + trials([1.0] * 5, epochs=3)
    assert worse_than_median(6, 2.0, earlier)
    assert worse_than_median(7, 2.0, earlier) == ""


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=30),
    st.floats(-1e6, 1e6),
    st.integers(6, 10),
)
def test_median_rule(values, own, epochs):
    told = worse_than_median(epochs, own, trials(values))
    assert bool(told) == (own > statistics.median(values))


def test_objectives_that_are_not_numbers_do_not_count():
    assert worse_than_median(6, 2.0, trials([1.0] * 7 + [math.nan])) == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("3 windows in a row were not finite, first the loss; try ...", "not finite"),
        ("ResourceExhaustedError: OOM when allocating tensor", "out of memory"),
        ("MemoryError: ", "out of memory"),
        ("killed twice in one epoch, by signal 9: out of memory?", "out of memory"),
        ("/runs/x/events.jsonl: cannot be written: No space left on device", "disk"),
        ("ValueError: something else", "ValueError"),
    ],
)
def test_reason_begins_with_its_kind(text, kind):
    assert failure(text).partition(":")[0] == kind


def failed(number, reason, state=TrialState.FAILED):
    return Trial(number, state=state, reason=reason, ended=float(number))


def test_three_failures_alike_end_a_search():
    alike = [failed(n, f"not finite: {n} windows") for n in (1, 2, 3)]
    assert "3 trials in a row failed for the same reason: not finite: 3" in given_up(alike)
    assert given_up(alike[:2]) == ""
    assert given_up([*alike, failed(4, "10 epochs", TrialState.FINISHED)]) == ""
    assert given_up([*alike[:2], failed(3, "out of memory: x")]) == ""


def test_failures_before_a_search_went_on_are_past():
    alike = [failed(n, "disk: full") for n in (1, 2, 3)]
    assert given_up(alike, since=2.5) == ""


def test_trials_that_still_run_do_not_break_the_row():
    alike = [failed(1, "disk: a"), failed(2, "disk: b"), failed(4, "disk: c")]
    assert given_up([*alike, Trial(3, state=TrialState.RUNNING)])
