"""Gradients of a window: sums, norms, the finite check, the clip (SPEC 5, stages 2 to 6)."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.engine.packing import Packing, Parts

CLIP_GUARD = 1e-6  # added to the norm, as PyTorch's clip_grad_norm_ does


class Verdict(NamedTuple):
    """Outcome of the finite check.

    Attributes:
        finite: scalar bool, whether the window may be applied.
        offender: scalar int32, index of the first variable whose gradient is not finite; the
            number of variables where the loss alone is not; -1 where all is well.
    """

    finite: tf.Tensor
    offender: tf.Tensor


def squared_norms(gradients: Parts, packing: Packing) -> tf.Tensor:
    """`[V]` squared norm of every variable's gradient."""
    return packing.reduced([tf.square(part) for part in gradients], tf.reduce_sum, 0.0)


def finite_check(
    gradients: Parts,
    squares: tf.Tensor,
    loss: tf.Tensor,
    packing: Packing,
    clipped: bool = True,
) -> Verdict:
    """Whether the loss and every element of every gradient are finite.

    Where nothing is clipped, their squares are, too: the optimizer's moments are of them.

    Elements are looked at where a sum of squares is not finite: others have finite ones alone.

    Args:
        gradients: in parts.
        squares: `[V]` of `squared_norms`.
        loss: scalar.
        packing: of the gradients.
        clipped: whether what moves the weights is clipped first.
    """

    def looked_at() -> Verdict:
        seen = gradients if clipped else [tf.square(part) for part in gradients]
        of_each = [tf.math.is_finite(part) for part in seen]
        finite = packing.reduced(of_each, tf.reduce_all, True)
        broken = ~tf.concat([finite, tf.math.is_finite(loss)[None]], axis=0)
        first = tf.argmax(tf.cast(broken, tf.int32), output_type=tf.int32)
        any_broken = tf.reduce_any(broken)
        return Verdict(~any_broken, tf.where(any_broken, first, -1))

    sound = tf.math.is_finite(tf.reduce_sum(squares) + loss)
    return tf.cond(sound, lambda: Verdict(tf.constant(True), tf.constant(-1)), looked_at)


def clip_factor(norm: tf.Tensor, clip_norm: float) -> tf.Tensor:
    """`min(1, c / (norm + 1e-6))`, or 1 where clipping is off (`c = 0`)."""
    if not clip_norm:
        return tf.ones_like(norm)
    return tf.minimum(1.0, clip_norm / (norm + CLIP_GUARD))
