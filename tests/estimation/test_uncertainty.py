"""Standard deviations of fits: what noise in the symbols adds, and how often intervals hold."""

import numpy as np
import pytest
import tensorflow as tf
from test_pursuit import made

from ris_tf.config import parse_config
from ris_tf.estimation.bound import cramer_rao_bound, in_double
from ris_tf.estimation.estimators import EstimatorInputs, Estimators
from ris_tf.estimation.fits import Known
from ris_tf.estimation.uncertainty import (
    WIDE_95,
    curvature_variance,
    deviations,
    range_interval,
)
from ris_tf.evaluation.matching import matched
from ris_tf.evaluation.metrics import metrics_of
from ris_tf.receiver import fit, informations, observed
from ris_tf.scene import Simulator, Split
from ris_tf.scene.positions import true_positions

BOUNDS = 0.5, 10.0


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_noise_adds_to_the_information_what_its_mean_over_many_draws_is(symbols):
    config, simulator, scenes = made(1, sources_min=2, sources_max=2, symbols=symbols)
    truth = true_positions(scenes.sources)
    clean = observed(
        scenes.measurement._replace(y=scenes.noise_free), simulator.panel, config.scene.symbols
    )
    clean = in_double(clean)
    at = tuple(tf.cast(axis, tf.float64) for axis in truth.coordinates)
    active = tf.cast(truth.active, tf.float64)
    rng, draws = np.random.default_rng(0), 4000
    noise = rng.normal(size=(draws, *clean.y.shape[1:], 2)).view(complex)[..., 0] / np.sqrt(2)
    noise[1::2] = -noise[::2]  # what is linear in the noise cancels
    many = clean._replace(y=clean.y + noise)
    every = tuple(tf.repeat(axis, draws, 0) for axis in at)
    mean = tf.reduce_mean(fit(many, every, tf.repeat(active, draws, 0)).information, 0)
    added = (mean - fit(clean, at, active).information[0]).numpy()
    expected = informations(clean, at, active)[1][0].numpy()
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(added / scale, expected / scale, atol=0.1)


def test_without_noise_deviations_are_the_bound():
    config, simulator, scenes = made(8, snr_db=[60.0, 60.0], separation_deg=20.0)
    truth = true_positions(scenes.sources)
    data = observed(scenes.measurement, simulator.panel, config.scene.symbols)
    mine = deviations(data, truth, scenes.noise_variance, BOUNDS)
    bound = cramer_rao_bound(data, truth, scenes.noise_variance)
    np.testing.assert_allclose(mine.azimuth, bound.azimuth, rtol=1e-2)
    np.testing.assert_allclose(mine.elevation, bound.elevation, rtol=1e-2)
    np.testing.assert_allclose(
        mine.curvature * truth.range_m.numpy() ** 2, bound.range_m, rtol=1e-2
    )


def test_intervals_hold_the_truth_where_the_bound_does_not():
    """Quickstart's scenes of 0..8 dB, refined from the truth: 95 % within a few percent."""
    config = parse_config(
        {
            "geometry": {"columns": 8, "rows": 8},
            "scene": {"sources_min": 2, "sources_max": 3, "snr_db": [0.0, 8.0]},
        }
    )
    scenes = Simulator(config)(Split.TEST, 0, 0, 256)
    truth = true_positions(scenes.sources)
    inputs = EstimatorInputs(scenes.measurement, Known(scenes.noise_variance.numpy()), truth)
    estimator = Estimators(config).named("truth+ml")
    found = estimator.estimate(inputs)
    metrics = metrics_of(matched(found, truth, estimator.deviations(inputs, found)))
    for name in ("azimuth", "elevation", "range"):
        assert 0.92 < metrics[f"{name}_covered"].value < 0.985
    m = matched(found, truth)
    data = observed(scenes.measurement, Simulator(config).panel, "independent")
    bound = cramer_rao_bound(data, truth, scenes.noise_variance).azimuth.numpy()
    held = np.abs(m.azimuth[m.in_direction]) < WIDE_95 * bound[m.in_direction]
    assert held.mean() < metrics["azimuth_covered"].value - 0.02


def test_estimators_without_a_theory_have_no_intervals():
    config = made(1)[0]
    assert Estimators(config).named("sample-mvdr").deviations is None


def test_ranges_are_uncertain_in_their_inverse_and_within_bounds():
    low, high = range_interval(np.array([2.0, 5.0]), np.array([0.05, 0.2]), BOUNDS)
    np.testing.assert_allclose(1 / low, 1 / np.array([2.0, 5.0]) + WIDE_95 * np.array([0.05, 0.2]))
    np.testing.assert_allclose(high, [1 / (0.5 - WIDE_95 * 0.05), 10.0])
    drawn = 1 / np.random.default_rng(0).uniform(*BOUNDS, 10**6)
    np.testing.assert_allclose(curvature_variance(BOUNDS), drawn.var(), rtol=1e-2)
