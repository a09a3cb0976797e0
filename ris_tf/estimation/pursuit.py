"""Newtonised orthogonal matching pursuit in the measurement domain (SPEC 8).

Match on a grid, refine all sources fitted so far, subtract, repeat (Mamandipoor, Ramasamy and
Madhow, "Newtonized orthogonal matching pursuit", IEEE Trans. Signal Process. 64(19), 2016).
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.cost import starting_points
from ris_tf.receiver import Observed, basis_of, left_out, squared_sum
from ris_tf.scene import steering_vectors
from ris_tf.scene.positions import Place, Positions
from ris_tf.spectrum.spectra import ScanGrid, scan_grid, spacing

TINY = 1e-30  # added to an energy that is divided by
LARGEST_FACTOR = 1e9  # of signal over noise, whose fourth power is a float32
LEAST_OUTSIDE = 0.02  # share of a response that must be outside the span of the fitted sources


class Atoms(NamedTuple):
    """Responses of the receiver to a source at each of some places.

    Attributes:
        places: azimuth, elevation in radians and range in metres, `[B, P]` float32 each.
        responses: `[B, G, D, P]` complex64, `Phi_l a`.
        power: `[B, G, P]` float32, `|Phi_l a|^2`.
    """

    places: Place
    responses: tf.Tensor
    power: tf.Tensor


def starting_grid(config: Config) -> ScanGrid:
    """A grid just fine enough to start from: parts of a beam, a few radians of curvature."""
    return scan_grid(config.scene, *starting_points(config))


def atoms_of_grid(data: Observed, grid: ScanGrid) -> Atoms:
    """Responses to a source at each point of a grid."""
    axes = [axis.astype(np.float32) for axis in grid]
    points = tuple(tf.constant(x.ravel()) for x in np.meshgrid(*axes, indexing="ij"))
    vectors = steering_vectors(data.panel, *points)
    places = tuple(tf.tile(axis[None], [tf.shape(data.y)[0], 1]) for axis in points)
    responses = data.at_receiver(vectors)
    return Atoms(places, responses, squared_sum(responses, [2]))


def atoms_at(data: Observed, places: Place) -> Atoms:
    """Responses to sources at `[B, P]` places, such as proposals of a network."""
    responses = data.at_receiver(steering_vectors(data.panel, *places))
    return Atoms(places, responses, squared_sum(responses, [2]))


def cell_of(grid: ScanGrid) -> tuple[float, float, float]:
    """A grid's spacing in azimuth and elevation (radians) and inverse range (1/m)."""
    return spacing(grid.azimuth), spacing(grid.elevation), spacing(1 / grid.range_m)


def best_atom(table: Atoms, data: Observed, fitted: Positions) -> Place:
    """The place `[B]` where one more source explains the largest share of the measurement.

    Args:
        table: atoms of the places.
        data: measurements.
        fitted: sources so far.
    """
    return _best(table.places, explained(table, data, _responses(data, fitted)))


class Exchanges(NamedTuple):
    """Places that may replace sources, `P` for each of `K` sources: the peaks of what is explained.

    Attributes:
        places: azimuth, elevation in radians and range in metres, `[B, K, P]` each.
        gain: `[B, K, P]` by how much more such a place lowers the cost than the source does,
            nothing refined; -inf where there is no such peak or no such source.
    """

    places: Place
    gain: tf.Tensor


def exchanges(
    table: Atoms,
    data: Observed,
    fitted: Positions,
    grid: ScanGrid,
    cell: tuple[float, float, float],
    peaks: int,
) -> Exchanges:
    """The best places for each source, the others staying as they are.

    With the source `k` left out, the others lack one direction `q`: what sources explain,
    `B B^H`, loses `q q^H`. So the inner products of the atoms with the residuals, with those
    directions and with the whole basis give what an atom explains beside the others, for all
    sources at once.

    Args:
        table: atoms of the whole grid.
        data: measurements.
        fitted: `[B, K]` sources.
        grid: whose points the places are.
        cell: its spacing; places within one in all three coordinates are the source itself.
        peaks: `P`.
    """
    slots = fitted.active.shape[1]
    columns = _responses(data, fitted)
    part = left_out(data, columns)
    vectors = tf.concat([part.residuals, part.directions, part.basis], axis=-1)
    inner = _inner_energy(vectors, table)
    power = (table.power - tf.reduce_sum(inner[:, :, 2 * slots :], axis=2))[:, :, None]
    outside = power + inner[:, :, slots : 2 * slots]
    least = LEAST_OUTSIDE * table.power[:, :, None]
    others = squared_sum(columns, [1, 2])
    others = tf.reduce_sum(others, axis=1, keepdims=True) - others
    drop = _gain(data, inner[:, :, :slots], tf.maximum(outside, least), _ridge(data, table, others))
    own = [
        tf.abs(axis[:, None] - mine[..., None]) <= size
        for axis, mine, size in zip(
            (*table.places[:2], 1 / table.places[2]),
            (*fitted.coordinates[:2], 1 / fitted.range_m),
            cell,
            strict=True,
        )
    ]
    drop = tf.maximum(tf.where(own[0] & own[1] & own[2], tf.zeros_like(drop), drop), 0)
    point, height = _highest_peaks(drop, grid, peaks)
    places = tuple(tf.gather(axis, point, batch_dims=1) for axis in table.places)
    gain = tf.where(height > 0, height - part.support[..., None], -np.inf)
    return Exchanges(places, tf.where(fitted.active[..., None] > 0, gain, -np.inf))


def _highest_peaks(drop: tf.Tensor, grid: ScanGrid, peaks: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Points of the grid and heights, `[B, K, peaks]`, of peaks over directions, at best ranges."""
    batch, slots = tf.shape(drop)[0], drop.shape[1]
    azimuths, elevations, planes = map(len, grid)
    whole = tf.reshape(drop, [-1, azimuths, elevations, planes])
    plane, height = tf.argmax(whole, -1, tf.int32), tf.reduce_max(whole, -1)
    around = tf.nn.max_pool2d(height[..., None], 3, 1, "SAME")[..., 0]
    peak = tf.where(height >= around, height, 0)
    directions = azimuths * elevations
    best, direction = tf.math.top_k(tf.reshape(peak, [-1, directions]), min(peaks, directions))
    plane = tf.gather(tf.reshape(plane, [-1, directions]), direction, batch_dims=1)
    point = direction * planes + plane
    each = [batch, slots, point.shape[1]]
    return tf.reshape(point, each), tf.reshape(best, each)


def best_around(
    place: Place,
    data: Observed,
    fitted: Positions,
    cell: tuple[float, float, float],
    range_m: tuple[float, float],
) -> Place:
    """The best of the 27 places half a cell around one, within bounds of the range."""
    steps = np.meshgrid(*(size / 2 * np.array([-1, 0, 1], np.float32) for size in cell))
    azimuth, elevation, curvature = (
        axis[:, None] + step.ravel()
        for axis, step in zip((*place[:2], 1 / place[2]), steps, strict=True)
    )
    curvature = tf.clip_by_value(curvature, 1 / range_m[1], 1 / range_m[0])
    around = atoms_at(data, (azimuth, elevation, 1 / curvature))
    return _best(around.places, explained(around, data, _responses(data, fitted)))


def _responses(data: Observed, fitted: Positions) -> tf.Tensor:
    """Responses to sources: `[B, G, D, K]` complex, zero where inactive."""
    vectors = steering_vectors(data.panel, *fitted.coordinates)
    return data.at_receiver(vectors * tf.complex(fitted.active, 0.0)[..., None])


def _best(places: Place, drop: tf.Tensor) -> Place:
    best = tf.argmax(drop, axis=-1)
    azimuth, elevation, range_m = (tf.gather(axis, best, batch_dims=1) for axis in places)
    return azimuth, elevation, range_m


def explained(table: Atoms, data: Observed, columns: tf.Tensor) -> tf.Tensor:
    """By how much each atom, fitted together with some columns, lowers the cost.

    For the deterministic likelihood `sum_l |h^H P_perp y|^2 / |P_perp h|^2`, for the stochastic one
    `sum_l |h^H r|^2 / (s + rho) - sigma^2 log(1 + s / rho)`, `s` the part of `|h|^2` that the
    columns leave and `rho` the ridge.

    Args:
        table: atoms with responses `h`.
        data: measurements.
        columns: `[B, G, D, K]` complex; zero where inactive.

    Returns:
        `[B, P]` real.
    """
    basis = basis_of(data, columns)
    residual = data.y[..., None]
    residual -= tf.matmul(basis, tf.matmul(basis, residual, adjoint_a=True))
    inner = _inner_energy(tf.concat([residual, basis], axis=-1), table)
    outside = table.power - tf.reduce_sum(inner[:, :, 1:], axis=2)
    return _drop(data, inner[:, :, 0], outside, table, squared_sum(columns, [1, 2, 3]))


def best_in_turn(table: Atoms, data: Observed, count: int) -> tuple[Positions, tf.Tensor]:
    """Orthogonal matching pursuit: in turn the atom that lowers the cost furthest.

    Pati, Rezaiifar and Krishnaprasad, "Orthogonal matching pursuit", Asilomar 1993; with the
    stochastic likelihood, as Tipping and Faul, "Fast marginal likelihood maximisation for sparse
    Bayesian models", AISTATS 2003.

    Args:
        table: atoms.
        data: measurements.
        count: sources, less than `D`.

    Returns:
        Positions of as many sources, and `[B, count + 1]` the cost of the first 0, 1, .. of them.
    """
    chosen, drops = [], []
    columns = table.responses[..., :0]
    for _ in range(count):
        drop = explained(table, data, columns)
        best = tf.argmax(drop, axis=-1)
        atom = tf.gather(table.responses, best, axis=3, batch_dims=1)[..., None]
        columns = tf.concat([columns, atom], axis=-1)
        chosen.append(best)
        drops.append(tf.gather(drop, best, batch_dims=1))
    best = tf.stack(chosen, axis=1)
    azimuth, elevation, range_m = (tf.gather(axis, best, batch_dims=1) for axis in table.places)
    fitted = Positions(azimuth, elevation, range_m, tf.ones_like(azimuth))
    whole = squared_sum(data.y, [1, 2])[:, None]
    cost = tf.concat([whole, whole - tf.cumsum(tf.stack(drops, axis=1), axis=1)], axis=1)
    return fitted, cost


def _inner_energy(vectors: tf.Tensor, table: Atoms) -> tf.Tensor:
    """`|v^H h|^2` of `[B, G, D, V]` vectors: `[B, G, V, P]` real."""
    inner = tf.matmul(vectors, table.responses, adjoint_a=True)
    return tf.math.real(inner) ** 2 + tf.math.imag(inner) ** 2


def _drop(
    data: Observed, inner: tf.Tensor, outside: tf.Tensor, table: Atoms, others: tf.Tensor
) -> tf.Tensor:
    """`[B, P]` gain of atoms beside columns of an energy of `others`, `[B]`."""
    least = tf.maximum(outside, LEAST_OUTSIDE * table.power)
    ridge = _ridge(data, table, others[:, None])
    return _gain(data, inner[:, :, None], least[:, :, None], ridge)[:, 0]


def _ridge(data: Observed, table: Atoms, others: tf.Tensor) -> tf.Tensor:
    """`[B, 1, V, P]` the ridge of one more source beside `V` sets of sources, all equally strong.

    Args:
        data: measurements.
        table: atoms.
        others: `[B, V]` energy of the responses of each set.
    """
    whole = others[..., None] + tf.reduce_sum(table.power, axis=1)[:, None]
    if data.noise is None:
        return tf.zeros_like(whole)[:, None]
    return (data.noise / data.signal)[:, None, None, None] * whole[:, None]


def _gain(data: Observed, inner: tf.Tensor, outside: tf.Tensor, ridge: tf.Tensor) -> tf.Tensor:
    """`[B, V, P]` by how much one more source lowers the cost.

    Args:
        data: measurements.
        inner: `[B, G, V, P]` energy of the residual along the atoms.
        outside: `[B, G, V, P]` energy of the atoms that is left.
        ridge: `[B, 1, V, P]`.
    """
    explained = tf.reduce_sum(tf.math.divide_no_nan(inner, outside + ridge), axis=1)
    if data.noise is None:
        return explained
    factors = tf.minimum(1 + tf.math.divide_no_nan(outside, ridge), LARGEST_FACTOR)
    logarithms = [tf.math.log(tf.reduce_prod(x, axis=1)) for x in _by_four(factors)]
    price = tf.reduce_sum(logarithms, axis=0)
    return explained - data.noise[:, None, None] * tf.where(ridge[:, 0] > 0, price, 0)


def _by_four(factors: tf.Tensor) -> list[tf.Tensor]:
    """Parts of at most four groups, whose product stays in range: a logarithm each is enough."""
    return [factors[:, first : first + 4] for first in range(0, factors.shape[1], 4)]
