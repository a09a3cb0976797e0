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
from ris_tf.localize.positions import Place, Positions, nowhere, where
from ris_tf.localize.refine import Refined, refine
from ris_tf.localize.spectra import SearchGrid, search_grid, spacing
from ris_tf.scene import steering_vectors

BEAM_SHARE = 0.8  # of a beam's width between directions of the starting grid
CORNER_PHASE = 7.0  # radians of curvature at the panel's corners between planes
LEAST_OUTSIDE = 0.02  # share of a response that must not be explained by the sources found
PATH_STEPS = 4  # of refinement after each source
LIKELY_STEPS = 1  # the same where places are good already


class Atoms(NamedTuple):
    """Responses of the receiver to sources in places where to look for them.

    Attributes:
        places: azimuth, elevation in radians and range in metres, `[B, P]` float32 each.
        heard: `[B, G, D, P]` complex64, `Phi_l a`.
        power: `[B, G, P]` float32, `|Phi_l a|^2`.
        cell: of the grid: radians of azimuth, of elevation, and inverse metres.
        gridded: whether places are points of the grid, so that better ones lie around them.
    """

    places: Place
    heard: tf.Tensor
    power: tf.Tensor
    cell: tuple[float, float, float]
    gridded: bool


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
    points = tuple(tf.constant(x.ravel()) for x in np.meshgrid(*axes, indexing="ij"))
    vectors = steering_vectors(data.panel, *points)
    parts = tf.concat([tf.math.real(vectors), tf.math.imag(vectors)], axis=0)
    sensing = tf.reshape(data.sensing, [-1, vectors.shape[-1]])
    products = tf.matmul(sensing, parts, transpose_b=True)
    products = tf.reshape(products, [data.y.shape[0], 2, *data.y.shape[1:], 2, -1])
    heard = tf.complex(
        products[:, 0, ..., 0, :] - products[:, 1, ..., 1, :],
        products[:, 1, ..., 0, :] + products[:, 0, ..., 1, :],
    )
    places = tuple(tf.tile(axis[None], [data.y.shape[0], 1]) for axis in points)
    return Atoms(places, heard, squared_sum(heard, [2]), _cell(grid), gridded=True)


def likely_atoms(data: Observed, grid: SearchGrid, places: Place) -> Atoms:
    """The same at `[B, P]` places that something else found likely."""
    heard = tf.linalg.matrix_transpose(data.at_receiver(steering_vectors(data.panel, *places)))
    return Atoms(places, heard, squared_sum(heard, [2]), _cell(grid), gridded=False)


def _cell(grid: SearchGrid) -> tuple[float, float, float]:
    return spacing(grid.azimuth), spacing(grid.elevation), spacing(1 / grid.range_m)


def best_atom(
    table: Atoms, data: Observed, found: Positions, elsewhere: Place | None = None
) -> Place:
    """Where a source, added to those found, explains most of the measurement.

    The best of the places; of a grid, then the best of those half a cell around it.

    Args:
        table: the places.
        data: measurements.
        found: sources.
        elsewhere: directions `[B]` that the place must be more than a cell away from.

    Returns:
        The place in each scene.
    """
    vectors = steering_vectors(data.panel, *found.coordinates)
    columns = data.at_receiver(vectors * tf.complex(found.active, 0.0)[..., None])
    gained = explained(table.heard, table.power, data.y, columns)
    if elsewhere:
        azimuth, elevation = (
            tf.abs(axis - mine[:, None]) > cell
            for axis, mine, cell in zip(
                table.places[:2], elsewhere[:2], table.cell[:2], strict=True
            )
        )
        gained = tf.where(azimuth | elevation, gained, 0)
    best = tf.argmax(gained, axis=-1)
    place = tuple(tf.gather(axis, best, batch_dims=1) for axis in table.places)
    return _best_around(place, table, data, columns) if table.gridded else place


def _best_around(place: Place, table: Atoms, data: Observed, columns: tf.Tensor) -> Place:
    """The best of the 27 places half a cell around one."""
    steps = np.meshgrid(*(size / 2 * np.array([-1, 0, 1], np.float32) for size in table.cell))
    azimuth, elevation, curvature = (
        axis[:, None] + step.ravel()
        for axis, step in zip((*place[:2], 1 / place[2]), steps, strict=True)
    )
    # Between the planes, but no nearer than the nearest and no farther than the farthest.
    planes = table.places[2]
    curvature = tf.clip_by_value(curvature, 1 / tf.reduce_max(planes), 1 / tf.reduce_min(planes))
    around = azimuth, elevation, 1 / curvature
    heard = tf.linalg.matrix_transpose(data.at_receiver(steering_vectors(data.panel, *around)))
    best = tf.argmax(explained(heard, squared_sum(heard, [2]), data.y, columns), axis=-1)
    return tuple(tf.gather(axis, best, batch_dims=1) for axis in around)


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


class Path(NamedTuple):
    """What each number of sources explains.

    Attributes:
        positions: of 0, 1, .. `K` sources, in that order.
        energy: `[B, K + 1]` what they leave.
    """

    positions: list[Positions]
    energy: tf.Tensor


def pursue(
    data: Observed,
    table: Atoms,
    most: int,
    range_m: tuple[float, float],
    steps: int = PATH_STEPS,
) -> Path:
    """Add the best atom and refine all sources, until there are `most`."""
    batch = data.y.shape[0]
    found = nowhere(batch, 0, range_m[1])
    path, energy = [found.padded(most, range_m[1])], [squared_sum(data.y, [1, 2])]
    for _ in range(most):
        start = found.joined(best_atom(table, data, found))
        refined = refine(data, start, range_m, steps)
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
