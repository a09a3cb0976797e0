"""What is drawn: x axes, the points that show, outliers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.curves import abscissa, at_steps, last_finite, visible, without_outliers
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


def test_where_a_curve_stops_being_finite():
    assert last_finite(np.array([3.7, 10.8, np.nan])) == 1
    assert last_finite(np.array([3.7, np.nan, 10.8])) is None, "it went on"
    assert last_finite(np.array([np.inf, np.nan])) is None, "it never began"
    assert last_finite(np.zeros(0)) is None
