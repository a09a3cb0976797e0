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
    """Errors of the estimates that sources were matched to; numpy arrays `[B, K]`.

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
    """Assign estimates to sources so that the summed Cartesian distance is least.

    As many pairs are made as there are sources or estimates, whichever are fewer.

    Args:
        estimate: up to `K` estimates a scene.
        truth: up to `K` sources a scene, in as many slots.
        deviations: of the estimates, if they have any.
    """
    estimate, truth = (Positions(*(tf.constant(axis) for axis in p)) for p in (estimate, truth))
    apart = tf.norm(estimate.cartesian()[:, :, None] - truth.cartesian()[:, None], axis=-1)
    reported, present = estimate.active[:, :, None], truth.active[:, None]
    cost = tf.where(reported * present > 0, apart, UNPAIRED_M * tf.abs(reported - present))
    slot = best_assignment(cost)
    assigned = Positions(*(tf.gather(axis, slot, batch_dims=1) for axis in estimate))
    paired = assigned.active * truth.active > 0
    chord = tf.norm(
        unit_direction(assigned.azimuth, assigned.elevation)
        - unit_direction(truth.azimuth, truth.elevation),
        axis=-1,
    )
    direction_deg = 2 * tf.asin(tf.minimum(chord / 2, 1)) * (180 / math.pi)
    range_m = assigned.range_m - truth.range_m
    in_direction = paired & (direction_deg < FOUND_DEG)
    errors = (
        wrapped(assigned.azimuth - truth.azimuth),
        assigned.elevation - truth.elevation,
        range_m,
        1 / assigned.range_m - 1 / truth.range_m,
        *_assigned(deviations, slot),
        direction_deg,
        tf.norm(assigned.cartesian() - truth.cartesian(), axis=-1),
    )
    return Matched(
        *(np.where(paired, error, np.nan) for error in errors),
        source=truth.active.numpy() > 0,
        in_direction=in_direction.numpy(),
        in_position=(in_direction & (tf.abs(range_m) < FOUND_M)).numpy(),
        reported=estimate.count.numpy(),
    )


def _assigned(deviations: Deviations | None, slot: tf.Tensor) -> list[np.ndarray]:
    """Deviations in the order of the sources; NaN where there are none."""
    if deviations is None:
        return [np.full(slot.shape, np.nan)] * len(Deviations._fields)
    return [np.take_along_axis(np.asarray(axis), slot.numpy(), axis=1) for axis in deviations]
