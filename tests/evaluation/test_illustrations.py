"""Numbers behind the figures of spectra and bounds."""

import numpy as np
import pytest

from ris_tf.config import ConfigError, parse_config
from ris_tf.evaluation.illustrations import (
    bound_by_range,
    bound_by_snr,
    scene_of_test,
    spectra_of_scene,
)

CONFIG = parse_config(
    {
        "geometry": {"columns": 6, "rows": 6},
        "scene": {"sources_max": 2, "separation_deg": 20.0},
        "localize": {"grid": [31, 16], "planes": 3},
        "training": {"batch": 4},
    }
)


def test_bound_falls_with_snr_and_rises_with_sources():
    curves = bound_by_snr(CONFIG, 16)
    for one, two in curves.values():
        assert (np.diff(one.middle) < 0).all()
        assert (one.low <= one.middle).all()
        assert (two.middle > one.middle).all()
        fell = one.middle[0] / one.middle[-1]
        assert fell == pytest.approx(10 ** ((one.x[-1] - one.x[0]) / 20))


def test_bound_on_range_rises_with_distance():
    curves = bound_by_range(CONFIG, 16)
    assert len(curves) == 3
    assert (np.diff(curves[0].middle[3:]) > 0).all()


def test_a_single_range_is_told():
    scene = CONFIG.scene.model_copy(update={"range_m": (1.0, 1.0)})
    with pytest.raises(ConfigError, match="single range"):
        bound_by_range(CONFIG.model_copy(update={"scene": scene}), 4)


@pytest.mark.parametrize("method", ["mvdr", "music"])
def test_true_covariance_peaks_at_the_truth(method):
    pictures, truth = spectra_of_scene(CONFIG, None, scene_of_test(CONFIG, 5), method)
    assert [picture.name for picture in pictures] == ["sample covariance", "true covariance"]
    power = pictures[1].power
    azimuth, elevation = np.unravel_index(power.argmax(), power.shape)
    peak = pictures[1].azimuth_deg[azimuth], pictures[1].elevation_deg[elevation]
    assert np.abs(truth - peak).max(axis=1).min() < 6
