"""Products of matrices that need all digits of single precision, on devices that round them.

GPUs round the factors of float32 products to TensorFloat-32, ten bits, where TensorFlow allows it:
one switch for the whole process, which it reads as it compiles. Here the switch is off, so
everything is exact. Training may have it on for the layers of networks: then scenes, covariances,
receiver and terms ask for their own products' precision one by one, as XLA lets them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops
from tensorflow.compiler.xla import xla_data_pb2 as _xla_data

from ris_tf.shapes import product, sizes

# Who loads the physics has it exact.
tf.config.experimental.enable_tensor_float_32_execution(False)

xla_data_pb2: Any = _xla_data  # made by protobuf, without types
_HIGHEST = xla_data_pb2.PrecisionConfig.Precision.Value("HIGHEST")
_EXACT = xla_data_pb2.PrecisionConfig(operand_precision=[_HIGHEST, _HIGHEST]).SerializeToString()


class _Switch:
    """Whether layers round, and others ask for their precision; one for the process, as XLA's."""

    layers_round = False


@contextmanager
def rounded_layers(on: bool) -> Iterator[None]:
    """While this runs, compiled products of layers may be rounded; those made here are not.

    Args:
        on: else nothing changes.
    """
    if not on:
        yield
        return
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    rounded_before = _Switch.layers_round
    tf.config.experimental.enable_tensor_float_32_execution(True)
    _Switch.layers_round = True
    try:
        yield
    finally:
        _Switch.layers_round = rounded_before
        tf.config.experimental.enable_tensor_float_32_execution(before)


def matmul(
    a: tf.Tensor,
    b: tf.Tensor,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
) -> tf.Tensor:
    """`tf.matmul`, whose factors are never rounded.

    Args:
        a: `[..., I, J]`.
        b: `[..., J, K]`.
        transpose_a: `a` is `[..., J, I]`.
        transpose_b: `b` is `[..., K, J]`.
        adjoint_a: the same, and conjugate.
        adjoint_b: the same, and conjugate.

    Returns:
        `[..., I, K]`.
    """
    if not _Switch.layers_round:
        return tf.matmul(a, b, transpose_a, transpose_b, adjoint_a, adjoint_b)
    return _exact(*_alike(_turned(a, transpose_a, adjoint_a), _turned(b, transpose_b, adjoint_b)))


def _turned(x: tf.Tensor, transpose: bool, adjoint: bool) -> tf.Tensor:
    return tf.linalg.matrix_transpose(x, conjugate=adjoint) if transpose or adjoint else x


def _alike(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both with the same leading dimensions, which XLA's product does not broadcast."""
    a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
    if a.shape[:-2].is_fully_defined() and a.shape[:-2] == b.shape[:-2]:
        return a, b
    leading = tf.broadcast_dynamic_shape(tf.shape(a)[:-2], tf.shape(b)[:-2])
    rank = max(a.shape.rank, b.shape.rank)
    wide = [tf.broadcast_to(x, tf.concat([leading, tf.shape(x)[-2:]], 0)) for x in (a, b)]
    for x in wide:
        x.set_shape([None] * (rank - 2) + x.shape[-2:].as_list())
    return wide[0], wide[1]


@tf.custom_gradient
def _exact(a: tf.Tensor, b: tf.Tensor):
    """`a b` in XLA's highest precision, and its gradient in the same."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _exact(upstream, _turned(b, False, True)), _exact(_turned(a, False, True), upstream)

    return _dot(a, b), gradient


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    rank = a.shape.rank
    leading = range(rank - 2)
    numbers = xla_data_pb2.DotDimensionNumbers(
        lhs_contracting_dimensions=[rank - 1],
        rhs_contracting_dimensions=[rank - 2],
        lhs_batch_dimensions=leading,
        rhs_batch_dimensions=leading,
    )
    product = gen_xla_ops.xla_dot_v2(a, b, numbers.SerializeToString(), _EXACT, a.dtype)
    return tf.ensure_shape(product, [*a.shape[:-1], b.shape[-1]])


def gathered(values: tf.Tensor, index: tf.Tensor, axis: int = 1) -> tf.Tensor:
    """`tf.gather` of each scene's own entries; the gradient is a product with zeros and ones.

    TensorFlow's takes a hundred operations, among them a scatter, which XLA runs number by number.

    Args:
        values: `[B, ..., P, ...]`.
        index: `[B, Q]` int32.
        axis: that of `P`, from 1.

    Returns:
        `[B, ..., Q, ...]`.
    """
    *before, size = sizes(values)[1 : axis + 1]
    after = sizes(values)[axis + 1 :]

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        places = tf.one_hot(index, size, dtype=upstream.dtype)[:, None]
        of_scenes = [-1, product(before), index.shape[-1], product(after)]
        back = matmul(places, tf.reshape(upstream, of_scenes), transpose_a=True)
        return tf.reshape(back, sizes(values)), None

    @tf.custom_gradient
    def forward(values: tf.Tensor, index: tf.Tensor):
        return tf.gather(values, index, axis=axis, batch_dims=1), gradient

    return forward(values, index)
