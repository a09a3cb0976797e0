"""Model error: how much there is, that whitening makes it white, and that counting bears it."""

import numpy as np
import pytest

from ris_tf.config import parse_config, replace_values
from ris_tf.config.scene import IMPERFECTIONS
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.fits import Known
from ris_tf.estimation.hardware import CONCENTRATED, model_error, whitened
from ris_tf.scene import Simulator, Split
from ris_tf.scene.positions import true_positions

TYPICAL = IMPERFECTIONS["typical"].model_dump()
PANEL = {"geometry": {"columns": 8, "rows": 8}}


def scene(**changes) -> dict:
    return {"scene": {"sources_min": 1, "sources_max": 3, **changes}}


@pytest.mark.parametrize("one", [{}, *({name: value} for name, value in TYPICAL.items()), TYPICAL])
def test_the_share_is_that_of_simulated_elements(one):
    """Of the field of one source at the panel, outside the nominal steering vector."""
    ones = {"sources_max": 1, "range_m": [9.0, 10.0], "snapshots": 1}
    ideal = parse_config({**PANEL, **scene(**ones), "channel": {"model": "rayleigh"}})
    real = replace_values(ideal, {f"imperfections.{name}": value for name, value in one.items()})
    shares = []
    for batch in range(3):
        right, wrong = (
            Simulator(c)(Split.TEST, 0, batch, 128).noise_free.numpy() for c in (ideal, real)
        )
        gain = np.sum(right.conj() * wrong, axis=(1, 2)) / np.sum(np.abs(right) ** 2, axis=(1, 2))
        off = wrong - gain[:, None, None] * right
        shares.append(np.sum(np.abs(off) ** 2) / np.sum(np.abs(right) ** 2))
    assert np.mean(shares) == pytest.approx(model_error(real), rel=0.35, abs=1e-9)


def test_a_share_that_is_given_is_taken():
    config = parse_config({"imperfections": TYPICAL, "localize": {"model_error": 0.1}})
    assert model_error(config) == 0.1
    assert model_error(parse_config({})) == 0


def test_noise_and_model_error_are_white_afterwards():
    rng = np.random.default_rng(0)
    config = parse_config({**PANEL, **scene(snr_db=[20.0, 20.0])})
    scenes = Simulator(config)(Split.TEST, 0, 0, 4)
    share, variance = 0.05, scenes.noise_variance.numpy()
    after = whitened(scenes.measurement, variance, share)
    before = scenes.measurement.channel.numpy()
    power = np.mean(np.abs(scenes.measurement.y) ** 2, axis=(1, 2)) - variance
    for i in range(4):
        errors = rng.normal(size=(before.shape[2], 20000, 2)).view(complex)[..., 0] / np.sqrt(2)
        level = CONCENTRATED * share * power[i] * before.shape[1] / np.sum(np.abs(before[i]) ** 2)
        noise = rng.normal(size=(before.shape[1], 20000, 2)).view(complex)[..., 0] / np.sqrt(2)
        total = np.sqrt(level) * before[i] @ errors + np.sqrt(variance[i]) * noise
        root = after.channel[i] @ np.linalg.pinv(before[i])
        seen = root @ total
        covariance = seen @ seen.conj().T / 20000 / variance[i]
        np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=0.06)


def test_typical_hardware_is_counted_and_ideal_hardware_as_before():
    made = {**PANEL, **scene(snr_db=[10.0, 20.0], separation_deg=15.0)}
    right = {}
    for name, error in (("none", None), ("typical", 0.0), ("typical", None)):
        document = {**made, "imperfections": IMPERFECTIONS[name].model_dump()}
        config = parse_config({**document, "localize": {"model_error": error}})
        scenes = Simulator(config)(Split.TEST, 0, 0, 64)
        known = Known(scenes.noise_variance.numpy())
        found = Detector(config).pursue(scenes.measurement, known)
        counts = true_positions(scenes.sources).count.numpy()
        right[name, error] = np.mean(found.active.sum(axis=-1) == counts)
    assert right["none", None] > 0.95
    assert right["typical", None] > right["typical", 0.0] + 0.15
    assert right["typical", None] > 0.85
