"""From a spectrum to positions: peaks of the grid, then the peak of the continuous spectrum."""

import tensorflow as tf

from ris_tf.parts import real_rows
from ris_tf.products import matmul
from ris_tf.scene import Panel, phase_derivatives, steering_vectors
from ris_tf.scene.positions import Place, Positions
from ris_tf.spectrum.levenberg import damped_step, first_damping, next_damping
from ris_tf.spectrum.spectra import ScanGrid, Spectrum, spacing

SUPPRESSED = 3  # grid cells (SPEC 8)
STEPS = 8


def peaks(
    spectrum: Spectrum, grid: ScanGrid, slots: int, suppressed: int = SUPPRESSED
) -> tuple[Positions, tf.Tensor]:
    """The highest peaks of the grid, highest first.

    A peak is the largest value within some grid cells in azimuth and elevation.

    Args:
        spectrum: `[B, A, E]`.
        grid: of the spectrum.
        slots: of the result.
        suppressed: grid cells around a peak without another peak.

    Returns:
        Positions and power, `[B, slots]` each; the power is 0 where the spectrum has fewer peaks.
    """
    power = spectrum.power
    width = 2 * suppressed + 1
    around = tf.nn.max_pool2d(power[..., None], width, 1, "SAME")[..., 0]
    flat = tf.reshape(tf.where(power >= around, power, 0), [power.shape[0], -1])
    flat = tf.pad(flat, [[0, 0], [0, max(slots - flat.shape[1], 0)]])
    height, index = tf.math.top_k(flat, slots)
    index = tf.minimum(index, power.shape[1] * power.shape[2] - 1)
    places = _places(spectrum, grid, index)
    return Positions(*places, active=tf.cast(height > 0, tf.float32)), height


def highest(spectrum: Spectrum, grid: ScanGrid, count: int) -> Place:
    """The directions where the spectrum is highest, also neighbouring ones, and the range of each.

    Args:
        spectrum: `[B, A, E]`.
        grid: of the spectrum.
        count: how many, at most all.

    Returns:
        Azimuth, elevation in radians and range in metres, `[B, count]` each.
    """
    flat = tf.reshape(spectrum.power, [spectrum.power.shape[0], -1])
    index = tf.math.top_k(flat, min(count, flat.shape[1]), sorted=False).indices
    return _places(spectrum, grid, index)


def _places(spectrum: Spectrum, grid: ScanGrid, index: tf.Tensor) -> Place:
    """Directions of `[B, K]` points of the grid, and the range of each."""
    batch, _, elevations = spectrum.power.shape
    ranges = tf.reshape(spectrum.range_m, [batch, -1])
    return (
        tf.gather(tf.constant(grid.azimuth, tf.float32), index // elevations),
        tf.gather(tf.constant(grid.elevation, tf.float32), index % elevations),
        tf.gather(ranges, index, batch_dims=1),
    )


def sharpened(
    panel: Panel, basis: tf.Tensor, coarse: Positions, grid: ScanGrid, steps: int = STEPS
) -> Positions:
    """Move each peak of the grid to the nearest of the continuous spectrum `1 / (1 - |W^H a|^2)`.

    Gauss-Newton in azimuth, elevation and inverse range at once, since direction and range of a
    near-field peak are coupled; a parabola through grid points would treat each alone. A step is at
    most one cell wide and is kept where it lowers `1 - |W^H a|^2`.

    Args:
        panel: the nominal panel.
        basis: `[B, N, r]` complex64, `W`: a signal subspace, or `mvdr_basis`.
        coarse: peaks of the grid.
        grid: whose cells and range planes bound a step.
        steps: how many.
    """
    curvature = 1 / grid.range_m
    lowest, highest = float(curvature.min()), float(curvature.max())
    cell = tf.constant([spacing(grid.azimuth), spacing(grid.elevation), spacing(curvature)])

    def outside(point: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        coordinates = point[..., 0], point[..., 1], 1 / point[..., 2]
        vectors = steering_vectors(panel, *coordinates)[..., None, :]
        re, im = tf.math.real(vectors), tf.math.imag(vectors)
        turns = tf.tile(phase_derivatives(panel, *coordinates), [1, 1, 1, 2])
        slopes = turns * tf.concat([-im, re], axis=-1)
        inner = _inner_products(signal, tf.concat([tf.concat([re, im], -1), slopes], axis=-2))
        one = tf.ones_like(coordinates[2])
        by = tf.stack([one, one, -(coordinates[2] ** 2)], axis=-1)  # range by its inverse
        matrix = inner[..., 1:, 1:] * by[..., :, None] * by[..., None, :]
        return inner[..., 0, 0], matrix, -inner[..., 1:, 0] * by

    columns = tf.linalg.matrix_transpose(basis)
    rows = real_rows(tf.math.real(columns), -tf.math.imag(columns))
    signal = tf.linalg.matrix_transpose(rows)  # once, not in each step
    point = tf.stack([coarse.azimuth, coarse.elevation, 1 / coarse.range_m], axis=-1)
    value, matrix, gradient = outside(point)
    damping = first_damping(value)
    for _ in range(steps):
        move = damped_step(matrix, gradient, damping)
        move *= tf.minimum(1.0, tf.reduce_min(cell / (tf.abs(move) + 1e-12), -1, keepdims=True))
        trial = point + move
        nearby = tf.clip_by_value(trial[..., 2:], lowest, highest)
        trial = tf.concat([trial[..., :2], nearby], axis=-1)
        after, *rest = outside(trial)
        better = after < value
        damping = next_damping(damping, better)
        point = tf.where(better[..., None], trial, point)
        matrix = tf.where(better[..., None, None], rest[0], matrix)
        gradient = tf.where(better[..., None], rest[1], gradient)
        value = tf.where(better, after, value)
    return Positions(point[..., 0], point[..., 1], 1 / point[..., 2], coarse.active)


def _inner_products(signal: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """`Re(v_i^H (I - W W^H) v_j)` of rows `v`, their parts `[B, K, V, 2 N]`: `[B, K, V, V]`."""
    batch, count, each, parts = rows.shape
    flat = tf.reshape(rows, [batch, count * each, parts])
    return _gram(rows) - _gram(tf.reshape(matmul(flat, signal), [batch, count, each, -1]))


def _gram(rows: tf.Tensor) -> tf.Tensor:
    """Inner products of `[..., V, n]` real rows: `[..., V, V]`."""
    return matmul(rows, rows, transpose_b=True)
