"""Scenes are judged beside those of their own SNR, also where a configuration expects none."""

import numpy as np
import pytest

from ris_tf.evaluation import ALL, BY_COUNT, BY_SNR
from ris_tf.evaluation.groups import groups_of


def by_snr(interval, *snr_db):
    """The SNRs of each group, by its level."""
    values = np.array(snr_db, np.float32)
    return {
        level: [float(f"{value:g}") for value in values[chosen]]
        for kind, level, chosen in groups_of(interval, values, np.ones(len(values), int))
        if kind == BY_SNR
    }


def test_interval_of_the_configuration_is_divided_into_five():
    found = by_snr((0, 20), 0, 3.9, 4, 11, 16, 20)
    assert found == {2: [0, 3.9], 6: [4], 10: [11], 18: [16, 20]}


def test_scenes_beyond_go_on_in_steps_of_the_same_width():
    found = by_snr((0, 20), 19, 21, 23.9, 24.1, 40, -0.5, -9)
    assert found == {18: [19], 22: [21, 23.9], 26: [24.1], 42: [40], -2: [-0.5], -10: [-9]}


@pytest.mark.parametrize("interval", [(0, 20), (-5, 20), (10, 10), (10, 10.5)])
def test_no_scene_is_farther_from_its_level_than_half_an_interval(interval):
    snr_db = np.random.default_rng(0).uniform(-60, 100, 1000)
    width = max((interval[1] - interval[0]) / 5, 1.0)
    groups = [g for g in groups_of(interval, snr_db, np.ones(1000, int)) if g[0] == BY_SNR]
    assert sum(chosen for _, _, chosen in groups).tolist() == [1] * 1000
    for _, level, chosen in groups:
        assert np.abs(snr_db[chosen] - level).max() <= width / 2 + 1e-9


def test_rounding_of_the_ends_makes_no_group():
    assert by_snr((0, 20), 20.000002, -1e-6) == {18: [20], 2: [-1e-6]}


def test_one_snr_is_one_group():
    assert by_snr((10, 10), 10, 10) == {10: [10, 10]}


def test_groups_without_scenes_are_left_out():
    kinds = [(k, n) for k, n, _ in groups_of((0, 20), np.array([1.0, 2.0]), np.array([3, 1]))]
    assert kinds == [(ALL, 0), (BY_SNR, 2), (BY_COUNT, 1), (BY_COUNT, 3)]
