"""What files lack, from their labels and the geometry: the simulator knows what is right."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.data.completion import completed, tensors
from ris_tf.data.export import named_arrays
from ris_tf.data.scene_set import missing_labels
from ris_tf.scene import Simulator, Split

SCENES = 64
SIZES = {
    "geometry": {"columns": 6, "rows": 6},
    "codes": {"beams": 16},
    "network": {"image": [7, 5]},
}


def scenes_and_arrays(**scene):
    """Simulated scenes, and what a file has of them."""
    knobs = {"antennas": 8, "snapshots": 12, "sources_max": 3, "separation_deg": 20.0, **scene}
    config = parse_config({**SIZES, "scene": knobs})
    scenes = Simulator(config)(Split.TEST, 0, 0, SCENES)
    return config, scenes, named_arrays(scenes)


def without(arrays, *names):
    return tensors({name: values for name, values in arrays.items() if name not in names})


@pytest.mark.parametrize("origin", ["centre", "pytorch"])
@pytest.mark.parametrize("steering", ["spherical", "fresnel"])
def test_scenes_of_a_whole_file_are_those_that_were_simulated(origin, steering):
    config, *_ = scenes_and_arrays()
    geometry = config.geometry.model_copy(update={"origin": origin, "steering": steering})
    config = config.model_copy(update={"geometry": geometry})
    scenes = Simulator(config)(Split.TEST, 0, 0, SCENES)
    made = completed(tensors(named_arrays(scenes)), config)
    for name in ("measurement", "noise_variance"):
        tf.nest.map_structure(
            np.testing.assert_array_equal, getattr(made, name), getattr(scenes, name)
        )
    np.testing.assert_array_equal(made.sources.power, scenes.sources.power)
    np.testing.assert_allclose(made.sources.azimuth, scenes.sources.azimuth, rtol=1e-6)
    np.testing.assert_allclose(made.steering, scenes.steering, atol=1e-4)


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_noise_free_measurement_is_what_the_sources_explain(symbols):
    config, scenes, _ = scenes_and_arrays(symbols=symbols, snr_db=(80.0, 80.0))
    made = completed(tensors(named_arrays(scenes)), config)
    np.testing.assert_allclose(made.noise_free, scenes.noise_free, rtol=1e-2, atol=1e-2)


def test_noise_variance_follows_from_the_snr():
    """`mean |y|^2` is its expectation up to the noise's own spread: 96 complex numbers a scene."""
    config, scenes, arrays = scenes_and_arrays(snr_db=(0.0, 0.0))
    made = completed(without(arrays, "noise_variance"), config)
    ratio = made.noise_variance.numpy() / scenes.noise_variance.numpy()
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / SCENES**0.5 < 0.1


def test_snr_follows_from_the_noise_variance():
    config, scenes, arrays = scenes_and_arrays(snr_db=(5.0, 15.0))
    made = completed(without(arrays, "snr_db"), config)
    np.testing.assert_allclose(made.measurement.snr_db, scenes.measurement.snr_db, atol=1.0)


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_residual_at_the_labels_is_the_noise(symbols):
    """Without its level in the file: unbiased, of as many numbers as symbols leave free."""
    config, scenes, arrays = scenes_and_arrays(symbols=symbols, snr_db=(10.0, 20.0))
    made = completed(without(arrays, "noise_variance", "snr_db"), config)
    ratio = made.noise_variance.numpy() / scenes.noise_variance.numpy()
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / SCENES**0.5 < 0.1
    np.testing.assert_allclose(made.measurement.snr_db, scenes.measurement.snr_db, atol=2.5)


def test_powers_are_those_of_the_symbols():
    """Ten decibels apart, in most scenes found apart; equal ones on average as equal."""
    knobs = {"snapshots": 64, "snr_db": (15.0, 15.0), "powers": "spread", "power_spread_db": 20.0}
    config, scenes, arrays = scenes_and_arrays(**knobs)
    made = completed(without(arrays, "power"), config)
    active = scenes.sources.active.numpy() > 0
    error_db = 10 * np.log10(
        made.sources.power.numpy()[active] / scenes.sources.power.numpy()[active]
    )
    assert np.median(np.abs(error_db)) < 1.0  # 64 symbols alone spread by 0.5 dB
    assert abs(error_db.mean()) < 0.3
    assert not made.sources.power.numpy()[~active].any()


def test_noise_adds_nothing_to_powers():
    """The errors of symbols have a variance, here 0.4 of the power, which is taken off."""
    config, scenes, arrays = scenes_and_arrays(snapshots=64, snr_db=(-5.0, -5.0), sources_max=1)
    made = completed(without(arrays, "power"), config)
    active = scenes.sources.active.numpy() > 0
    ratio = made.sources.power.numpy()[active] / scenes.sources.power.numpy()[active]
    assert abs(ratio.mean() - 1) < 0.1


def test_without_ranges_the_rest_is_as_it_was():
    config, scenes, arrays = scenes_and_arrays()
    made = completed(without(arrays, "range_m", "power"), config)
    np.testing.assert_array_equal(made.measurement.y, scenes.measurement.y)
    np.testing.assert_allclose(made.sources.azimuth, scenes.sources.azimuth, rtol=1e-6)
    assert np.isfinite(made.steering.numpy()).all()
    np.testing.assert_array_equal(made.sources.power, scenes.sources.active)


def test_it_compiles_to_the_same():
    """Inside the step, which XLA compiles."""
    config, _, arrays = scenes_and_arrays()
    few = without(arrays, "power", "snr_db", "noise_variance")
    compiled = tf.function(lambda x: completed(x, config), autograph=False, jit_compile=True)(few)
    eager = completed(few, config)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3), compiled, eager
    )


@pytest.mark.parametrize(
    ("names", "scene", "missing"),
    [
        (("range_m", "power"), {}, set()),
        (("range_m",), {}, set()),
        (("power",), {}, {"range_m"}),
        ((), {}, {"range_m", "power"}),
        (("range_m",), {"antennas": 3}, {"power"}),
        (("range_m",), {"antennas": 3, "symbols": "constant"}, set()),
    ],
)
def test_labels_are_missing_where_nothing_gives_them(names, scene, missing):
    """Powers take more antennas than sources, or symbols that do not change."""
    config, *_ = scenes_and_arrays(**scene)
    assert missing_labels(names, config) == missing
