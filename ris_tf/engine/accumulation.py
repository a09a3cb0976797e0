"""Loss, terms and gradient of a window, over the batches that it joins (SPEC 5, stages 1 and 2)."""

from collections.abc import Callable
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


def traced_once(batch_totals: Callable[[tf.Tensor], Totals], number: tf.Tensor) -> Any:
    """What a batch comes to as a graph of its own: of a number like this one.

    A loop must know what it adds up before it begins; so it is traced before, and only once.
    """
    return tf.function(batch_totals, autograph=False).get_concrete_function(number)


def nothing_like(traced: Any) -> Totals:
    """Totals of no batch, of the names and shapes that one batch has."""
    return tf.nest.map_structure(lambda x: tf.zeros(x.shape, x.dtype), traced.structured_outputs)


def summed(totals: Totals, count: tf.Tensor, batch_totals: Callable[[tf.Tensor], Totals]) -> Totals:
    """Add `count` batches, in a loop whose graph is that of one.

    Args:
        totals: of what came before.
        count: scalar int64.
        batch_totals: of the batch of a number below `count`, already times its share.
    """

    def add(done: tf.Tensor, totals: Totals) -> tuple[tf.Tensor, Totals]:
        return done + 1, tf.nest.map_structure(tf.add, totals, batch_totals(done))

    _, summed_up = tf.while_loop(lambda done, _: done < count, add, (tf.zeros_like(count), totals))
    return summed_up


def scaled(totals: Totals, share: tf.Tensor) -> Totals:
    """A batch's totals as a share of its window's; its gradient has the share already."""
    loss, terms, also, gradients = totals
    terms, also = tf.nest.map_structure(lambda x: share * x, (terms, also))
    return Totals(share * loss, terms, also, gradients)


def at(part: Any, number: tf.Tensor) -> Any:
    """One of the batches that are stacked in a part of a window."""
    return tf.nest.map_structure(lambda x: x[number], part)
