"""Assignment of estimates to sources, and their errors (SPEC 8)."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.estimation.uncertainty import Deviations
from ris_tf.objective.slots import best_assignment, wrapped
from ris_tf.scene import unit_direction
from ris_tf.scene.positions import Positions

FOUND_DEG = 5.0  # great-circle error below which a source counts as found in direction
FOUND_M = 1.0  # and range error, in position
UNPAIRED_M = 1e4  # cost of a source without estimate or an estimate without source


class Matched(NamedTuple):
    """Errors of the estimates that sources were matched to, `[B, K]`: numpy arrays, or tensors.

    Errors are NaN for sources without estimate and for empty slots.

    Attributes:
        azimuth: signed error in radians, between -pi and pi.
        elevation: signed error in radians.
        range_m: signed error in metres.
        curvature: signed error of `1 / r`, in `1 / m`.
        azimuth_std: standard deviation of the estimate, as `Deviations` has it; NaN without any.
        elevation_std: the same.
        curvature_std: the same.
        direction_deg: great-circle error in degrees.
        distance_m: Cartesian error in metres.
        source: whether the slot has a source.
        in_direction: whether the source is found in direction, within 5 degrees.
        in_position: whether it is found in position: also within 1 m of range.
        reported: `[B]` number of estimates.
    """

    azimuth: np.ndarray
    elevation: np.ndarray
    range_m: np.ndarray
    curvature: np.ndarray
    azimuth_std: np.ndarray
    elevation_std: np.ndarray
    curvature_std: np.ndarray
    direction_deg: np.ndarray
    distance_m: np.ndarray
    source: np.ndarray
    in_direction: np.ndarray
    in_position: np.ndarray
    reported: np.ndarray


def matched(estimate: Positions, truth: Positions, deviations: Deviations | None = None) -> Matched:
    """`match`, as numpy arrays, of positions that may be numpy arrays.

    Args:
        estimate: up to `Q` estimates a scene.
        truth: up to `K` sources a scene.
        deviations: of the estimates, if they have any.
    """
    estimate, truth = (Positions(*(tf.constant(axis) for axis in p)) for p in (estimate, truth))
    return Matched(*(np.asarray(field) for field in match(estimate, truth, deviations)))


def match(estimate: Positions, truth: Positions, deviations: Deviations | None = None) -> Matched:
    """Assign estimates to sources so that the summed Cartesian distance is least.

    As many pairs are made as there are sources or estimates, whichever are fewer.

    Args:
        estimate: up to `Q` estimates a scene, tensors.
        truth: up to `K` sources a scene.
        deviations: of the estimates, if they have any.
    """
    reported = estimate.count
    estimate = estimate.padded(max(estimate.active.shape[1], truth.active.shape[1]), 1.0)
    at, true_at = estimate.cartesian(), truth.cartesian()
    apart = tf.norm(at[:, :, None] - true_at[:, None], axis=-1)
    mine, present = estimate.active[:, :, None], truth.active[:, None]
    cost = tf.where(mine * present > 0, apart, UNPAIRED_M * tf.abs(mine - present))
    slot = best_assignment(cost)
    assigned = Positions(*(tf.gather(axis, slot, batch_dims=1) for axis in estimate))
    paired = assigned.active * truth.active > 0
    range_m = assigned.range_m - truth.range_m
    direction_deg = great_circle_deg(assigned, truth)
    in_direction = paired & (direction_deg < FOUND_DEG)
    errors = (
        wrapped(assigned.azimuth - truth.azimuth),
        assigned.elevation - truth.elevation,
        range_m,
        1 / assigned.range_m - 1 / truth.range_m,
        *_assigned(deviations, slot, estimate.active.shape[1]),
        direction_deg,
        tf.norm(tf.gather(at, slot, batch_dims=1) - true_at, axis=-1),
    )
    return Matched(
        *(tf.where(paired, error, np.nan) for error in errors),
        source=truth.active > 0,
        in_direction=in_direction,
        in_position=in_direction & (tf.abs(range_m) < FOUND_M),
        reported=reported,
    )


def on_unit_sphere(positions: Positions) -> Positions:
    """Positions without their ranges: matched by direction alone, where sources' are not known."""
    return positions._replace(range_m=tf.ones_like(positions.range_m))


def great_circle_deg(one: Positions, other: Positions) -> tf.Tensor:
    """`[B, K]` degrees between two directions, from their chord: a small angle's cosine is 1."""
    chord = tf.norm(
        unit_direction(one.azimuth, one.elevation) - unit_direction(other.azimuth, other.elevation),
        axis=-1,
    )
    return 2 * tf.asin(tf.minimum(chord / 2, 1)) * (180 / math.pi)


def _assigned(deviations: Deviations | None, slot: tf.Tensor, slots: int) -> list[tf.Tensor]:
    """Deviations in the order of the sources; NaN where there are none."""
    if deviations is None:
        return [tf.fill(tf.shape(slot), np.float32(np.nan))] * len(Deviations._fields)
    missing = [[0, 0], [0, slots - deviations.azimuth.shape[1]]]
    padded = (tf.pad(tf.constant(axis), missing, constant_values=np.nan) for axis in deviations)
    return [tf.gather(axis, slot, batch_dims=1) for axis in padded]
