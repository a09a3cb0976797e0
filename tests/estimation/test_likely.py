"""Proposals with confidences: likely sources need to explain less, and are not in doubt."""

import numpy as np
from test_pursuit import made

from ris_tf.estimation.count_test import GAIN_ALARM, MOST_ODDS, NoiseTest
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.fits import Known, Likely
from ris_tf.evaluation.matching import matched
from ris_tf.scene.positions import Positions, true_positions


def test_noise_may_pass_as_much_more_often_as_a_source_is_likelier():
    test = NoiseTest(groups=16, numbers=16, points=500)
    odds = np.array([0.0, 1.0, 5.0, 1e9])
    least = test.least_gain(odds)
    assert least[0] == test.least_gain()
    np.testing.assert_allclose(
        np.exp(-least[1:]), GAIN_ALARM * np.minimum(odds[1:], MOST_ODDS), rtol=1e-6
    )


def test_odds_are_those_of_the_likeliest_place_within_a_cell():
    places = tuple(np.float32([[0.0, 0.05, 0.5]]) for _ in range(3))
    likely = Likely(places, np.float32([[0.5, 0.8, 0.9]]), (0.1, 0.1))
    at = Positions(*(np.float32([[0.04, 0.52, -0.7]]) for _ in range(3)), np.ones((1, 3)))
    np.testing.assert_allclose(likely.odds(np.array([0]), at), [[4.0, 9.0, 0.0]], rtol=1e-5)


def test_a_place_speaks_for_one_source_alone():
    places = tuple(np.float32([[0.0, 0.06, 0.3]]) for _ in range(3))
    likely = Likely(places, np.float32([[0.9, 0.5, 0.75]]), (0.1, 0.1))
    at = Positions(*(np.float32([[-0.02, 0.01, 0.03, 0.3]]) for _ in range(3)), np.ones((1, 4)))
    np.testing.assert_allclose(likely.odds(np.array([0]), at), [[0, 9, 1, 3]], rtol=1e-5)
    at.active[:] = [[1, 0, 1, 1]]
    np.testing.assert_allclose(likely.odds(np.array([0]), at), [[9, 0, 1, 3]], rtol=1e-5)


def test_likely_sources_are_found_in_noise_that_hides_others():
    config, _, scenes = made(128, sources_min=2, sources_max=3, snr_db=[-4.0, 0.0])
    truth, rng = true_positions(scenes.sources), np.random.default_rng(0)
    near = [np.asarray(axis) + rng.normal(0, 0.02, axis.shape) for axis in truth.coordinates[:2]]
    elsewhere = [rng.uniform(-1, 1, near[0].shape), rng.uniform(-0.5, 0.5, near[0].shape)]
    places = tuple(
        np.concatenate([a, b], axis=1).astype(np.float32)
        for a, b in zip([*near, truth.range_m], [*elsewhere, truth.range_m], strict=True)
    )
    present = np.asarray(truth.active)
    confidence = np.concatenate([0.9 * present, 0.05 + 0 * present], axis=1)
    detector, known = Detector(config), Known(scenes.noise_variance.numpy())
    shares = []
    for given in (None, confidence):
        m = matched(detector.pursue(scenes.measurement, known, places, given), truth)
        shares.append(
            (m.in_direction.sum() / m.source.sum(), m.in_direction.sum() / m.reported.sum())
        )
    (found, before), (more, precision) = shares
    assert more > found + 0.05
    assert precision > before - 0.05
