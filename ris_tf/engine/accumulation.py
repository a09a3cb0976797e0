"""Loss, terms and gradient of a window, over the batches that it joins (SPEC 5, stages 1 and 2)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class Totals(NamedTuple):
    """Means over the batches of a window.

    Attributes:
        loss: scalar float32.
        terms: raw terms by name.
        also: whatever else is reported, by name.
        gradients: of mean loss x scale, one for each variable.
    """

    loss: tf.Tensor
    terms: dict[str, tf.Tensor]
    also: dict[str, tf.Tensor]
    gradients: list[tf.Tensor]


Traced = Callable[[tf.Tensor], Totals]  # of a batch's number; a function with a graph of its own


def traced_once(batch_totals: Traced, number: tf.Tensor) -> Any:
    """What a batch comes to, already times its share, as a graph of its own.

    A loop must know what it adds up before it begins: so it is traced before, and only once.

    Args:
        batch_totals: of the batch of a number.
        number: scalar int64, one like those that the graph is called with.
    """
    return tf.function(batch_totals, autograph=False).get_concrete_function(number)


def summed(pieces: Sequence[tuple[tf.Tensor, Any]]) -> Totals:
    """Add the batches of a window, in loops whose graphs are those of one batch.

    Args:
        pieces: batches of one shape: how many, scalar int64, and what `traced_once` made of them.
    """
    names = pieces[0][1].structured_outputs
    totals = tf.nest.map_structure(lambda x: tf.zeros(x.shape, x.dtype), names)
    for count, traced in pieces:
        totals = _added(totals, count, traced)
    return totals


def _added(totals: Totals, count: tf.Tensor, traced: Traced) -> Totals:
    def add(done: tf.Tensor, totals: Totals) -> tuple[tf.Tensor, Totals]:
        return done + 1, tf.nest.map_structure(tf.add, totals, traced(done))

    _, added = tf.while_loop(lambda done, _: done < count, add, (tf.zeros_like(count), totals))
    return added


def scaled(totals: Totals, share: tf.Tensor) -> Totals:
    """A batch's totals as a share of its window's; its gradient has the share already."""
    loss, terms, also, gradients = totals
    terms, also = tf.nest.map_structure(lambda x: share * x, (terms, also))
    return Totals(share * loss, terms, also, gradients)


def length(part: Any) -> tf.Tensor:
    """Batches that are stacked in a part of a window: scalar int64."""
    return tf.shape(tf.nest.flatten(part)[0], tf.int64)[0]


def at(part: Any, number: tf.Tensor) -> Any:
    """One of the batches that are stacked in a part of a window."""
    return tf.nest.map_structure(lambda x: x[number], part)
