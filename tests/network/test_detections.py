"""Cells, detections and the distribution of the count, against brute force."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.config import ConfigError
from ris_tf.network.detections import OUTPUTS, CellGrid, Cells, Detections, beside, count_logits

SEEDS = st.integers(0, 100_000)


@pytest.fixture(scope="module")
def grid(make_config):
    return CellGrid(make_config())


def test_a_direction_lies_in_the_cell_of_the_nearest_centre(grid):
    rng = np.random.default_rng(0)
    azimuth, elevation = rng.uniform(-1, 1, 200) * np.pi / 3, rng.uniform(-1, 1, 200) * np.pi / 6
    apart = [(azimuth[:, None] - grid.azimuth) / grid.size[0]]
    apart.append((elevation[:, None] - grid.elevation) / grid.size[1])
    nearest = np.argmin(np.maximum(*np.abs(apart)), axis=1)
    cell = grid.cell_of(*(tf.constant(x[None], tf.float32) for x in (azimuth, elevation)))
    np.testing.assert_array_equal(cell[0], nearest)
    near = grid.nearness(*(tf.constant(x[None], tf.float32) for x in (azimuth, elevation)), 0.7)
    expected = np.exp(-(apart[0] ** 2 + apart[1] ** 2) / (2 * 0.7**2))
    np.testing.assert_allclose(near[0], expected, atol=1e-5)


def test_a_field_of_view_of_one_point_has_cells(make_config):
    point = CellGrid(make_config("scene.azimuth_deg=[0, 0]", "scene.elevation_deg=[0, 0]"))
    assert int(point.cell_of(tf.zeros([]), tf.zeros([]))) == 0
    assert np.isfinite(point.nearness(tf.zeros([1, 1]), tf.zeros([1, 1]), 1.0)).all()


def test_peaks_are_chosen_before_their_neighbours(grid):
    logit = np.full([1, *grid.shape], -5.0, np.float32)
    logit[0, 2, 2], logit[0, 2, 3], logit[0, 5, 1] = 3.0, 2.5, 0.0
    outputs = np.zeros([1, grid.count, OUTPUTS], np.float32)
    outputs[..., 0] = logit.reshape(1, -1)
    place = [2 * grid.shape[1] + 2, 5 * grid.shape[1] + 1, 2 * grid.shape[1] + 3]
    chosen = grid.most_present(tf.constant(outputs), 3)
    np.testing.assert_array_equal(chosen[0], place)
    taken = 10.0 * (np.arange(grid.count) == place[0])[None]
    beside_it = grid.most_present(tf.constant(outputs), 1, tf.constant(taken, tf.float32))
    assert int(beside_it[0, 0]) == place[2], "a second source of the same beam"


@given(SEEDS, st.integers(1, 4), st.integers(1, 6))
def test_count_has_the_distribution_of_independent_detections(seed, max_sources, detections):
    p = np.random.default_rng(seed).random((3, detections)).astype(np.float32)
    expected = np.zeros((3, max_sources + 1))
    for there in itertools.product([0, 1], repeat=detections):
        chance = np.prod(np.where(there, p, 1 - p), axis=1)
        expected[:, min(sum(there), max_sources)] += chance
    np.testing.assert_allclose(
        np.exp(count_logits(tf.constant(p), max_sources)), expected[:, 1:], atol=1e-5
    )


def test_detections_are_chosen_joined_and_moved():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((2, 3, 2, 4)).astype(np.float32)
    outputs = rng.standard_normal((2, 6, OUTPUTS)).astype(np.float32)
    all_of_them = Detections.at(tf.constant([[5, 0, 3], [1, 2, 4]]), features, outputs)
    np.testing.assert_array_equal(all_of_them.features[1, 2], features[1, 2, 0])
    kept = all_of_them.chosen(tf.constant([[2], [0]]))
    np.testing.assert_array_equal(kept.outputs[0, 0], outputs[0, 3])
    both = kept.joined(all_of_them).moved(tf.ones([2, 4, OUTPUTS]))
    np.testing.assert_array_equal(both.cell, [[3, 5, 0, 3], [1, 1, 2, 4]])
    np.testing.assert_allclose(both.outputs[0, 0], outputs[0, 3] + 1)


def test_others_are_seen_where_they_are():
    zero = tf.zeros([1, 2])
    found = Cells(tf.constant([[0.0, 3.0]]), tf.constant([[0.0, 0.2]]), zero, zero, zero)
    features = beside(found, (0.1, 0.1)).numpy()
    near = np.exp(-1.0)
    np.testing.assert_allclose(features[0, 0, 1, :4], [2 * near, 0, 0, near], rtol=1e-5)
    np.testing.assert_allclose(features[0, 1, 0, 0], -2 * near, rtol=1e-5)
    assert features[0, 0, 1, 4] == pytest.approx(1 / (1 + np.exp(-3)), rel=1e-5)


@pytest.mark.parametrize("wrong", ["network.detections=2", "network.detections=36"])
def test_as_many_detections_as_sources_and_no_more_than_cells(make_config, wrong):
    with pytest.raises(ConfigError, match=r"network\.detections = \d+ does not lie between"):
        make_config(wrong)
