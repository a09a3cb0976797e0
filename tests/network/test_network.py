"""The networks: parameters, groups, outputs, saving."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import load_config
from ris_tf.network import ReferenceNetwork, build_network, head_variables
from ris_tf.scene import Simulator, Split

# The reference network's table: part, parameters, head or not.
REFERENCE = [
    ("snapshot encoder", 173_824, False),
    ("transformer", 6_311_936, False),
    ("channel branch", 131_328, False),
    ("code branch", 368_896, False),
    ("fusion", 524_800, False),
    ("covariance factors", 1_477_440, True),
    ("anti-diagonal pooling", 401_792, False),
    ("angle grid", 9_544_365, True),
    ("auxiliary angles and range", 7_695, True),
    ("spectral fusion", 346_368, False),
    ("source count, direct", 67_333, False),
    ("source count, spectral", 4_283, True),
    ("logit scale", 1, False),
]


def test_reference_network_has_exactly_its_parameters(root):
    network = build_network(load_config(root / "configs" / "reference.yaml"))
    assert [(p.name, p.parameters, p.head) for p in network.parts()] == REFERENCE
    assert network.count_params() == 19_360_061
    heads = sum(int(np.prod(v.shape)) for v in head_variables(network))
    assert heads == 11_033_783
    assert network.count_params() - heads == 8_326_278


def test_reference_network_without_count_heads_has_none_of_their_parameters(root):
    """As many as the later network of the PyTorch pipeline has."""
    overrides = ["network.count_head=false", "objective.weights.count=0"]
    network = build_network(load_config(root / "configs" / "reference.yaml", overrides))
    assert [(p.name, p.parameters, p.head) for p in network.parts()] == REFERENCE[:-4]
    assert network.count_params() == 18_942_076


@pytest.fixture(scope="module", params=["beamspace", "reference"])
def built(request, make_config, tiny_reference):
    overrides = [tiny_reference, "covariance.beta=0.3"] if request.param == "reference" else []
    config = make_config(*overrides)
    scenes = Simulator(config)(Split.TEST, 0, 0, 6)
    return config, build_network(config), scenes.measurement


def flat(prediction):
    return [np.asarray(x) for x in tf.nest.flatten(prediction) if x is not None]


def test_parts_hold_every_variable_once(built):
    _, network, _ = built
    held = [id(v) for part in network.parts() for v in part.variables]
    assert sorted(held) == sorted(id(v) for v in network.trainable_variables)


def test_prediction_has_its_shapes_and_is_finite(built):
    config, network, measurement = built
    p = network(measurement)
    most = config.scene.sources_max
    slots = most if config.network.kind == "reference" else 2 * most
    assert p.angle_factor.shape == (6, 16, slots)
    assert p.azimuth.shape == p.elevation.shape == p.range_m.shape == (6, slots)
    assert p.confidence.shape == (6, slots)
    assert p.count_logits.shape == p.reported().azimuth.shape == (6, most)
    assert all(np.isfinite(x).all() for x in flat(p))
    assert (np.asarray(p.range_m) > 0).all()
    assert np.abs(np.degrees(p.azimuth)).max() <= 60
    assert np.abs(np.degrees(p.elevation)).max() <= 30
    assert ((np.asarray(p.confidence) > 0) & (np.asarray(p.confidence) <= 1)).all()


def test_blend_holds_the_sample_where_beta_says_so(built):
    config, network, measurement = built
    p = network(measurement)
    if config.covariance.beta:
        assert p.blended.factor.shape[-1] == p.predicted.factor.shape[-1] + 4
        alone = network(measurement, beta=0.0)
        np.testing.assert_allclose(alone.blended.factor[..., :6], p.predicted.factor)
    else:
        assert p.blended is p.predicted or np.array_equal(p.blended.factor, p.predicted.factor)


def test_same_seed_builds_the_same_weights(built, make_config):
    config, network, _ = built
    for ours, theirs in zip(network.variables, build_network(config).variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = build_network(config.model_copy(update={"seed": 1}))
    assert any(
        not np.array_equal(a, b) for a, b in zip(network.variables, other.variables, strict=True)
    )


def test_saved_network_is_the_same_network(built, tmp_path):
    _, network, measurement = built
    path = tmp_path / "network.keras"
    network.save(path)
    loaded = keras.models.load_model(path)
    for ours, theirs in zip(
        flat(network(measurement)), flat(loaded(measurement._asdict())), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_reference_networks_of_version_0_1_are_known_by_their_name():
    assert keras.saving.get_registered_object("ris_tf>LocalizationNetwork") is ReferenceNetwork


# Forked, so that each network is loaded where nothing but the imports has been done.
LOADS = """
import os, sys
for path in sys.argv[1:]:
    if not os.fork():
        print(keras.models.load_model(path).count_params(), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, ris_tf",
        pytest.param("import ris_tf, tensorflow, keras", marks=pytest.mark.thorough),
    ],
)
def test_loading_needs_no_more_than_the_import(make_config, tiny_reference, tmp_path, imports):
    paths, parameters = [], []
    for overrides in ([], [tiny_reference, "covariance.beta=0.3"]):
        network = build_network(make_config(*overrides))
        paths.append(tmp_path / f"{len(paths)}.keras")
        parameters.append(network.count_params())
        network.save(paths[-1])
    program = [sys.executable, "-c", imports + LOADS, *paths]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert [int(line) for line in done.stdout.split()] == parameters


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", ["beamspace", "reference"])
def test_half_precision_stays_inside(make_config, tiny_reference, precision, kind):
    """Networks compute in half precision; what leaves them is float32 and complex64."""
    overrides = [tiny_reference] if kind == "reference" else []
    config = make_config(f"training.precision={precision}", *overrides)
    network = build_network(config)
    first = network.encoder if kind == "reference" else network.trunk
    assert first.compute_dtype == precision.removeprefix("mixed_")
    p = network(Simulator(config)(Split.TEST, 0, 0, 4).measurement)
    assert all(x.dtype in (np.float32, np.complex64) for x in flat(p))
    assert all(np.isfinite(x).all() for x in flat(p))
    assert all(v.dtype == "float32" for v in network.trainable_variables)
