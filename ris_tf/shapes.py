"""Sizes of tensors whose batch may not be known when their graph is made."""

import math
from collections.abc import Sequence

import tensorflow as tf

Size = int | tf.Tensor


def sizes(x: tf.Tensor) -> list[Size]:
    """The size of every axis: a number where it is known, else a scalar of the graph.

    Training's shapes are known, and its graphs hold constants; other programs may call a network
    with batches of any size.
    """
    known = list(x.shape)
    if None not in known:
        return known
    traced = tf.shape(x)
    return [traced[axis] if size is None else size for axis, size in enumerate(known)]


def product(numbers: Sequence[Size]) -> Size:
    """How many entries a tensor of these sizes has."""
    if all(isinstance(number, int) for number in numbers):
        return math.prod(numbers)
    return tf.reduce_prod(tf.stack(numbers))
