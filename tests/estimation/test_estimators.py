"""Every estimator by its name: what it asks for, what it is not told, what it finds."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.covariance import from_factor, true_covariance
from ris_tf.errors import UserError
from ris_tf.estimation.catalogue import ESTIMATORS
from ris_tf.estimation.estimators import EstimatorInputs, Estimators
from ris_tf.estimation.fits import Known
from ris_tf.evaluation.matching import matched
from ris_tf.network import build_network
from ris_tf.scene import Simulator, Split, make_panel, steering_vectors
from ris_tf.scene.positions import Positions, true_positions
from ris_tf.spectrum.modified_music import antidiagonal, modified_music, smoothed
from ris_tf.spectrum.spectra import scan_grid

CONFIG = parse_config(
    {
        "geometry": {"columns": 8, "rows": 8},
        "scene": {"sources_max": 2, "separation_deg": 25.0, "snr_db": [15.0, 20.0]},
        "network": {"kind": "beamspace", "image": [9, 5], "filters": 4, "blocks": 1, "width": 8},
        "localize": {"grid": [61, 31], "planes": 4},
    }
)
SCENES = Simulator(CONFIG)(Split.TEST, 0, 0, 8)
TRUTH = true_positions(SCENES.sources)


@pytest.fixture(scope="module")
def estimators():
    return Estimators(CONFIG, build_network(CONFIG))


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_estimator_answers(estimators, name):
    known = Known(SCENES.noise_variance.numpy())
    found = estimators.named(name).estimate(EstimatorInputs(SCENES.measurement, known, TRUTH))
    assert all(np.isfinite(axis).all() for axis in found)
    assert set(np.unique(found.active)) <= {0.0, 1.0}
    present = found.active > 0
    assert (found.range_m[present] >= 0.5 - 1e-5).all()
    assert (found.range_m[present] <= 10 + 1e-4).all()
    if name.endswith("+ml") or name == "pursuit":
        assert matched(found, TRUTH).in_direction.sum() == TRUTH.active.numpy().sum()


@pytest.mark.parametrize(
    "name", [name for name in ESTIMATORS if name == "pursuit" or name.endswith("+ml")]
)
def test_one_source_without_noise_is_found_exactly(estimators, name):
    one = CONFIG.scene.model_copy(update={"sources_max": 1, "range_m": (0.5, 5.0)})
    scenes = Simulator(CONFIG.model_copy(update={"scene": one}))(Split.TEST, 0, 0, 8)
    quiet = scenes.measurement._replace(y=scenes.noise_free)
    truth = true_positions(scenes.sources).padded(2, 1.0)
    error = matched(estimators.named(name).estimate(EstimatorInputs(quiet, truth=truth)), truth)
    assert (error.reported == 1).all()
    assert np.degrees(np.nanmax(np.abs(error.azimuth))) < 1e-3
    assert np.degrees(np.nanmax(np.abs(error.elevation))) < 1e-3
    assert np.nanmax(np.abs(error.range_m)) < 1e-3


@pytest.mark.parametrize("name", ["sample-mvdr", "sample-music", "network", "pursuit"])
def test_a_known_count_is_reported(estimators, name):
    known = Known(SCENES.noise_variance.numpy(), np.full(8, 2))
    found = estimators.named(name).estimate(EstimatorInputs(SCENES.measurement, known))
    np.testing.assert_array_equal(found.active.sum(axis=-1), 2)


def test_without_a_network_peaks_count_where_they_are_high_enough():
    alone = Estimators(CONFIG)
    assert not any(name.startswith("network") for name in alone.names)
    found = alone.named("sample-mvdr").estimate(EstimatorInputs(SCENES.measurement))
    assert (found.active.sum(axis=-1) >= 1).all()
    with pytest.raises(UserError, match="takes a run's network"):
        alone.named("network-mvdr")


def test_estimates_do_not_depend_on_how_many_scenes_are_asked_for(estimators):
    estimator = estimators.named("network-mvdr+ml")
    known = Known(SCENES.noise_variance.numpy())
    whole = estimator.estimate(EstimatorInputs(SCENES.measurement, known))
    one = tf.nest.map_structure(lambda x: x[3:4], SCENES.measurement)
    alone = estimator.estimate(EstimatorInputs(one, Known(known.noise_variance[3:4])))
    np.testing.assert_allclose(alone.azimuth[0], whole.azimuth[3], atol=1e-4)


QUARTER = make_panel(
    CONFIG.geometry.model_copy(update={"spacing": 0.25, "columns": 16, "rows": 16})
)


def plane(azimuth_deg, elevation_deg, range_m) -> Positions:
    axes = np.radians([azimuth_deg]), np.radians([elevation_deg]), np.array([range_m])
    return Positions(*(tf.constant(a, tf.float32) for a in axes), tf.ones([1, len(range_m)]))


def covariance(panel, positions):
    steering = tf.transpose(steering_vectors(panel, *positions.coordinates), [0, 2, 1])
    return true_covariance(steering, positions.active)


def test_antidiagonal_is_that_of_the_dense_matrix():
    factor = tf.complex(*np.random.default_rng(0).standard_normal((2, 3, 10, 4)).astype("f4"))
    dense = (factor @ tf.linalg.adjoint(factor)).numpy()
    expected = np.diagonal(dense[:, :, ::-1], axis1=1, axis2=2)
    np.testing.assert_allclose(antidiagonal(factor), expected, atol=1e-4)


def test_antidiagonal_of_a_far_source_is_a_plane_wave_over_twice_the_panel():
    source = plane([20.0], [-10.0], [1e5])
    vector = antidiagonal(covariance(QUARTER, source).factor)[0].numpy()
    doubled = QUARTER._replace(x=2 * QUARTER.x, z=2 * QUARTER.z)
    wave = steering_vectors(doubled, *(axis[0, 0] for axis in source.coordinates)).numpy()
    likeness = np.abs(np.vdot(vector, wave)) / np.linalg.norm(vector) / np.linalg.norm(wave)
    assert likeness == pytest.approx(1, abs=1e-3)


def test_subarrays_overlap():
    snapshots, tall, wide = smoothed(tf.ones([2, 12], tf.complex64), 3, 4)
    assert (tall, wide) == (2, 3)
    assert snapshots.shape == (2, 6, 4)


def test_modified_music_finds_separate_sources_without_aliases():
    """At a quarter wavelength the doubled panel has no grating lobes."""
    truth = plane([-30.0, 5.0, 40.0], [10.0, -20.0, 0.0], [6.0, 8.0, 9.0])
    scene = CONFIG.scene.model_copy(update={"range_m": (2.0, 10.0)})
    found = modified_music(
        covariance(QUARTER, truth), QUARTER, (16, 16), scan_grid(scene), tf.constant([3]), 3
    )
    errors = matched(Positions(*(axis.numpy() for axis in found)), truth)
    assert errors.in_direction.all()
    assert np.abs(errors.range_m).max() < 2


def test_modified_music_reports_as_many_as_counted():
    truth = plane([-30.0, 5.0], [10.0, -20.0], [6.0, 8.0])
    r = from_factor(covariance(QUARTER, truth).factor)
    found = modified_music(r, QUARTER, (16, 16), scan_grid(CONFIG.scene), tf.constant([1]), 2)
    assert found.active.numpy().sum() == 1
