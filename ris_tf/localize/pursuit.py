"""Newtonised orthogonal matching pursuit in the measurement domain (SPEC 8).

Match on a grid, refine all sources found so far, subtract, repeat (Mamandipoor, Ramasamy and
Madhow, "Newtonized orthogonal matching pursuit", IEEE Trans. Signal Process. 64(19), 2016).
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.localize.model import Observed, orthonormal, squared_sum
from ris_tf.localize.positions import Positions, nowhere, where
from ris_tf.localize.refine import Refined, refine
from ris_tf.localize.spectra import SearchGrid, search_grid, spacing
from ris_tf.scene import steering_vectors

BEAM_SHARE = 0.8  # of a beam's width between directions of the starting grid
CORNER_PHASE = 7.0  # radians of curvature at the panel's corners between planes
LEAST_OUTSIDE = 0.02  # share of a response that must not be explained by the sources found
PATH_STEPS = 4  # of refinement after each source


Place = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # azimuth, elevation, range: `[B]` each


class Atoms(NamedTuple):
    """Responses of the receiver to a source at each point of a grid.

    Attributes:
        azimuth: `[P]` float32 radians, as the others.
        elevation: `[P]`.
        range_m: `[P]` metres.
        heard: `[B, G, D, P]` complex64, `Phi_l a`.
        power: `[B, G, P]` float32, `|Phi_l a|^2`.
        around: steps of half a cell in azimuth, elevation and inverse range, `[27]` each.
    """

    azimuth: tf.Tensor
    elevation: tf.Tensor
    range_m: tf.Tensor
    heard: tf.Tensor
    power: tf.Tensor
    around: Place


def starting_grid(config: Config) -> SearchGrid:
    """A grid just fine enough to start from: parts of a beam, a few radians of curvature."""
    geometry, scene = config.geometry, config.scene

    def points(interval: tuple[float, float], elements: int) -> int:
        step = BEAM_SHARE / (elements * geometry.spacing)
        return 1 + math.ceil(math.radians(interval[1] - interval[0]) / step)

    corner = (
        (geometry.columns**2 + geometry.rows**2)
        / 4
        * (geometry.spacing * geometry.wavelength_m) ** 2
    )
    curvature = 1 / scene.range_m[0] - 1 / scene.range_m[1]
    phase = math.pi / geometry.wavelength_m * corner * curvature
    return search_grid(
        scene,
        points(scene.azimuth_deg, geometry.columns),
        points(scene.elevation_deg, geometry.rows),
        1 + math.ceil(phase / CORNER_PHASE),
    )


def atoms(data: Observed, grid: SearchGrid) -> Atoms:
    """What the receiver hears of a source at each point of a grid."""
    axes = [axis.astype(np.float32) for axis in grid]
    azimuth, elevation, range_m = (
        tf.constant(x.ravel()) for x in np.meshgrid(*axes, indexing="ij")
    )
    vectors = steering_vectors(data.panel, azimuth, elevation, range_m)
    parts = tf.concat([tf.math.real(vectors), tf.math.imag(vectors)], axis=0)
    sensing = tf.reshape(data.sensing, [-1, vectors.shape[-1]])
    products = tf.matmul(sensing, parts, transpose_b=True)
    products = tf.reshape(products, [data.y.shape[0], 2, *data.y.shape[1:], 2, -1])
    heard = tf.complex(
        products[:, 0, ..., 0, :] - products[:, 1, ..., 1, :],
        products[:, 1, ..., 0, :] + products[:, 0, ..., 1, :],
    )
    half = (spacing(axis) / 2 for axis in (grid.azimuth, grid.elevation, 1 / grid.range_m))
    steps = np.meshgrid(*(size * np.array([-1, 0, 1]) for size in half))
    around = tuple(tf.constant(axis.ravel(), tf.float32) for axis in steps)
    return Atoms(azimuth, elevation, range_m, heard, squared_sum(heard, [2]), around)


def best_atom(
    table: Atoms, data: Observed, found: Positions, elsewhere: Place | None = None
) -> Place:
    """Where a source, added to those found, explains most of the measurement.

    The best point of the grid, then the best of those half a cell around it.

    Args:
        table: the grid.
        data: measurements.
        found: sources.
        elsewhere: directions `[B]` that the point must be more than a cell away from.

    Returns:
        The place in each scene.
    """
    vectors = steering_vectors(data.panel, *found.coordinates)
    columns = data.at_receiver(vectors * tf.complex(found.active, 0.0)[..., None])
    gained = explained(table.heard, table.power, data.y, columns)
    if elsewhere:
        apart = [
            tf.abs(axis - mine[:, None]) > 2 * tf.reduce_max(half)
            for axis, mine, half in zip(
                (table.azimuth, table.elevation), elsewhere[:2], table.around[:2], strict=True
            )
        ]
        gained = tf.where(apart[0] | apart[1], gained, 0)
    best = tf.argmax(gained, axis=-1)
    azimuth, elevation, range_m = (
        tf.gather(axis, best)[:, None] + step
        for axis, step in zip(
            (table.azimuth, table.elevation, 1 / table.range_m), table.around, strict=True
        )
    )
    # Between the planes, but no nearer than the nearest and no farther than the farthest.
    ranges = 1 / range_m
    ranges = tf.where(range_m > 0, ranges, tf.reduce_max(table.range_m))
    ranges = tf.clip_by_value(ranges, tf.reduce_min(table.range_m), tf.reduce_max(table.range_m))
    near = tf.linalg.matrix_transpose(
        data.at_receiver(steering_vectors(data.panel, azimuth, elevation, ranges))
    )
    best = tf.argmax(explained(near, squared_sum(near, [2]), data.y, columns), axis=-1)
    return tuple(tf.gather(axis, best, batch_dims=1) for axis in (azimuth, elevation, ranges))


def explained(heard: tf.Tensor, power: tf.Tensor, y: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """How much less energy each response would leave, fitted together with some columns.

    `sum_l |h^H P_perp y|^2 / |P_perp h|^2`.

    Args:
        heard: `[B, G, D, P]` complex responses `h`.
        power: `[B, G, P]` their energy.
        y: `[B, G, D]` complex measurements.
        columns: `[B, G, K, D]` complex; zero where inactive.

    Returns:
        `[B, P]` real.
    """
    basis = orthonormal(columns)
    inside = tf.matmul(tf.math.conj(basis), y[..., None])
    residual = y - tf.reduce_sum(inside * basis, axis=2)
    left = tf.concat([residual[:, :, None], basis], axis=2)
    seen = tf.matmul(tf.math.conj(left), heard)
    seen = tf.math.real(seen) ** 2 + tf.math.imag(seen) ** 2
    outside = power - tf.reduce_sum(seen[:, :, 1:], axis=2)
    gained = tf.math.divide_no_nan(seen[:, :, 0], tf.maximum(outside, LEAST_OUTSIDE * power))
    return tf.reduce_sum(gained, axis=1)


def selected(data: Observed, candidates: Positions, most: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Orthogonal matching pursuit among given positions, none of which is moved.

    Args:
        data: measurements.
        candidates: `[B, C]` positions to choose from.
        most: how many to choose, at most `C`.

    Returns:
        `[B, most]` which, in the order in which they were chosen, and `[B, most + 1]` the energy
        that the first 0, 1, .. of them leave.
    """
    vectors = steering_vectors(data.panel, *candidates.coordinates)
    columns = data.at_receiver(vectors * tf.complex(candidates.active, 0.0)[..., None])
    heard = tf.linalg.matrix_transpose(columns)
    power = squared_sum(heard, [2])
    taken = tf.zeros_like(candidates.active)
    energy, order = [squared_sum(data.y, [1, 2])], []
    for _ in range(most):
        masked = columns * tf.complex(taken, 0.0)[:, None, :, None]
        gained = explained(heard, power, data.y, masked) * (1 - taken)
        order.append(tf.argmax(gained, axis=-1))
        energy.append(energy[-1] - tf.reduce_max(gained, axis=-1))
        taken += tf.one_hot(order[-1], candidates.active.shape[-1])
    return tf.stack(order, axis=1), tf.stack(energy, axis=1)


class Path(NamedTuple):
    """What each number of sources explains.

    Attributes:
        positions: of 0, 1, .. `K` sources, in that order.
        energy: `[B, K + 1]` what they leave.
    """

    positions: list[Positions]
    energy: tf.Tensor


def pursue(data: Observed, table: Atoms, most: int, range_m: tuple[float, float]) -> Path:
    """Add the best atom and refine all sources, until there are `most`."""
    batch = data.y.shape[0]
    found = nowhere(batch, 0, range_m[1])
    path, energy = [found.padded(most, range_m[1])], [squared_sum(data.y, [1, 2])]
    for _ in range(most):
        start = found.joined(best_atom(table, data, found))
        refined = refine(data, start, range_m, PATH_STEPS)
        found = refined.positions
        path.append(found.padded(most, range_m[1]))
        energy.append(refined.energy)
    return Path(path, tf.stack(energy, axis=1))


def with_one_more(
    data: Observed,
    table: Atoms,
    found: Positions,
    range_m: tuple[float, float],
    elsewhere: Place | None = None,
) -> Refined:
    """The best atom in the first free slot, and all sources refined."""
    free = tf.argmin(found.active, axis=-1)
    start = found.with_source(free, best_atom(table, data, found, elsewhere))
    return refine(data, start, range_m, PATH_STEPS)


def rearranged(
    data: Observed,
    table: Atoms,
    found: Positions,
    least_drop: tf.Tensor,
    most: tf.Tensor,
    range_m: tuple[float, float],
) -> Positions:
    """Leave out each source in turn: for good, or to match it anew; then try one more.

    What a greedy search took for one source between two is mended here.

    Args:
        data: measurements.
        table: atoms to match.
        found: refined positions.
        least_drop: `[B]` energy that a source must explain.
        most: `[B]` int32 sources that there may be.
        range_m: least and largest range in metres.
    """

    def refined(start: Positions) -> tuple[Positions, tf.Tensor]:
        return refine(data, start, range_m, PATH_STEPS)[:2]

    found, energy = refined(found)
    for slot in range(found.active.shape[-1]):
        others, without = refined(found.without(slot))
        here = tuple(axis[:, slot] for axis in found.coordinates)
        place = best_atom(table, data, others, elsewhere=here)
        moved, after = refined(others.with_source(slot, place))
        present = found.active[:, slot] > 0
        needed = without - tf.minimum(energy, after) >= least_drop
        better = present & needed & (after < energy)
        found, energy = where(better, moved, found), tf.where(better, after, energy)
        idle = present & ~needed
        found, energy = where(idle, others, found), tf.where(idle, without, energy)
    more, after = with_one_more(data, table, found, range_m)[:2]
    wanted = (found.count < most) & (energy - after >= least_drop)
    return where(wanted, more, found)
