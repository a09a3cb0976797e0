"""One unit for all paths: training, evaluation, `localize` and the Keras model see the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.engine.loss import Step
from ris_tf.estimation.estimators import Estimators
from ris_tf.evaluation.run import Evaluation
from ris_tf.localizer import Localizer
from ris_tf.network import Network, Prediction, build_network
from ris_tf.scene import Simulator, Split, batch_size
from ris_tf.scene.scale import FREE, SINGLE, brought_within, in_single_precision, simulated_scales
from ris_tf.training.task import LocalizationLoss

SCENES = 24
REFERENCE = {
    **{"kind": "reference", "angle_grid": [9, 7], "width": 16, "heads": 2, "feedforward": 16},
    **{"layers": 1, "filters": 8, "dropout": 0.0},
}
NETWORKS = {
    "beamspace": {"kind": "beamspace", "image": [9, 5], "filters": 4, "blocks": 1, "width": 8},
    "reference": REFERENCE,
    "reference, raw": {**REFERENCE, "normalise": False},
}
DETECTIONS = ("heatmap", "presence", "power", "deviation")  # terms that slots do not have
MODELS = [("rician", "equal"), ("pytorch", "path_loss"), ("rayleigh", "spread")]
PATHS = [
    ("beamspace", "pytorch", "path_loss"),
    ("reference", "pytorch", "path_loss"),
    pytest.param("reference", "rician", "equal", marks=pytest.mark.thorough),
    pytest.param("reference, raw", "pytorch", "path_loss", marks=pytest.mark.thorough),
]


def config_of(kind, channel="rician", powers="equal"):
    return parse_config(
        {
            "geometry": {"columns": 6, "rows": 6},
            "scene": {"antennas": 6, "snapshots": 8, "sources_max": 2, "powers": powers},
            "channel": {"model": channel},
            "network": NETWORKS[kind],
            "objective": {"weights": {} if kind == "beamspace" else dict.fromkeys(DETECTIONS, 0.0)},
            "training": {"batch": SCENES},
        }
    )


def arrays_of(config, batch=SCENES):
    drawn = Simulator(config)(Split.TEST, 0, 0, batch)
    scenes = tf.nest.map_structure(lambda x: x[:SCENES], drawn)
    return scenes, dict(
        zip(("y", "channel", "codes", "snr_db"), map(np.asarray, scenes.measurement), strict=True)
    )


def ranges(positions) -> np.ndarray:
    """`[B, K]` in order, NaN where no source is reported."""
    active, range_m = np.asarray(positions.active), np.clip(positions.range_m, 0.5, 10)
    return np.sort(np.where(active > 0, range_m, np.nan), axis=1)


def in_training(network: Network, config, scenes, monkeypatch) -> Prediction:
    """What the network predicts where the loss asks it."""
    predicted, inner = [], type(network).call

    def recorded(self, *args, **kwargs):
        predicted.append(inner(self, *args, **kwargs))
        return predicted[-1]

    with monkeypatch.context() as patch:
        patch.setattr(type(network), "call", recorded)
        zero = tf.constant(0, tf.int64)
        step = Step(zero, zero, zero, tf.constant(0), tf.zeros(2, tf.int32), True)
        LocalizationLoss(config)(network, scenes, step)
    return predicted[-1]


@pytest.mark.parametrize(("kind", "channel", "powers"), PATHS)
def test_all_paths_predict_the_same_of_the_same_scenes(
    kind, channel, powers, tmp_path, monkeypatch
):
    config = config_of(kind, channel, powers)
    network = build_network(config)
    scenes, arrays = arrays_of(config, batch_size(config, Split.TEST))
    network.save(tmp_path / "n.keras")
    model = keras.saving.load_model(tmp_path / "n.keras")
    estimator = Estimators(config, network).named("network")
    evaluation = Evaluation(config, {"network": estimator}, SCENES)
    (block,) = evaluation._blocks()
    found = {
        "keras": ranges(Prediction(*model.predict(arrays, verbose=0)).reported()),
        "training": ranges(in_training(network, config, scenes, monkeypatch).reported()),
        "evaluate": ranges(estimator.estimate(evaluation._inputs(block))),
        "localize": np.sort(Localizer(network, config, "network").localize(**arrays).range_m, 1),
    }
    for path, mine in found.items():
        np.testing.assert_allclose(mine, found["keras"], rtol=1e-4, err_msg=path)


@pytest.mark.parametrize("kind", ["beamspace", "reference"])
def test_other_units_change_no_position(kind):
    """Neither that of `y` nor, of a network that does not depend on it, that of the channel."""
    config = config_of(kind)
    network = build_network(config)
    _, arrays = arrays_of(config)
    for estimator in ("network", "pursuit") if kind == "beamspace" else ("network",):
        localizer = Localizer(network, config, estimator)
        mine = localizer.localize(**arrays)
        for unit, channel_unit in ((1e-6, 1.0), (1e3, 1e-6), (1e-9, 1e3)):
            scaled = {**arrays, "y": unit * arrays["y"]}
            if kind == "beamspace":
                scaled["channel"] = channel_unit * arrays["channel"]
            theirs = localizer.localize(**scaled)
            same = mine.count == theirs.count
            assert same.mean() > 0.9  # a count at its threshold may turn
            pairs = mine.range_m[same], theirs.range_m[same]
            near = np.isclose(*pairs, rtol=0.02, equal_nan=True)
            assert near.mean() > 0.9  # where the likelihood is flat in the range, it ends elsewhere


def test_a_channel_of_another_unit_is_brought_to_that_of_training():
    config = config_of("reference")
    network = build_network(config)
    scenes, _ = arrays_of(config)
    shown = [
        network.in_own_unit(scenes.measurement._replace(channel=unit * scenes.measurement.channel))
        for unit in (1e-6, 1.0, 1e3)
    ]
    np.testing.assert_array_equal(shown[1].channel, scenes.measurement.channel)
    np.testing.assert_allclose(shown[0].channel, shown[2].channel, rtol=1e-4, atol=1e-6)
    level = np.sqrt(np.mean(np.abs(shown[0].channel) ** 2, axis=(1, 2)))
    np.testing.assert_allclose(level, 1, rtol=1e-5)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(("channel", "powers"), MODELS)
def test_training_is_not_touched(kind, channel, powers):
    """Simulated scenes are in the unit of simulated scenes, and stay the same to the bit."""
    config = config_of(kind, channel, powers)
    network = build_network(config)
    for seen in (0, 1):
        scenes = Simulator(config)(Split.TRAINING, seen, 0, 200)
        shown = network.in_own_unit(scenes.measurement)
        np.testing.assert_array_equal(shown.channel, scenes.measurement.channel)
        if kind != "beamspace":
            simulated = simulated_scales(config).y
            y = brought_within(scenes.measurement.y, simulated)
            np.testing.assert_array_equal(y, scenes.measurement.y)
    if kind == "reference, raw":
        assert network.scales is None


@pytest.mark.parametrize("scale", [SINGLE, FREE.y])
@pytest.mark.parametrize("factor", [0.0, 1e-30, 1e-7, 1e-3, 1.0, 1e3, 1e7, 1e30])
def test_an_array_keeps_its_unit_or_takes_the_typical_one(scale, factor):
    rng = np.random.default_rng(0)
    array = rng.normal(size=(3, 4, 5)) + 1j * rng.normal(size=(3, 4, 5))
    array = (factor * array).astype(np.complex64)
    shown = np.asarray(brought_within(tf.constant(array), scale))
    level = np.sqrt(np.mean(np.abs(array.astype(complex)) ** 2, axis=(1, 2)))
    inside = (level >= scale.low) & (level <= scale.high) | (factor == 0)
    for scene in range(3):
        if inside[scene]:
            np.testing.assert_array_equal(shown[scene], array[scene])
        else:
            unit = array[scene].astype(complex) / level[scene]
            np.testing.assert_allclose(shown[scene], scale.typical * unit, rtol=1e-5)
    if factor and scale is SINGLE:
        np.testing.assert_allclose(in_single_precision(array.astype(complex)), shown, rtol=1e-5)
