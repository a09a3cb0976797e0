"""Biases and gains have the gradients that TensorFlow's own sums come to."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from ris_tf.network.layers import Convolution, Dense, biased, scaled

SHAPES = ([7, 3], [2, 5, 4, 3], [1, 1, 3])


def gradients_of(function, x, weight):
    random = np.random.default_rng(3)
    with tf.GradientTape() as tape:
        tape.watch([x, weight])
        value = function(x, weight)
        result = tf.reduce_sum(tf.sin(value) * random.normal(size=x.shape).astype(np.float32))
    return [value, *tape.gradient(result, [x, weight])]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("ours", "plain"), [(biased, tf.add), (scaled, tf.multiply)])
def test_values_and_gradients_are_those_of_plain_operations(ours, plain, shape, compiled):
    random = np.random.default_rng(sum(shape))
    x, weight = (tf.constant(random.normal(size=s), tf.float32) for s in (shape, shape[-1:]))
    of_ours = tf.function(gradients_of, autograph=False, jit_compile=compiled)(ours, x, weight)
    for mine, expected in zip(of_ours, gradients_of(plain, x, weight), strict=True):
        assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [tf.float16, tf.bfloat16])
def test_half_precision_is_summed_in_single(kind):
    x = tf.ones([5000, 2], kind)
    with tf.GradientTape() as tape:
        tape.watch(bias := tf.zeros([2], kind))
        value = biased(x, bias)
    gradient = tape.gradient(value, bias)
    assert gradient.dtype == kind
    # Summed in half precision, ones stop at 2,048 and 256.
    assert_allclose(tf.cast(gradient, tf.float32), tf.cast(tf.constant(5000, kind), tf.float32))


def test_sum_of_many_keeps_its_digits():
    x = np.random.default_rng(4).uniform(size=[32, 5000, 2]).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(bias := tf.zeros([2]))
        value = tf.reduce_sum(biased(tf.constant(x), bias) * x)
    assert_allclose(tape.gradient(value, bias), x.astype(float).sum((0, 1)), rtol=3e-6)


def test_batches_of_an_unknown_size():
    x = tf.keras.Input([4, 3])
    layer = Dense(2)
    model = keras.Model(x, layer(x))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(model(tf.ones([5, 4, 3])))
    assert_allclose(tape.gradient(value, layer.bias.value), [20, 20])


@pytest.mark.parametrize(
    ("ours", "plain"),
    [
        (Dense(4, activation="gelu"), keras.layers.Dense(4, activation="gelu")),
        (Convolution(4, 3, padding="same"), keras.layers.Conv2D(4, 3, padding="same")),
        (Convolution(4, 3, activation="relu"), keras.layers.Conv2D(4, 3, activation="relu")),
    ],
)
def test_layers_compute_what_kerass_compute(ours, plain):
    x = tf.random.stateless_normal([2, 5, 6, 3], [1, 2])
    for layer in (ours, plain):
        layer.build(x.shape)
    plain.set_weights([0.1 + weight for weight in ours.get_weights()])
    ours.set_weights(plain.get_weights())
    assert_allclose(ours(x), plain(x), rtol=1e-5, atol=1e-6)
    again = type(ours).from_config(ours.get_config())
    again.build(x.shape)
    again.set_weights(ours.get_weights())
    assert_allclose(again(x), ours(x))
