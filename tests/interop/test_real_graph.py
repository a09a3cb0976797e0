"""Graphs in real numbers, an operation at a time beside the complex ones."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.interop.pairs import Pair
from ris_tf.interop.real_graph import Inexpressible, in_real_numbers


def drawn(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def loaded(a):
    return tf.matmul(a, a, adjoint_b=True) + tf.eye(a.shape[-2], dtype=a.dtype)


def looped(a):
    return tf.while_loop(lambda k, x: k < 3, lambda k, x: (k + 1, x * a[:, :1]), (0, a))[1]


weights = tf.Variable(drawn(4, 5, seed=3))

OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "negative": lambda a, b: -a,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "reciprocal": lambda a, b: tf.math.reciprocal(a),
    "square": lambda a, b: a**2 * tf.square(b),
    "exponential": lambda a, b: tf.exp(a),
    "conjugate": lambda a, b: tf.math.conj(a),
    "modulus": lambda a, b: tf.abs(a),
    "parts": lambda a, b: tf.math.real(a) * tf.math.imag(b),
    "joined": lambda a, b: tf.complex(tf.abs(a), 0.0),
    "cast": lambda a, b: tf.cast(tf.math.real(a), tf.complex64) * b,
    "cast to real": lambda a, b: tf.cast(a * 1j, tf.float32),
    "sum": lambda a, b: tf.reduce_sum(a, axis=1, keepdims=True),
    "mean": lambda a, b: tf.reduce_mean(a, axis=0),
    "reshape": lambda a, b: tf.reshape(a, [-1, 2, 2]),
    "transpose": lambda a, b: tf.transpose(a) + tf.linalg.adjoint(b),
    "product": lambda a, b: tf.matmul(a, b, transpose_b=True),
    "adjoint product": lambda a, b: tf.matmul(a, b, adjoint_a=True),
    "batched product": lambda a, b: tf.matmul(a[None], b[None], adjoint_b=True),
    "einsum": lambda a, b: tf.einsum("ij,kj->ik", a, b),
    "einsum of one": lambda a, b: tf.einsum("ij->j", a),
    "slice": lambda a, b: a[1:, ::2],
    "concat": lambda a, b: tf.concat([a, b], axis=1),
    "stack": lambda a, b: tf.stack([a, b], axis=1),
    "unstack": lambda a, b: tf.unstack(a, axis=1)[2],
    "split": lambda a, b: tf.split(a, [1, 3], axis=1)[1],
    "tile": lambda a, b: tf.tile(a, [1, 2]),
    "pad": lambda a, b: tf.pad(a, [[0, 0], [1, 2]]),
    "gather": lambda a, b: tf.gather(a, [3, 0], axis=1),
    "reverse": lambda a, b: tf.reverse(a, [1]),
    "broadcast": lambda a, b: tf.broadcast_to(a[:, :1], tf.shape(a)),
    "zeros and ones": lambda a, b: tf.zeros_like(a) + tf.ones_like(b),
    "where": lambda a, b: tf.where(tf.math.real(a) > 0, a, b),
    "cumulative": lambda a, b: tf.cumsum(a, axis=1),
    "diagonal": lambda a, b: tf.linalg.diag_part(loaded(a)),
    "of diagonal": lambda a, b: tf.linalg.diag(a),
    "with diagonal": lambda a, b: tf.linalg.set_diag(loaded(a), b[:, 0]),
    "fourier": lambda a, b: tf.signal.fft(a),
    "inverse fourier": lambda a, b: tf.signal.ifft(a),
    "cholesky": lambda a, b: tf.linalg.cholesky(loaded(a)),
    "solve": lambda a, b: tf.linalg.cholesky_solve(tf.linalg.cholesky(loaded(a)), b),
    "qr": lambda a, b: tf.abs(tf.linalg.diag_part(tf.linalg.qr(a[:4])[1])),
    "eigenvalues": lambda a, b: tf.linalg.eigvalsh(loaded(a)),
    "real cholesky": lambda a, b: tf.linalg.cholesky(tf.math.real(loaded(a)) + 9 * tf.eye(4)),
    "complementary error": lambda a, b: tf.math.erfc(tf.math.real(a)),
    "error function": lambda a, b: tf.math.erf(5 * tf.math.real(a)),
    "loop": lambda a, b: looped(a),
    "function": lambda a, b: tf.function(lambda x: x * b)(a),
    "variable": lambda a, b: tf.matmul(a, weights),
    "constant": lambda a, b: a * (1j * np.arange(4, dtype=np.complex64)),
    "shape": lambda a, b: tf.cast(tf.shape(a), tf.float32),
}  # fmt: skip
SIZE = 4


def traced(function, rows):
    spec = tf.TensorSpec([rows, SIZE], tf.complex64)
    return tf.function(function, input_signature=[spec, spec], autograph=False)


def in_pairs(graph, a, b, allowed=None):
    concrete = graph.get_concrete_function()
    specs = [tf.TensorSpec([*spec.shape, 2], tf.float32) for spec in graph.input_signature]
    made = []

    @tf.function(input_signature=specs, autograph=False)
    def real(*given):
        pairs = [Pair(*tf.unstack(x, axis=-1)) for x in given]
        made[:] = in_real_numbers(concrete.graph, [*pairs, *concrete.captured_inputs], allowed)
        return [x for x in made if not isinstance(x, Inexpressible)]

    outputs = real(*(np.stack([x.real, x.imag], -1) for x in (a, b)))
    kinds = [x.dtype for x in tf.nest.flatten(real.get_concrete_function().inputs)]
    assert not any(kind.is_complex for kind in kinds)
    types = real.get_concrete_function().graph.get_operations()
    assert not any(x.dtype.is_complex for operation in types for x in operation.outputs)
    return outputs, made


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_that_of_complex_numbers(name):
    a, b = drawn(SIZE, SIZE, seed=1), drawn(SIZE, SIZE, seed=2)
    graph = traced(OPERATIONS[name], SIZE)
    ((found,), _) = in_pairs(graph, a, b)
    if isinstance(found, Pair):
        found = np.asarray(found.re) + 1j * np.asarray(found.im)
    np.testing.assert_allclose(found, graph(a, b), rtol=1e-5, atol=1e-5)


def test_batch_may_be_unknown():
    graph = traced(lambda a, b: tf.reshape(a * b, [tf.shape(a)[0], 2, 2]), None)
    for rows in (1, 3):
        a, b = drawn(rows, SIZE), drawn(rows, SIZE, seed=1)
        ((found,), _) = in_pairs(graph, a, b)
        np.testing.assert_allclose(found.re, np.real(graph(a, b)), rtol=1e-5)


def test_what_real_numbers_cannot_express_is_named_and_leaves_the_rest():
    graph = traced(lambda a, b: (a + b, tf.linalg.eigh(loaded(a))[1], tf.math.log(a)), SIZE)
    ((found,), made) = in_pairs(graph, drawn(SIZE, SIZE), drawn(SIZE, SIZE))
    np.testing.assert_allclose(found.re, 2 * drawn(SIZE, SIZE).real)
    missing = [x.operations for x in made if isinstance(x, Inexpressible)]
    assert missing == [{"SelfAdjointEigV2"}, {"Log"}]


def test_operations_that_a_format_lacks_are_named():
    graph = traced(lambda a, b: tf.math.lgamma(tf.abs(a)) + tf.abs(b), SIZE)
    _, (made,) = in_pairs(
        graph, drawn(SIZE, SIZE), drawn(SIZE, SIZE), frozenset({"AddV2", "Placeholder"})
    )
    assert made.operations == {"Lgamma"}
