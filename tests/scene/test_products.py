"""Which products may be rounded to TensorFloat-32: those of layers, where somebody wants it."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.products import matmul, rounded_layers
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
