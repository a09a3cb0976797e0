"""Intervals hold what they are of as often as they promise, and are no wider than they need be."""

import numpy as np
import pytest
from scipy.stats import binom

from ris_tf.evaluation import Column, Metric
from ris_tf.evaluation.intervals import median_interval, ratio_interval, share_interval


@pytest.mark.parametrize("n", [6, 7, 9, 10, 17, 20, 50, 100, 101, 1000])
def test_median_of_any_distribution_is_held_in_19_of_20_cases(n):
    """The median is between ranks j and k with probability P(j <= X < k), X ~ B(n, 1/2)."""

    def coverage(j, k):
        return binom.cdf(k - 1, n, 0.5) - binom.cdf(j - 1, n, 0.5)

    j, k = median_interval(np.arange(1.0, n + 1))
    assert (j - 1) == n - k
    assert coverage(j, k) >= 0.95
    assert coverage(j + 1, k - 1) < 0.95


def test_median_of_few_has_no_interval():
    assert np.isnan(median_interval(np.arange(5.0))).all()  # 1 - 2/32 of the cases at best


@pytest.mark.parametrize("n", [5, 20, 200])
def test_share_is_held_in_19_of_20_cases_whatever_it_is(n):
    one_each = np.ones(n)
    ends = np.array([share_interval(one_each * (np.arange(n) < k), one_each) for k in range(n + 1)])
    for share in np.linspace(0.002, 0.998, 97):
        holds = (ends[:, 0] <= share) & (share <= ends[:, 1])
        assert binom.pmf(np.arange(n + 1), n, share) @ holds >= 0.95


def test_all_of_200_reaches_down_to_98_percent():
    low, high = share_interval(np.full(100, 2), np.full(100, 2))
    assert high == 1
    assert low == pytest.approx(0.025 ** (1 / 200))
    assert share_interval(np.zeros(200), np.ones(200)) == pytest.approx((0, 1 - low))


def test_sources_of_a_scene_that_are_found_together_count_less():
    """Of shares that differ from scene to scene; with 5 sources a scene, one counts as many."""
    rng = np.random.default_rng(0)
    held = {True: 0, False: 0}
    repeats, scenes, share = 400, 80, 0.9
    for _ in range(repeats):
        in_scene = rng.beta(9, 1, scenes)  # mean 0.9
        found, sources = rng.binomial(5, in_scene), np.full(scenes, 5)
        for known in held:
            each = (found, sources) if known else (np.arange(400) < found.sum(), np.ones(400))
            low, high = share_interval(*each)
            held[known] += low <= share <= high
    assert held[True] / repeats > 0.93
    assert held[False] / repeats < 0.93


def test_one_scene_tells_of_no_spread():
    assert np.isnan(ratio_interval(np.array([0.0, 2.0]), np.array([0.0, 3.0]))).all()
    low, high = ratio_interval(np.array([1.0, 2.0, 4.0]), np.ones(3))
    assert low < 7 / 3 < high


@pytest.mark.parametrize(
    ("merit", "text", "latex"),
    [
        (Metric(1.0, 0.982, 1.0), "100.0 +0.0 −1.8", "100.0$^{+0.0}_{-1.8}$"),
        (Metric(0.5, 0.4, 0.6), "50.0 ±10.0", r"50.0$\pm 10.0$"),
        (Metric(0.5, np.nan, np.nan), "50.0", "50.0"),
        (Metric(np.nan, np.nan, np.nan), "-", "-"),
    ],
)
def test_tables_show_both_ends_where_they_differ(merit, text, latex):
    column = Column("share", "share %", "Share", 100, 1)
    assert (column.text(merit), column.latex_text(merit)) == (text, latex)
    assert column.text(merit, interval=False) == text.split(" ")[0]
