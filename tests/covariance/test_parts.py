import numpy as np
import pytest
import tensorflow as tf

from ris_tf.parts import imag, real, real_rows, side_by_side, squared

EXTREME = [0.0, -0.0, 1.5, -2e-38, 3e38]
Z = np.array([complex(re, im) for re in EXTREME for im in EXTREME], np.complex64)


def both_ways(function, *inputs):
    """What a function gives eagerly and compiled."""
    compiled = tf.function(function, jit_compile=True, autograph=False)
    return function(*inputs).numpy(), compiled(*inputs).numpy()


@pytest.mark.parametrize(("part", "of"), [(real, np.real), (imag, np.imag)])
def test_parts_are_numpys_to_the_bit(part, of):
    for values in both_ways(part, tf.constant(Z)):
        np.testing.assert_array_equal(values, of(Z))


def test_real_part_of_a_real_tensor_is_itself():
    x = tf.constant([1.0, -2.0])
    assert real(x) is x


@pytest.mark.parametrize(
    ("ours", "tensorflows"),
    [
        (real, tf.math.real),
        (imag, tf.math.imag),
        (squared, lambda z: tf.math.real(z) ** 2 + tf.math.imag(z) ** 2),
        (side_by_side, lambda z: tf.concat([tf.math.real(z), tf.math.imag(z)], -1)),
    ],
)
def test_values_and_gradients_are_tensorflows(ours, tensorflows):
    z = tf.complex(tf.random.normal([3, 4], seed=1), tf.random.normal([3, 4], seed=2))
    results = []
    for function in (ours, tensorflows):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = function(z)
            loss = tf.reduce_sum(value * tf.cast(tf.range(tf.size(value)) + 1, value.dtype)[0])
            loss += tf.reduce_sum(value**2)
        results.append((value, tape.gradient(loss, z)))
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_squared_has_a_gradient_at_zero():
    z = tf.zeros([2], tf.complex64)
    with tf.GradientTape() as tape:
        tape.watch(z)
        energy = tf.reduce_sum(squared(z))
    assert np.array_equal(tape.gradient(energy, z), np.zeros(2))


def test_products_with_rows_are_complex_products():
    generator = np.random.default_rng(3)
    x, v = (generator.normal(size=(2, 5)) + 1j * generator.normal(size=(2, 5)) for _ in "xv")
    pairs = real_rows(tf.constant(v.real), tf.constant(v.imag)) @ tf.transpose(side_by_side(x))
    np.testing.assert_allclose(tf.complex(pairs[::2], pairs[1::2]), v @ x.T, rtol=1e-12)
