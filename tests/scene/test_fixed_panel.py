"""A fixed panel: the same errors in all scenes of all splits, and another for another seed."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config, replace_values
from ris_tf.scene import Draws, Simulator, Split, make_panel
from ris_tf.scene.hardware import draw_hardware

WRONG = {
    **{"position_jitter": 0.05, "phase_noise_rad": 0.2, "amplitude_jitter": 0.1},
    **{"dropout": 0.2, "fixed": True},
}
CONFIG = parse_config(
    {
        "seed": 7,
        "geometry": {"columns": 5, "rows": 4},
        # Twice as many antennas as elements: a measurement shows what each element does.
        "scene": {"antennas": 40, "snapshots": 3, "sources_max": 1, "snr_db": [90.0, 90.0]},
        "channel": {"model": "rayleigh"},
        "imperfections": WRONG,
    }
)


def at_panel(config, split, epoch, batch):
    """What each element makes of one source's wave, over what it should: `[B, L, N]`."""
    scenes = Simulator(config)(split, epoch, batch, 4)
    y, channel, codes, _ = (np.asarray(part, complex) for part in scenes.measurement)
    fields = (np.linalg.pinv(channel) @ y.swapaxes(1, 2)).swapaxes(1, 2) / codes
    return fields / scenes.steering.numpy()[:, None, :, 0]


def ratios(values):
    """Amplitudes over their mean: symbols are unknown."""
    return np.abs(values) / np.abs(values).mean(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    "place", [(Split.TRAINING, 0, 1), (Split.TRAINING, 3, 0), (Split.VALIDATION, 0, 0)]
)
def test_elements_are_the_same_in_all_scenes_of_all_splits(place):
    first, other = (ratios(at_panel(CONFIG, *at)) for at in ((Split.TEST, 0, 0), place))
    np.testing.assert_allclose(first, first[:1, :1] + 0 * first, atol=2e-3)
    np.testing.assert_allclose(other, first[:1, :1] + 0 * other, atol=2e-3)
    assert np.ptp(first[0, 0]) > 0.2


def test_phases_belong_to_elements():
    one, two = at_panel(CONFIG, Split.TEST, 0, 0)[0, :2]
    alive = np.abs(one) > 0.1 * np.abs(one).max()
    turned = (two / one)[alive]
    np.testing.assert_allclose(turned, turned[0], rtol=5e-3)


def gains(config, draws=None):
    draws = draws or Draws(config.seed, Split.TEST, 0, 0)
    return np.ravel(draw_hardware(draws, 3, make_panel(config.geometry), config).gains)


def test_the_panel_has_a_seed_of_its_own():
    same = replace_values(CONFIG, {"imperfections.seed": 7})
    np.testing.assert_array_equal(gains(same), gains(CONFIG))
    other = replace_values(CONFIG, {"seed": 8})
    assert np.any(gains(other) != gains(CONFIG))
    kept = replace_values(same, {"seed": 8})
    np.testing.assert_array_equal(gains(kept), gains(CONFIG))


def test_compiled_and_eager_draw_one_panel():
    compiled = tf.function(lambda: Simulator(CONFIG)(Split.TEST, 0, 0, 2).noise_free)
    eager = Simulator(CONFIG)(Split.TEST, 0, 0, 2).noise_free
    np.testing.assert_allclose(compiled(), eager, atol=1e-5)


def test_other_panels_are_drawn_a_scene():
    drawn = replace_values(CONFIG, {"imperfections.fixed": False})
    values = ratios(at_panel(drawn, Split.TEST, 0, 0))
    assert np.abs(values[0, 0] - values[1, 0]).max() > 0.1
