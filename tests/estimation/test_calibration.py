"""Calibration: elements are found to their standard deviations, and channels corrected exactly."""

import numpy as np
import pytest

from ris_tf.config import parse_config, replace_values, with_calibration
from ris_tf.errors import UserError
from ris_tf.estimation.calibration import (
    calibrate,
    calibration_of,
    model_error_left,
    position_slopes,
)
from ris_tf.estimation.hardware import model_error
from ris_tf.receiver import observed, residual
from ris_tf.scene import Draws, Simulator, Split, make_panel
from ris_tf.scene.calibration import Calibration, known_panel
from ris_tf.scene.hardware import draw_hardware
from ris_tf.scene.positions import true_positions
from ris_tf.scene.steering import path_difference

WRONG = {
    **{"position_jitter": 0.05, "phase_noise_rad": 0.04, "amplitude_jitter": 0.05},
    **{"dropout": 0.08, "fixed": True, "seed": 3},
}
CONFIG = parse_config(
    {
        "geometry": {"columns": 6, "rows": 5},
        "scene": {"antennas": 6, "snapshots": 8, "sources_max": 2, "snr_db": [20.0, 20.0]},
        "imperfections": WRONG,
    }
)
NOISELESS = replace_values(CONFIG, {"scene.snr_db": [100.0, 100.0]})


def scenes_of(config, count=100):
    scenes = Simulator(config)(Split.VALIDATION, 0, 0, count)
    return scenes, true_positions(scenes.sources)


def true_elements(config):
    """Gains of mean 1, and displacements in metres."""
    panel = make_panel(config.geometry)
    hardware = draw_hardware(Draws(0, Split.TEST, 0, 0), 1, panel, config)
    gains = np.asarray(hardware.gains, complex).ravel()
    shifts = (np.ravel(getattr(hardware.panel, a)) - getattr(panel, a) for a in "xz")
    return gains / gains.mean(), *shifts


def rms(values) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))


@pytest.fixture(scope="module")
def calibrated():
    scenes, at = scenes_of(CONFIG)
    return calibrate(CONFIG, scenes.measurement, at)


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_without_noise_elements_are_found(symbols):
    config = replace_values(NOISELESS, {"scene.symbols": symbols})
    scenes, at = scenes_of(config)
    found = calibrate(config, scenes.measurement, at)
    gains, x, z = true_elements(config)
    alive = np.abs(gains) > 0.3
    np.testing.assert_allclose(found.elements.gains, gains, atol=2e-3)
    np.testing.assert_array_equal(found.dead, ~alive)
    for mine, theirs in ((found.elements.x, x), (found.elements.z, z)):
        np.testing.assert_allclose(mine[alive], theirs[alive], atol=2e-4)
    assert np.max(found.after / found.before) < 1e-4


def test_errors_are_as_large_as_their_deviations(calibrated):
    gains, x, z = true_elements(CONFIG)
    alive = np.abs(gains) > 0.3
    assert rms((calibrated.elements.gains - gains) / calibrated.deviation.gains) < 1.4
    for axis, truth in (("x", x), ("z", z)):
        error = getattr(calibrated.elements, axis) - truth
        assert 0.5 < rms((error / getattr(calibrated.deviation, axis))[alive]) < 1.6
    assert rms(calibrated.elements.gains - gains) < 0.1 * rms(gains - 1)
    np.testing.assert_array_equal(calibrated.dead, ~alive)


def test_what_remains_is_noise_and_the_count_test_is_told_so(calibrated):
    scenes, _ = scenes_of(CONFIG)
    noise = calibrated.freedom * scenes.noise_variance.numpy()
    assert np.median(calibrated.before / noise) > 2
    assert np.median(calibrated.after / noise) == pytest.approx(1, abs=0.1)
    share = model_error_left(CONFIG, calibrated, scenes.measurement)
    assert 0 < share < 0.1 * model_error(CONFIG)


def test_a_gain_in_the_channel_is_exact(tmp_path, calibrated):
    """The receiver that knows the true elements is left with nothing unexplained."""
    gains, x, z = true_elements(NOISELESS)
    path = tmp_path / "c.npz"
    path.write_bytes(Calibration(gains, x, z, np.zeros(len(x)), 0.01).encoded())
    config = with_calibration(NOISELESS, path)
    scenes, at = scenes_of(config, 10)
    data = observed(scenes.measurement._replace(y=scenes.noise_free), known_panel(config), "")
    rest = residual(data, at.coordinates, at.active).energy
    whole = np.sum(np.abs(scenes.noise_free) ** 2, axis=(1, 2))
    assert np.max(rest / whole) < 1e-5
    assert model_error(config) == pytest.approx(0.01)
    assert model_error(replace_values(config, {"localize.model_error": 0.2})) == 0.2


def test_ideal_elements_are_found_ideal():
    config = replace_values(CONFIG, {f"imperfections.{n}": 0.0 for n in list(WRONG)[:4]})
    scenes, at = scenes_of(config)
    found = calibrate(config, scenes.measurement, at)
    assert rms((found.elements.gains - 1) / found.deviation.gains) < 1.4
    assert not found.dead.any()


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_scenes_are_refused(count):
    scenes, at = scenes_of(CONFIG, count)
    found = calibrate(CONFIG, scenes.measurement, at)
    with pytest.raises(
        UserError, match=r"scenes determine the gains of 30 elements to .*; must be"
    ):
        calibration_of(CONFIG, found, scenes.measurement)


def test_two_sources_at_one_place_are_one():
    scenes, at = scenes_of(CONFIG, 4)
    same = (np.repeat(np.asarray(axis)[:, :1], 2, axis=1) for axis in at.coordinates)
    found = calibrate(CONFIG, scenes.measurement, type(at)(*same, np.ones((4, 2), "f4")))
    assert np.isfinite(found.elements.gains).all()
    assert (found.freedom == 8 * 5).all()


@pytest.mark.parametrize("steering", ["spherical", "fresnel"])
def test_slopes_are_those_of_differences(steering):
    panel = make_panel(replace_values(CONFIG, {"geometry.steering": steering}).geometry, np.float64)
    place = (np.array([0.3, -0.7]), np.array([0.2, -0.1]), np.array([0.6, 4.0]))
    for slope, axis in zip(position_slopes(panel, *place), "xz", strict=True):
        step = 1e-6
        ends = (
            path_difference(panel._replace(**{axis: getattr(panel, axis) + d}), *place)
            for d in (step, -step)
        )
        upper, lower = (np.asarray(end) for end in ends)
        np.testing.assert_allclose(
            slope, panel.wavenumber * (upper - lower) / (2 * step), rtol=1e-6
        )
