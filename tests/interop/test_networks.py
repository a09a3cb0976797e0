"""Exported networks on the runtimes of their formats, beside the Keras model."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from commands import ris_tf

from ris_tf.config import dump_config
from ris_tf.interop.networks import export_network
from ris_tf.interop.onnx_file import run_onnx
from ris_tf.interop.served import load_served, real_arrays, serve_model, serve_network
from ris_tf.interop.tflite_file import run_tflite
from ris_tf.network import build_network
from ris_tf.runlog import RunDirectory, RunError

SMALL = ("scene.sources_max=2", "scene.snapshots=3", "scene.antennas=3")
WITHOUT_US = """
import sys
import numpy as np, tensorflow as tf
for model in sys.argv[1:]:
    signatures = tf.saved_model.load(model).signatures
    for name in ("serving_default", "real"):
        with np.load(f"{model}-{name}.npz") as file:
            arrays = {key: tf.constant(file[key]) for key in file.files}
        np.savez(f"{model}-{name}-made.npz", **signatures[name](**arrays))
assert not any(name.startswith("ris_tf") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def networks(make_config, tiny_reference):
    """A network of each kind, by name."""
    others = {"beamspace": [], "reference": [tiny_reference, "covariance.beta=0.3"]}
    configs = {name: make_config(*SMALL, *more) for name, more in others.items()}
    return {name: serve_network(build_network(c), c) for name, c in configs.items()}


def assert_agrees(found, wanted, tolerance=2e-5):
    """As much as the order of sums leaves; steering vectors turn rounding of angles into phases."""
    assert set(found) == set(wanted)
    for name, x in wanted.items():
        assert found[name].shape == x.shape, name
        np.testing.assert_allclose(found[name], x, atol=tolerance * np.abs(x).max(), err_msg=name)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("beamspace", "onnx"),
        ("beamspace", "tflite"),
        ("reference", "onnx"),
        pytest.param("reference", "tflite", marks=pytest.mark.thorough),
    ],
)
def test_file_agrees_with_the_model_at_any_batch_size(networks, tmp_path, name, to):
    if to == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    served, path = networks[name], tmp_path / f"network.{to}"
    exported = export_network(served, to, path)
    assert exported.left_out == {}
    assert {"azimuth", "elevation", "range_m", "confidence", "count_logits"} <= set(
        exported.outputs
    )
    assert max(exported.deviations.values()) < 2e-5
    for batch in (1, 7):
        arrays = served.examples(batch)
        wanted = real_arrays(served.outputs(arrays))
        run = run_onnx if to == "onnx" else run_tflite
        assert_agrees(run(path, real_arrays(arrays)), wanted)


def test_saved_models_run_in_a_process_without_this_package(networks, tmp_path):
    wanted = {}
    for name, served in networks.items():
        exported = export_network(served, "savedmodel", tmp_path / name)
        assert max(exported.deviations.values()) < 2e-5
        arrays = served.examples(5)
        outputs = served.outputs(arrays)
        np.savez(tmp_path / f"{name}-serving_default.npz", **arrays)
        np.savez(tmp_path / f"{name}-real.npz", **real_arrays(arrays))
        wanted[f"{name}-serving_default"] = outputs
        wanted[f"{name}-real"] = real_arrays(outputs)
    command = [sys.executable, "-c", WITHOUT_US, *networks]
    subprocess.run(command, check=True, cwd=tmp_path)
    for which, outputs in wanted.items():
        with np.load(tmp_path / f"{which}-made.npz") as file:
            assert_agrees({name: file[name] for name in file.files}, outputs)


def test_half_precision_is_exported_as_single(make_config, tmp_path):
    """Neither format has bfloat16 throughout; the weights are single anyway."""
    config = make_config(*SMALL, "training.precision=mixed_bfloat16")
    run = RunDirectory.create(tmp_path / "run", dump_config(config), ["test"])
    network = build_network(config)
    network.save(run.best_network)
    half, single = load_served(run), load_served(run, single=True)
    assert (half.model.policy, single.model.policy) == ("mixed_bfloat16", "float32")
    for a, b in zip(half.model.get_weights(), single.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kinds = {variable.dtype for layer in single.model.layers for variable in layer.variables}
    assert kinds == {"float32"}


@pytest.fixture
def pictures():
    """Anybody's model, with two inputs."""
    keras.utils.set_random_seed(0)
    picture, number = keras.Input((6, 6, 1)), keras.Input((3,))
    flat = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="gelu")(picture))
    joined = keras.layers.Concatenate()([flat, number])
    outputs = {"kind": keras.layers.Dense(5)(joined), "size": keras.layers.Dense(1)(joined)}
    return keras.Model([picture, number], outputs)


@pytest.mark.parametrize("to", ["savedmodel", "onnx", "tflite"])
def test_anybodys_model_is_exported_with_its_own_names(pictures, tmp_path, to):
    if to == "onnx":
        pytest.importorskip("tf2onnx")
    exported = export_network(serve_model(pictures, "run"), to, tmp_path / "model")
    assert exported.inputs == {"input_0": (6, 6, 1), "input_1": (3,)}
    assert exported.outputs == {"kind": (5,), "size": (1,)}
    assert exported.deviations is None or max(exported.deviations.values()) < 1e-5


def test_output_that_a_format_lacks_is_left_out_and_named(tmp_path):
    taken = keras.Input((3,))
    other = keras.layers.Lambda(tf.math.lgamma, output_shape=(3,))(taken)
    model = keras.Model(taken, {"gamma": other, "twice": keras.ops.multiply(taken, 2.0)})
    pytest.importorskip("tf2onnx")
    exported = export_network(serve_model(model, "run"), "onnx", tmp_path / "model.onnx")
    assert list(exported.outputs) == ["twice"]
    assert "left out gamma: there is no Lgamma in onnx" in list(exported.lines(tmp_path))
    with pytest.raises(RunError, match=r"no output can be expressed: there is no Lgamma in onnx"):
        only = serve_model(keras.Model(taken, other), "run")
        export_network(only, "onnx", tmp_path / "other.onnx")


def test_model_without_fixed_inputs_is_one_line():
    with pytest.raises(RunError, match=r"^run: its model has no fixed inputs"):
        serve_model(keras.Sequential([keras.layers.Dense(3)]), "run")


def test_command_refuses_what_tflite_lacks_in_one_line(tmp_path):
    """TFLite's converter prints dozens of lines of its own."""
    taken = keras.Input((3,))
    run = RunDirectory.create(tmp_path / "run", "", ["test"], task="model")
    keras.Model(taken, keras.layers.Activation("log_softmax")(keras.ops.arcsinh(taken))).save(
        run.best_network
    )
    done = ris_tf("export", run.path, "--to", "tflite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ris-tf: network.tflite: TFLite cannot express it: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list((run.path / "exports").iterdir())
