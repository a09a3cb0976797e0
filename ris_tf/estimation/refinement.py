"""Maximum-likelihood refinement: Gauss-Newton with the symbols taken out (SPEC 8)."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.receiver import Fit, Observed, Residual, fit, residual
from ris_tf.scene.positions import Positions
from ris_tf.spectrum.levenberg import MAX_DAMPING, damped_step, first_damping, next_damping

STEPS = 12
WIDEST_STEP = math.radians(8.0)  # about a beam: the linear model holds no farther
STILL = 1e-5  # relative descent of the cost below which a scene has converged: with
# 256 numbers in it, positions are then within 0.07 standard deviations of the optimum
WIDEST = math.radians(89.9)


class Refined(NamedTuple):
    """The best fit near a start.

    Attributes:
        positions: of the sources.
        cost: `[B]`, see `ris_tf.receiver.Residual`.
        energy: `[B]` of the residual.
        support: `[B, K]` increase of the cost without each source, the others unmoved; infinite in
            empty slots.
        moving: `[B]` whether more steps would lower the cost further.
    """

    positions: Positions
    cost: tf.Tensor
    energy: tf.Tensor
    support: tf.Tensor
    moving: tf.Tensor


class _State(NamedTuple):
    point: tf.Tensor  # [B, 3 K]: azimuth, elevation, inverse range
    residual: Residual
    information: tf.Tensor
    gradient: tf.Tensor
    damping: tf.Tensor
    moving: tf.Tensor


def refine(
    data: Observed, start: Positions, range_m: tuple[float, float], steps: int = STEPS
) -> Refined:
    """Maximum likelihood from a start, the deterministic or stochastic one of the measurements.

    Levenberg-Marquardt on all scenes at once; a step is kept only where it lowers the cost.
    Steps are taken in the inverse of the range, in which the wavefront is nearly linear, and ranges
    stay within bounds.

    Args:
        data: measurements.
        start: positions within the main lobes of the sources.
        range_m: least and largest range in metres.
        steps: largest number of steps.
    """
    nearest, farthest = range_m
    slots = start.active.shape[-1]
    active = tf.cast(start.active, data.y.dtype.real_dtype)
    least = tf.constant([-WIDEST] * (2 * slots) + [1 / farthest] * slots, active.dtype)
    largest = tf.constant([WIDEST] * (2 * slots) + [1 / nearest] * slots, active.dtype)

    def slopes(point: tf.Tensor, known: Fit) -> tuple[tf.Tensor, tf.Tensor]:
        """Gauss-Newton matrix and gradient by the point's coordinates."""
        slope = tf.concat([tf.ones_like(point[:, : 2 * slots]), -1 / point[:, 2 * slots :] ** 2], 1)
        slope = tf.where(tf.tile(active, [1, 3]) > 0, slope, 1)
        return known.information * slope[:, :, None] * slope[:, None, :], known.gradient * slope

    def trial_of(state: _State) -> tf.Tensor:
        move = _step(state, least, largest, slots)
        return tf.clip_by_value(state.point + move, least, largest)

    def accepted(state: _State, trial: tf.Tensor, after: Residual) -> tuple[tf.Tensor, _State]:
        """Where the trial is better, and the state with those trials accepted.

        A better step ends a scene by its own descent; one that is not, by what it promised: where
        that is much, damping has to find the step that keeps the promise.
        """
        before = state.residual
        better = after.cost < before.cost
        promised = _promised(state, trial - state.point)
        descent = tf.where(better, before.cost - after.cost, promised)
        done = descent <= STILL * before.cost
        damping = next_damping(state.damping, better)
        kept = state._replace(
            point=tf.where(better[:, None], trial, state.point),
            residual=Residual(
                tf.where(better, after.cost, before.cost),
                tf.where(better, after.energy, before.energy),
                tf.where(better[:, None], after.support, before.support),
            ),
            damping=damping,
            moving=state.moving & ~done & (damping < MAX_DAMPING),
        )
        return better, kept

    def body(step: tf.Tensor, state: _State) -> tuple[tf.Tensor, _State]:
        trial = trial_of(state)
        known = fit(data, _coordinates(trial), active)
        better, kept = accepted(state, trial, known.residual)
        information, gradient = slopes(trial, known)
        kept = kept._replace(
            information=tf.where(better[:, None, None], information, state.information),
            gradient=tf.where(better[:, None], gradient, state.gradient),
        )
        return step + 1, kept

    point = tf.concat([start.azimuth, start.elevation, 1 / start.range_m], axis=1)
    point = tf.clip_by_value(tf.cast(point, active.dtype), least, largest)
    known = fit(data, _coordinates(point), active)
    cost = known.residual.cost
    state = _State(point, known.residual, *slopes(point, known), first_damping(cost), cost > 0)
    if steps > 1:
        _, state = tf.while_loop(
            lambda step, state: (step < steps - 1) & tf.reduce_any(state.moving),
            body,
            (tf.constant(0), state),
        )
    trial = trial_of(state)  # no derivatives after the last step
    _, last = accepted(state, trial, residual(data, _coordinates(trial), active))
    return Refined(
        positions=Positions(*_coordinates(last.point), start.active),
        cost=last.residual.cost,
        energy=last.residual.energy,
        support=tf.where(active > 0, last.residual.support, np.inf),
        moving=last.moving,
    )


def _coordinates(point: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    azimuth, elevation, curvature = tf.split(point, 3, axis=1)
    return azimuth, elevation, 1 / curvature


def _promised(state: _State, move: tf.Tensor) -> tf.Tensor:
    """`[B]` descent of the cost by a step, if the model were linear: `2 g^T d - d^T M d`."""
    curved = tf.linalg.matvec(state.information, move)
    return tf.reduce_sum(move * (2 * state.gradient - curved), axis=1)


def _step(state: _State, least: tf.Tensor, largest: tf.Tensor, slots: int) -> tf.Tensor:
    """Damped Gauss-Newton step; coordinates that would cross their bound go as far as to it.

    The others then move as they should when those do not move on: a second solution.
    """
    at_bound = ((state.point <= least) & (state.gradient < 0)) | (
        (state.point >= largest) & (state.gradient > 0)
    )
    free = tf.cast(~at_bound, state.point.dtype)
    move = damped_step(state.information, state.gradient, state.damping, free)
    inside = tf.clip_by_value(state.point + move, least, largest) - state.point
    crossed = tf.cast(inside != move, move.dtype)
    gradient = state.gradient - tf.linalg.matvec(state.information, crossed * inside)
    others = damped_step(state.information, gradient, state.damping, free * (1 - crossed))
    move = tf.where(crossed > 0, inside, others)
    turn = tf.reduce_max(tf.abs(move[:, : 2 * slots]), axis=1, keepdims=True)
    return move * tf.minimum(1.0, tf.cast(WIDEST_STEP, turn.dtype) / tf.maximum(turn, 1e-30))
