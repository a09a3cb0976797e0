"""What is drawn: x axes, smoothing, the points that show, outliers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from gui.models.curves import (
    Smoother,
    abscissa,
    at_steps,
    exponential_mean,
    visible,
    without_outliers,
)
from ris_tf.runlog import RunLog, Series, Session, Steps


def log_of(times, sessions=((0, 0.0),)):
    log, n = RunLog(), len(times)
    for i, (step, time) in enumerate(sessions):
        log.append(Session(i + 1, time, step, 0, 100, 10, 10))
    log.append(Series(["loss"]))
    steps = np.arange(n)
    log.append(Steps(steps, steps // 10, np.array(times, float), np.ones((n, 1))))
    return log


def test_axes():
    log = log_of(3600.0 * np.arange(1, 21))
    np.testing.assert_array_equal(abscissa(log, "step"), np.arange(20))
    np.testing.assert_allclose(abscissa(log, "epoch"), np.arange(1, 21) / 10)
    np.testing.assert_allclose(abscissa(log, "time"), np.arange(1, 21))
    np.testing.assert_allclose(at_steps(log, np.array([9, 19]), "epoch"), [1, 2])
    np.testing.assert_allclose(at_steps(log, np.array([9, 19]), "time"), [10, 20])


def test_pauses_between_sessions_take_no_time():
    times = np.concatenate([np.arange(1, 11), 1000 + np.arange(1, 11)])
    log = log_of(times, [(0, 0.0), (10, 1000.0)])
    np.testing.assert_allclose(3600 * abscissa(log, "time"), np.arange(1, 21))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_time_never_runs_backwards(times):
    assert (np.diff(abscissa(log_of(times), "time")) >= 0).all()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    st.sampled_from([2, 10, 30, 1000]),
    st.floats(-1e6, 1e6),
)
def test_exponential_mean_is_that_of_a_recursive_filter(values, span, before):
    weight, values = 2 / (span + 1), np.array(values)
    expected, _ = lfilter([weight], [1, weight - 1], values, zi=[(1 - weight) * before])
    scale = max(np.abs(values).max(), abs(before), 1)
    actual = exponential_mean(values, weight, before)
    np.testing.assert_allclose(actual, expected, atol=1e-9 * scale)


@given(
    st.lists(st.floats(-1, 1) | st.just(np.nan), min_size=1, max_size=300),
    st.integers(1, 50),
    st.sampled_from([10, 30, 100]),
)
def test_smoothing_a_growing_series_is_smoothing_it_whole(values, piece, span):
    x, y = np.arange(len(values), dtype=float), np.array(values, np.float32)
    grown, whole = Smoother(span), Smoother(span)
    for end in range(piece, len(y) + piece, piece):
        places, smooth = grown(("a",), x[:end], y[:end])
    expected_places, expected = whole(("a",), x, y)
    np.testing.assert_array_equal(places, expected_places)
    np.testing.assert_allclose(smooth, expected, rtol=1e-5, atol=1e-6)
    assert places[-1] == x[-1]


def test_smoothing_passes_over_what_is_not_finite():
    y = np.array([1.0, np.nan, 1.0, np.inf, 1.0], np.float32)
    _, smooth = Smoother(10)(("a",), np.arange(5.0), y)
    np.testing.assert_allclose(smooth, 1.0)


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 5000), st.integers(10, 300))
def test_what_is_visible_keeps_the_extremes(n, low, high, points):
    low, high = sorted((low, high))
    x, y = np.arange(n, dtype=float), np.random.default_rng(n).standard_normal(n)
    seen_x, seen_y = visible(x, y, low, high, points)
    assert len(seen_x) <= 2 * points + 3
    assert (np.diff(seen_x) > 0).all() or len(seen_x) <= 2 * points + 3
    inside = y[(x >= low) & (x <= high)]
    if len(inside):
        assert seen_y.max() >= inside.max()
        assert seen_y.min() <= inside.min()


def test_single_outliers_are_cut_off():
    values = np.random.default_rng(0).random(1000)
    values[500] = 1e6
    low, high = without_outliers(values)
    assert high < 2
    assert low >= 0
    assert without_outliers(np.ones(1000)) is None
    assert without_outliers(np.full(1000, np.nan)) is None


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one_window(n):
    log = log_of(np.arange(n))
    for kind in ("step", "epoch", "time"):
        assert len(abscissa(log, kind)) == n
    assert len(visible(np.arange(float(n)), np.ones(n), 0, 1, 100)[0]) == n
