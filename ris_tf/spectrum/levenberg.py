"""Levenberg-Marquardt: damped Gauss-Newton steps, of many small problems at once.

Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", J. SIAM 11(2), 1963.
Coordinates are scaled to a unit diagonal, so that the damping has no unit.
"""

import tensorflow as tf

FIRST_DAMPING, MIN_DAMPING, MAX_DAMPING = 1e-2, 1e-5, 1e6
EASE, STIFFEN = 0.1, 8.0  # of the damping after a better and a worse step
LEAST_DIAGONAL = 1e-9  # of the largest: coordinates that nothing depends on do not move


def first_damping(value: tf.Tensor) -> tf.Tensor:
    """The damping of the first step, in the shape of the value to be minimised."""
    return tf.ones_like(value) * tf.constant(FIRST_DAMPING, value.dtype)


def next_damping(damping: tf.Tensor, better: tf.Tensor) -> tf.Tensor:
    """Less damping where the last step was better, more where it was not."""
    rate = tf.cast(tf.where(better, EASE, STIFFEN), damping.dtype)
    return tf.clip_by_value(damping * rate, MIN_DAMPING, MAX_DAMPING)


def damped_step(
    matrix: tf.Tensor, gradient: tf.Tensor, damping: tf.Tensor, free: tf.Tensor | None = None
) -> tf.Tensor:
    """`(M + damping diag(M))^-1 g`, the step from which the next value is expected to be less.

    Args:
        matrix: `[..., n, n]` real, the Gauss-Newton matrix `M`.
        gradient: `[..., n]`, `g`: downhill.
        damping: `[...]`.
        free: `[..., n]`, 0 for coordinates that stay where they are, else 1; `None` for all.
    """
    diagonal = tf.linalg.diag_part(matrix)
    floor = LEAST_DIAGONAL * tf.reduce_max(diagonal, axis=-1, keepdims=True) + 1e-30
    scale = tf.math.rsqrt(tf.maximum(diagonal, floor))
    moved = scale if free is None else scale * free
    unit = matrix * moved[..., :, None] * moved[..., None, :]
    unit = tf.linalg.set_diag(unit, tf.ones_like(diagonal) + damping[..., None])
    solved = tf.linalg.cholesky_solve(tf.linalg.cholesky(unit), (gradient * moved)[..., None])
    return solved[..., 0] * moved
