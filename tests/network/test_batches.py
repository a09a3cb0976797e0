"""A saved network in any Keras program: batches of any size, in the precisions that numpy has."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.network import build_network
from ris_tf.network.layers import dropout
from ris_tf.scene import Measurement, Simulator, Split
from ris_tf.scene.random import fold_in, random_bits

SCENES = 100
KINDS = ["beamspace", "reference", pytest.param("not mirrored", marks=pytest.mark.thorough)]


@pytest.fixture(scope="module", params=KINDS)
def saved(request, make_config, tiny_reference, tmp_path_factory):
    """A network as `best.keras` brings it, and measurements as numpy arrays."""
    overrides = {
        "beamspace": ["network.dropout=0.2"],
        "reference": [tiny_reference, "covariance.beta=0.3"],
        "not mirrored": ["scene.azimuth_deg=[-60, 50]", "network.width=17", "network.dropout=0.2"],
    }[request.param]
    config = make_config(*overrides)
    path = tmp_path_factory.mktemp("network") / "best.keras"
    build_network(config).save(path)
    network = keras.models.load_model(path)
    scenes = Simulator(config)(Split.TEST, 0, 0, SCENES)
    return network, {name: x.numpy() for name, x in scenes.measurement._asdict().items()}


def flat_tensors(prediction):
    return [x for x in tf.nest.flatten(prediction) if x is not None]


def flat(prediction):
    return [np.asarray(x) for x in flat_tensors(prediction)]


def assert_close(found, wanted):
    for a, b in zip(flat(found), flat(wanted), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4 * np.abs(b).max())


def test_predict_takes_a_smaller_last_batch(saved):
    network, arrays = saved
    assert_close(network.predict(arrays, batch_size=64, verbose=0), network(arrays))


def test_double_precision_is_taken_and_the_snr_may_be_missing(saved):
    network, arrays = saved
    few = {name: x[:3] for name, x in arrays.items()}
    double = {name: x.astype("c16" if np.iscomplexobj(x) else "f8") for name, x in few.items()}
    assert_close(network(double), network(few))
    without = {name: x for name, x in double.items() if name != "snr_db"}
    silent = {**few, "snr_db": np.zeros(3, np.float32)}
    assert_close(network(without), network(silent))
    assert_close(network.predict(without, verbose=0), network(silent))


def test_graph_of_any_batch_size_answers_for_each(saved):
    network, arrays = saved
    specs = Measurement(*(tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in arrays.values()))
    graph = tf.function(network, input_signature=[specs], autograph=False)
    for size in (1, 7):
        some = Measurement(*(tf.constant(x[:size]) for x in arrays.values()))
        assert_close(graph(some), network(some))


def test_graph_of_a_known_batch_size_knows_its_shapes(saved):
    network, arrays = saved
    specs = Measurement(*(tf.TensorSpec([5, *x.shape[1:]], x.dtype) for x in arrays.values()))
    made = tf.function(network, input_signature=[specs], autograph=False).get_concrete_function()
    assert all(x.shape.is_fully_defined() for x in flat_tensors(made.structured_outputs))
    assert "Shape" not in {operation.type for operation in made.graph.get_operations()}


def test_dropout_of_an_unknown_batch_is_that_of_the_known(saved):
    network, arrays = saved
    key = tf.constant([3, 4])
    specs = Measurement(*(tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in arrays.values()))
    graph = tf.function(lambda m: network(m, key=key), input_signature=[specs], autograph=False)
    some = Measurement(*(tf.constant(x[:3]) for x in arrays.values()))
    assert_close(graph(some), network(some, key=key))


@pytest.mark.parametrize("shape", [(3, 17), (1, 1), (5, 3, 3)])
def test_dropout_of_an_odd_number_keeps_its_rate(shape):
    x, rate = tf.ones(shape), 0.25
    kept = [dropout(x, rate, tf.constant([i, 7]), 1).numpy() for i in range(100)]
    assert {round(float(v), 5) for v in np.unique(kept)} <= {0.0, round(65536 / 49152, 5)}
    share = np.mean(np.array(kept) > 0, axis=0)  # of each place
    assert np.abs(share - 0.75).max() < 5 * np.sqrt(0.75 * 0.25 / 100)


def test_dropout_of_an_even_number_keeps_its_bits():
    """Masks of runs that were trained before: two elements a word, in the order of its halves."""
    key = tf.constant([5, 6])
    words = random_bits(fold_in(key, 2), [24]).numpy()
    kept = (words.view(np.uint16) >= round(0.3 * 65536)).reshape(4, 12)
    np.testing.assert_array_equal(dropout(tf.ones([4, 12]), 0.3, key, 2).numpy() > 0, kept)
