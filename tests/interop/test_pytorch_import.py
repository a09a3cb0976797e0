"""A checkpoint of the PyTorch pipeline predicts here what it predicts there."""

import json

import numpy as np
import pytest
from pytorch_networks import POOLED, in_their_layout
from pytorch_writer import write_state

from ris_tf.config import ConfigError
from ris_tf.interop.pytorch_file import CheckpointFileError
from ris_tf.interop.pytorch_import import PytorchNetwork
from ris_tf.network import build_network
from ris_tf.runlog import State, check_health, summarize

SIZES = {"width": 16, "filters": 8, "feedforward": 24, "layers": 1, "angle_grid": [9, 7]}
FIELD = ("scene.azimuth_deg=[-50,50]", "scene.elevation_deg=[-20,20]")


def own(network):
    return {v.path.removeprefix("network/"): np.array(v.value) for v in network.variables}


@pytest.fixture(scope="module")
def original(make_config):
    """A reference network whose layers behind the pipeline's own do nothing, as imports have it."""
    config = make_config(
        f"network={json.dumps({'kind': 'reference', 'heads': 2, 'normalise': False, **SIZES})}",
        "geometry.origin=pytorch",
        "covariance={beta: 0.3, beta_jitter: 0.05}",
        *FIELD,
    )
    network = build_network(config)
    generator = np.random.default_rng(3)
    for variable in network.variables:  # biases and norms that are not zero and one
        variable.assign(variable + 0.1 * generator.standard_normal(variable.shape))
    variables = {v.path.removeprefix("network/"): v for v in network.variables}
    for path in ("pooled/dense/kernel", "pooled/dense/bias"):
        kernel = np.array(variables[path].value)
        kernel[..., POOLED:] = 0
        variables[path].assign(kernel)
    variables["spectral_fusion/dense/kernel"].assign(np.vstack([np.zeros((128, 16)), np.eye(16)]))
    variables["spectral_fusion/dense/bias"].assign(np.full(16, 8.0))
    return network


@pytest.fixture
def checkpoint(original, tmp_path):
    return write_state(tmp_path / "best.pt", in_their_layout(own(original)))


def scenes(config, seed=0):
    generator, scene = np.random.default_rng(seed), config.scene
    snapshots, antennas, elements = scene.snapshots, scene.antennas, config.geometry.elements

    def normal(*shape):
        return (generator.standard_normal((2, 5, *shape)) * [[[[1]]], [[[1j]]]]).sum(0)

    return {
        "y": normal(snapshots, antennas),
        "channel": normal(antennas, elements),
        "codes": np.exp(1j * normal(snapshots, elements).real),
        "snr_db": np.linspace(0, 20, 5),
    }


def assert_same_predictions(one, other, measurement, tolerance=1e-5):
    ours, theirs = one(measurement), other(measurement)
    for name in ("angle_factor", "range_factor", "azimuth", "elevation", "confidence",
                 "auxiliary_azimuth", "auxiliary_elevation", "range_m"):  # fmt: skip
        difference = np.abs(getattr(ours, name).numpy() - getattr(theirs, name).numpy())
        assert difference.max() < tolerance, name
    return ours, theirs


def test_an_imported_network_predicts_what_the_exported_one_did(original, checkpoint):
    imported = PytorchNetwork.read(checkpoint, overrides=["network.heads=2"])
    assert imported.chosen.config.geometry.elements == 16
    assert imported.chosen.config.scene.azimuth_deg == (-50, 50)
    network = imported.network()
    ours, theirs = assert_same_predictions(network, original, scenes(network.config))
    # Here the spectral head has our own features: the count agrees, too.
    np.testing.assert_allclose(ours.count_logits, theirs.count_logits, atol=1e-4)


def test_without_heads_that_count(original, tmp_path):
    path = write_state(tmp_path / "later.pt", in_their_layout(own(original), counts=False))
    imported = PytorchNetwork.read(path, overrides=["network.heads=2"])
    network = imported.network()
    assert imported.chosen.config.objective.weights.count == 0
    assert network(scenes(network.config)).count_logits is None
    assert not [v.path for v in network.variables if "count" in v.path or "spectral" in v.path]
    assert_same_predictions(network, original, scenes(network.config))


@pytest.mark.parametrize("name", ["first", "main"])
def test_the_pipelines_own_networks(real, name):
    """Its own outputs on its own scenes, to 1e-5; the count of the first agrees in most scenes."""
    imported = PytorchNetwork.read(real / f"{name}-width64.pt", overrides=["network.heads=4"])
    outputs = np.load(real / f"{name}-width64-outputs.npz")
    with np.load(real / "val_shard_000.npz") as shard:
        pairs = {key: shard[key].astype("f8") for key in ("y", "H_full", "codes")}
        y, channel, codes = (pair[..., 0] + 1j * pair[..., 1] for pair in pairs.values())
        measurement = {"y": y, "channel": channel, "codes": codes, "snr_db": shard["snr"]}
    predicted = imported.network()(measurement)
    angles = (predicted.auxiliary_azimuth, predicted.auxiliary_elevation, predicted.range_m)
    ours = {
        "cov_fact_angle": interleaved(predicted.angle_factor),
        "cov_fact_range": interleaved(predicted.range_factor),
        "phi_soft": predicted.azimuth,
        "theta_soft": predicted.elevation,
        "phi_theta_r": np.concatenate(angles, axis=1),
    }
    for key, values in ours.items():
        np.testing.assert_allclose(values, outputs[key], atol=1e-5, rtol=0, err_msg=key)
    if name == "first":
        likeliest = np.argmax(predicted.count_logits, axis=1)
        assert np.mean(likeliest == np.argmax(outputs["k_logits"], axis=1)) >= 0.75
    else:
        assert predicted.count_logits is None


def interleaved(factor):
    values = np.array(factor)
    return np.stack([values.real, values.imag], -1).reshape(len(values), -1)


@pytest.mark.parametrize("below", [("model",), ("state_dict",), ("model", "backbone")])
def test_a_state_dict_may_lie_deeper(original, tmp_path, below):
    theirs = {f"module.{k}": v for k, v in in_their_layout(own(original)).items()}
    path = write_state(tmp_path / "a.pt", theirs, below)
    assert PytorchNetwork.read(path, overrides=["network.heads=2"]).sizes.width == 16


def test_settings_beside_the_checkpoint_are_taken(checkpoint):
    beside = {"model": {"NUM_HEADS": 3, "DROPOUT": 0.25}, "system": {"N_H": 8, "N_V": 2}}
    checkpoint.with_name("run_config.json").write_text(json.dumps(beside))
    chosen = PytorchNetwork.read(checkpoint).chosen
    assert (chosen.config.geometry.columns, chosen.config.geometry.rows) == (8, 2)
    assert chosen.config.network.dropout == 0.25
    assert chosen.config.network.heads == 4  # the divisor of 16 that is nearest to 3, the larger
    assert set(chosen.beside) == {"network.heads", "network.dropout", "geometry.columns",
                                  "geometry.rows"}  # fmt: skip
    assert set(chosen.assumed) == {"network.temperature"}


REFUSED = {
    "another network": ({"y_conv1__weight": None}, "is of another network (54 tensors, "),
    "one weight missing": ({"fusion__bias": None}, "lacks fusion.bias"),
    "one weight more": ({"refiner__weight": lambda _: np.ones(3)}, "it has refiner.weight"),
    "another shape": ({"fusion__weight": lambda w: w[:, :-1]}, "fusion.weight: is [16, 31], but"),
    "not finite": ({"fusion__bias": lambda b: b * np.nan}, "has values that are not finite"),
    "too many pooled": (
        {"antidiag_pool__proj__bias": lambda b: np.ones(200)},
        "pools to 200 features; the network here has 128",
    ),
    "an uneven grid": ({"soft_argmax__grid_phi": lambda g: g**3}, "grid that is not even"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_network_of_the_table_is_refused(original, tmp_path, case):
    changes, says = REFUSED[case]
    theirs = in_their_layout(own(original))
    for name, change in changes.items():
        key = name.replace("__", ".")
        if change is None:
            del theirs[key]
        else:
            theirs[key] = change(theirs.get(key))
    with pytest.raises(CheckpointFileError) as caught:
        PytorchNetwork.read(write_state(tmp_path / "a.pt", theirs))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("scene.antennas=8", "scene.antennas = 8: the checkpoint's is 4; leave it out"),
        ("geometry.columns=5", "geometry: 5 x 4 panel, but the checkpoint's has 16 elements"),
        ("network.heads=3", "heads = 3 must divide width = 16"),
    ],
)
def test_settings_that_contradict_the_weights_are_refused(checkpoint, override, says):
    with pytest.raises(ConfigError) as caught:
        PytorchNetwork.read(checkpoint, overrides=[override])
    assert says in str(caught.value)


def test_a_configuration_of_ones_own_counts_where_weights_do_not_show(checkpoint, tmp_path):
    (tmp_path / "mine.yaml").write_text("geometry: {origin: centre}\nnetwork: {heads: 2}")
    config = PytorchNetwork.read(checkpoint, tmp_path / "mine.yaml").chosen.config
    assert (config.geometry.origin, config.geometry.steering) == ("centre", "fresnel")
    assert config.network.heads == 2


def test_an_imported_run_says_what_it_is(checkpoint, tmp_path):
    imported = PytorchNetwork.read(checkpoint, overrides=["network.heads=2"])
    run = imported.make_run(tmp_path / "run", ["test"])
    summary = summarize(run)
    assert (summary.state, summary.resumable) == (State.IMPORTED, False)
    assert run.identity.began_from.path == str(checkpoint)
    assert [notice.what for notice in run.log().notices] == ["imported"] * 3
    for check in check_health(run.log()):
        assert (check.level, check.advice) == ("amber", "")
        assert check.result.startswith("cannot be told")
