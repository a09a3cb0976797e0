"""Which products may be rounded to TensorFloat-32: those of layers, where somebody wants it."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.products import gathered, matmul, rounded_layers
from ris_tf.training.task import make_trainer

SHAPES = {
    "plain": ((3, 4, 5), (3, 5, 2), {}),
    "adjoint": ((3, 5, 4), (3, 5, 2), {"adjoint_a": True}),
    "transposed": ((4, 5), (2, 5), {"transpose_b": True}),
    "broadcast": ((2, 1, 4, 5), (3, 5, 2), {}),
}


def drawn(shape, seed, dtype):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=shape) + 1j * draw.normal(size=shape)
    return tf.constant(x if "complex" in dtype else x.real, dtype)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("kind", SHAPES)
def test_exact_product_and_its_gradient_are_those_of_tensorflow(kind, dtype):
    first, second, turned = SHAPES[kind]
    a, b = drawn(first, 1, dtype), drawn(second, 2, dtype)

    def value_and_gradient(product):
        with tf.GradientTape() as tape:
            tape.watch((a, b))
            loss = tf.reduce_sum(tf.abs(product(a, b, **turned)) ** 2)
        return [loss, *tape.gradient(loss, (a, b))]

    ordinary = value_and_gradient(tf.matmul)
    with rounded_layers(True):
        exact = tf.function(lambda: value_and_gradient(matmul), jit_compile=True)()
    for ours, theirs in zip(exact, ordinary, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-4)


def dots(function, *arguments):
    """Products in what XLA is given to compile: precision asked for, and where it comes from."""
    text = tf.function(function, jit_compile=True, autograph=False)
    lines = text.experimental_get_compiler_ir(*arguments)(stage="hlo").splitlines()
    found = [line for line in lines if re.search(r" (dot|convolution)\(", line)]
    return [
        (
            "highest" in line,
            re.search(r'op_name="([^"]*)"', line)[1],
            re.search(r"= (\w+)\[", line)[1],
        )
        for line in found
    ]


def test_physics_has_nothing_rounded_unless_somebody_wants_it():
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    with rounded_layers(True):
        assert tf.config.experimental.tensor_float_32_execution_enabled()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.mark.parametrize("tf32", [False, True])
def test_step_rounds_its_layers_alone(make_config, tf32):
    """All complex products, which are scenes, covariances and terms, ask for every digit."""
    config = make_config(f"training.tf32={tf32}", "network.rounds=1", "network.width=8")
    trainer = make_trainer(config)
    with trainer.computing():
        found = dots(trainer.train_step, tf.constant(0, tf.int64))
    rounded = [(name, kind) for exact, name, kind in found if not exact]
    assert any(kind == "c64" for _, _, kind in found)
    assert bool(rounded) == tf32, rounded
    assert not [name for name, kind in rounded if kind == "c64"]


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 7), 1), ((2, 7, 3), 1), ((2, 4, 7), 2), ((2, 4, 7, 3), 2)]
)
@pytest.mark.parametrize("compiled", [False, True])
def test_entries_of_scenes_and_their_gradient_are_those_of_gather(shape, axis, compiled):
    generator = np.random.default_rng(0)
    values = tf.constant(generator.normal(size=shape), tf.float32)
    index = tf.constant([[3, 0, 3], [6, 5, 1]])  # one entry is taken twice

    def taken(function):
        with tf.GradientTape() as tape:
            tape.watch(values)
            entries = function(values)
            loss = tf.reduce_sum(entries**3)
        return entries, tape.gradient(loss, values)

    def ours():
        return taken(lambda values: gathered(values, index, axis))

    mine = tf.function(ours, jit_compile=True)() if compiled else ours()
    theirs = taken(lambda values: tf.gather(values, index, axis=axis, batch_dims=1))
    np.testing.assert_array_equal(mine[0], theirs[0])
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-6)


def test_entries_of_batches_of_any_size():
    @tf.function(input_signature=[tf.TensorSpec([None, 7, 2]), tf.TensorSpec([None, 3], tf.int32)])
    def gradient(values, index):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = tf.reduce_sum(gathered(values, index))
        return tape.gradient(loss, values)

    found = gradient(tf.zeros([4, 7, 2]), tf.constant([[0, 2, 6]] * 4))
    assert np.array_equal(found[:, :, 0], [[1, 0, 1, 0, 0, 0, 1]] * 4)
