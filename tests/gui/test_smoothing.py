"""Smoothed curves: means over a share of the run that lag behind nothing and hide nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.smoothing import Smoother, span_of


def smooth(y, share):
    y = np.asarray(y, np.float32)
    return Smoother(share)(("a",), np.arange(float(len(y))), y)


@given(
    st.lists(st.floats(-1, 1) | st.just(np.nan), min_size=1, max_size=300),
    st.integers(1, 50),
    st.sampled_from([0.02, 0.1, 0.5]),
)
def test_smoothing_a_growing_series_is_smoothing_it_whole(values, piece, share):
    x, y = np.arange(len(values), dtype=float), np.array(values, np.float32)
    grown, result = Smoother(share), None
    for end in range(piece, len(y) + piece, piece):
        result = grown(("a",), x[:end], y[:end])
    whole = Smoother(share)(("a",), x, y)
    assert (result is None) == (whole is None)
    if whole is not None:
        np.testing.assert_array_equal(result[0], whole[0])
        np.testing.assert_allclose(result[1], whole[1], rtol=1e-5, atol=1e-6)


@given(st.floats(-1e3, 1e3), st.floats(-10, 10), st.integers(2, 5000), st.floats(0.001, 0.3))
def test_a_straight_line_stays_where_it_is_up_to_its_ends(at, slope, windows, share):
    """Nothing lags, and the start weighs no more than anything else."""
    y = at + slope * np.arange(windows)
    found = smooth(y, share)
    if found is not None:
        x, mean = found
        step = abs(slope) * max(span_of(share, windows), 1)
        # A last block that is shorter than the others is the only one that may be off, by a part.
        np.testing.assert_allclose(mean[:-1], at + slope * x[:-1], atol=1e-3 + 0.07 * step)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=50, max_size=500))
def test_means_lie_among_their_values(values):
    _, mean = smooth(values, 0.1)
    assert min(values) - 1e-3 * abs(min(values)) <= mean.min()
    assert mean.max() <= max(values) + 1e-3 * abs(max(values))


def test_noise_shrinks_with_the_share():
    noise = np.random.default_rng(0).standard_normal(100_000)
    spreads = [smooth(noise, share)[1].std() for share in (0.001, 0.01, 0.1)]
    for spread, windows in zip(spreads, (100, 1000, 10_000), strict=True):
        assert spread == pytest.approx(1.15 / windows**0.5, rel=0.5)


def test_a_steep_beginning_is_followed():
    """A mean that was seeded with the first value lay far above the data for dozens of windows."""
    y = 1 + 9 * np.exp(-np.arange(1000) / 15)
    x, mean = smooth(y, 0.02)
    assert np.abs(mean - y[x.astype(int)]).max() < 0.5


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_a_run_that_diverges_is_no_calm_line(end):
    y = [*np.linspace(4, 3.7, 97), 10.8, end, end]
    x, mean = smooth(y, 0.05)
    assert np.isnan(mean[x >= 98]).all()
    assert np.isfinite(mean[x < 98]).all()


def test_gaps_are_gaps_where_they_are_as_long_as_what_is_drawn():
    y = np.ones(10_000)
    y[5000:5400] = np.nan
    y[100] = np.nan
    x, mean = smooth(y, 0.02)
    assert np.isnan(mean[(x > 5030) & (x < 5370)]).all()
    assert np.isfinite(mean[(x < 4970) | (x > 5430)]).all()


def test_a_large_value_leaves_no_trace_beyond_its_neighbours():
    """Differences of running sums would be rounded to nothing after it."""
    y = np.ones(1000)
    y[500] = 1e30
    x, mean = smooth(y, 0.02)
    np.testing.assert_allclose(mean[np.abs(x - 500) > 25], 1)


@pytest.mark.parametrize(("share", "windows"), [(0.0, 1000), (0.02, 0), (0.02, 60)])
def test_nothing_to_smooth(share, windows):
    assert smooth(np.ones(windows), share) is None


def test_spans_grow_in_steps():
    spans = [span_of(0.02, windows) for windows in range(100_000)]
    assert all(0.75 * 0.02 * n <= span for n, span in enumerate(spans) if span > 8)
    assert all(span <= max(0.02 * n + 1, 1) for n, span in enumerate(spans))
    assert len(set(spans)) < 40
