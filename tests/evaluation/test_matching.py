"""Matching against scipy's assignment, and metrics against their definitions."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from ris_tf.estimation.uncertainty import Deviations
from ris_tf.evaluation.matching import matched
from ris_tf.evaluation.metrics import COORDINATES, metrics_of
from ris_tf.scene.positions import Positions

SLOTS = 4


def drawn(rng: np.random.Generator, scenes: int, counts: np.ndarray | None = None) -> Positions:
    shape = scenes, SLOTS
    counts = rng.integers(1, SLOTS + 1, scenes) if counts is None else counts
    axes = (
        rng.uniform(-1, 1, shape),
        rng.uniform(-0.5, 0.5, shape),
        rng.uniform(0.5, 10, shape),
        np.arange(SLOTS) < counts[:, None],
    )
    return Positions(*(tf.constant(axis, tf.float32) for axis in axes))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_pairs_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    estimate, truth = drawn(rng, 3), drawn(rng, 3)
    found = matched(estimate, truth)
    for scene in range(3):
        a = estimate.cartesian().numpy()[scene][estimate.active[scene] > 0]
        b = truth.cartesian().numpy()[scene][truth.active[scene] > 0]
        apart = np.linalg.norm(a[:, None] - b[None], axis=-1)
        rows, columns = linear_sum_assignment(apart)
        mine = found.distance_m[scene]
        assert np.isfinite(mine).sum() == len(rows)
        assert np.nansum(mine) == pytest.approx(apart[rows, columns].sum(), abs=1e-2)


def test_the_truth_is_perfect_in_any_order():
    truth = drawn(np.random.default_rng(0), 50)
    order = Positions(*(axis[:, ::-1] for axis in truth))
    zero = {name: np.zeros((50, SLOTS)) for name in COORDINATES}
    metric = metrics_of(matched(order, truth), zero)
    assert metric["recall_position"] == metric["precision"]
    for name in ("precision", "count_accuracy"):
        assert metric[name].value == metric[name].high == 1
    assert metric["position_rmse_m"].value == pytest.approx(0, abs=1e-6)


def test_nothing_reported_is_no_error_and_no_recall():
    truth = drawn(np.random.default_rng(0), 5)
    nothing = truth._replace(active=tf.zeros_like(truth.active))
    none = {name: np.full((5, SLOTS), np.nan) for name in COORDINATES}
    metric = metrics_of(matched(nothing, truth), none)
    assert metric["recall_direction"].value == 0
    assert np.isnan(metric["precision"].value)
    assert np.isnan(metric["range_rmse_m"].value)
    assert np.isnan(metric["azimuth_over_bound"].value)


def test_recall_asks_for_direction_then_range():
    truth = drawn(np.random.default_rng(0), 1, np.array([3]))
    off = truth._replace(
        azimuth=truth.azimuth + tf.constant([0.0, 0.2, 0.0, 0.0]),
        range_m=truth.range_m + tf.constant([0.0, 0.0, 1.2, 0.0]),
    )
    found = matched(off, truth)
    np.testing.assert_array_equal(found.in_direction[0], [True, False, True, False])
    np.testing.assert_array_equal(found.in_position[0], [True, False, False, False])


def test_the_share_of_intervals_that_hold_the_truth_is_that_of_a_gaussian():
    rng = np.random.default_rng(2)
    truth = drawn(rng, 2000)
    deviation = rng.uniform(1e-3, 1e-2, truth.active.shape)
    error = deviation * rng.standard_normal(truth.active.shape)
    noisy = truth._replace(azimuth=truth.azimuth + tf.constant(error, tf.float32))
    known = Deviations(deviation, 0.5 * deviation, 0 * deviation + 1)
    metric = metrics_of(matched(noisy, truth, known))
    assert metric["azimuth_covered"].low < 0.95 < metric["azimuth_covered"].high
    assert metric["range_covered"].value == 1
    assert np.isnan(metrics_of(matched(noisy, truth))["azimuth_covered"].value)


def test_intervals_hold_the_value_and_shrink_with_scenes():
    rng = np.random.default_rng(1)
    widths = []
    for scenes in (50, 800):
        truth = drawn(rng, scenes)
        noisy = truth._replace(
            range_m=truth.range_m + tf.random.stateless_normal(truth.active.shape, [0, 1])
        )
        ratio = {name: np.abs(rng.standard_normal((scenes, SLOTS))) for name in COORDINATES}
        spread = Deviations(*(np.ones((scenes, SLOTS)) for _ in COORDINATES))
        metric = metrics_of(matched(noisy, truth, spread), ratio)
        for figure in metric.values():
            assert figure.low <= figure.value <= figure.high
        median = metric["range_over_bound"]
        widths.append(median.high - median.low)
        assert median.low < 0.6745 < median.high
    assert widths[1] < 0.5 * widths[0]
