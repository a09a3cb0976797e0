"""Which hyperparameters explain the order of the objectives, and which do no better than chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_tf.search import Choices, Range, Search, Trial, TrialState, best_so_far, importances
from ris_tf.search.median import EPOCHS_BEFORE, TRIALS_BEFORE, median_at, median_band
from ris_tf.search.running.pruning import worse_than_median

SPACE = {
    "training.learning_rate": Range(1e-4, 1e-2, log=True),
    "network.dropout": Range(0, 1),
    "network.kind": Choices(("a", "b", "c")),
    "training.batch": Choices((16, 32)),
}
RATE, DROPOUT, KIND, BATCH = SPACE
SEARCH = Search(space=SPACE)


def trials(count, objective, seed=1):
    """Random trials whose objective a function of the hyperparameters gives."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(1, count + 1):
        values = {
            RATE: float(10 ** random.uniform(-4, -2)),
            DROPOUT: float(random.uniform()),
            KIND: str(random.choice(["a", "b", "c"])),
            BATCH: int(random.choice([16, 32])),
        }
        made.append(Trial(number, values, TrialState.FINISHED, objective(values, random.normal())))
    return made


def test_what_decides_explains_everything_and_the_rest_nothing():
    first, *others = importances(SEARCH, trials(200, lambda v, _: -v[RATE], seed=3))
    assert (first.key, first.label) == (RATE, "learning_rate")
    assert first.share == pytest.approx(1)
    assert first.slope == pytest.approx(-1), "larger values are better"
    assert first.certain
    assert [one.certain for one in others] == [False] * 3
    assert sum(one.share for one in others) < 0.3


def test_an_optimum_within_the_range_counts():
    """A rank correlation alone would be about 0."""
    made = trials(60, lambda v, noise: (math.log10(v[RATE]) + 3) ** 2 + 0.01 * noise)
    first = importances(SEARCH, made)[0]
    assert first.key == RATE
    assert first.share > 0.8
    assert abs(first.slope) < 0.3


def test_choices_without_an_order_are_judged_by_their_means():
    made = trials(40, lambda v, noise: {"a": 1.0, "b": 3.0, "c": 2.0}[v[KIND]] + 0.1 * noise)
    first = importances(SEARCH, made)[0]
    assert first.key == KIND
    assert first.share > 0.8
    assert math.isnan(first.slope)


def test_share_of_a_straight_line_is_the_squared_rank_correlation():
    """With two choices of numbers a parabola explains what a line does."""
    made = trials(30, lambda v, noise: v[BATCH] + 10 * noise)
    (one,) = (one for one in importances(SEARCH, made) if one.key == BATCH)
    assert one.share == pytest.approx(one.slope**2)


def test_chance_is_exceeded_in_one_of_twenty_searches_that_tell_nothing():
    """The level is what it says: of 400 judgements of noise, 20 are expected, 3 sigma is 13."""
    found = [
        one.certain
        for seed in range(100)
        for one in importances(SEARCH, trials(15, lambda v, noise: noise, seed))
    ]
    assert len(found) == 400
    assert 7 <= sum(found) <= 33


def test_too_few_trials_say_nothing():
    assert all(
        math.isnan(one.share) for one in importances(SEARCH, trials(5, lambda v, _: v[RATE]))
    )
    assert not any(one.certain for one in importances(SEARCH, []))
    same = importances(SEARCH, trials(9, lambda v, _: 1.0))
    assert all(one.share == pytest.approx(0, abs=1e-12) and not one.certain for one in same)


VALUE = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.floats(-1, 1)


@settings(max_examples=40)
@given(st.lists(st.tuples(VALUE, st.floats(-1e9, 1e9)), min_size=6, max_size=12))
def test_any_values_are_judged(values):
    made = [
        Trial(i, {KIND: value}, TrialState.FINISHED, objective)
        for i, (value, objective) in enumerate(values, 1)
    ]
    for one in importances(SEARCH, made):
        assert math.isnan(one.share) or 0 <= one.share <= 1 + 1e-9


# -- the median rule's band -----------------------------------------------------------------------


def with_epochs(count, epochs=10):
    """Trials that fall from 2 by a tenth an epoch, each a hundredth better than the one before."""
    return [
        Trial(n, {}, TrialState.FINISHED, 2 - 0.1 * epochs - 0.01 * n,
              objectives=tuple(2 - 0.1 * e - 0.01 * n for e in range(1, epochs + 1)))
        for n in range(1, count + 1)
    ]  # fmt: skip


def test_the_band_says_what_the_rule_does():
    made = with_epochs(TRIALS_BEFORE + 4)
    band = best_so_far(made).band
    np.testing.assert_array_equal(band.x, np.arange(TRIALS_BEFORE + 1, TRIALS_BEFORE + 5))
    assert (band.low < band.high).all()
    for x, low, high in zip(band.x, band.low, band.high, strict=True):
        earlier = made[: int(x) - 1]
        for epochs in range(1, 11):
            above, below = (worse_than_median(epochs, y, earlier) for y in (high + 1e-9, low))
            assert (above is not None) == (epochs >= EPOCHS_BEFORE)
            assert below is None


def test_the_band_is_that_of_the_rule_in_a_search_of_any_trials():
    """Computed as trials come; compared with the rule itself."""
    random = np.random.default_rng(0)
    made = [
        Trial(n, {}, TrialState.FINISHED, 1.0,
              objectives=tuple(random.normal(size=random.integers(0, 12)).tolist()))
        for n in range(1, 60)
    ]  # fmt: skip
    band = median_band(made)
    for x, low, high in zip(band.x, band.low, band.high, strict=True):
        medians = [median_at(e, made[: int(x) - 1]) for e in range(EPOCHS_BEFORE, 12)]
        assert (low, high) == (np.nanmin(medians), np.nanmax(medians))


def test_without_enough_trials_or_epochs_there_is_no_band():
    assert not len(median_band(with_epochs(TRIALS_BEFORE)).x)
    assert not len(median_band(with_epochs(20, EPOCHS_BEFORE - 1)).x)
    assert not len(median_band([]).x)
    assert math.isnan(median_at(EPOCHS_BEFORE - 1, with_epochs(20)))
