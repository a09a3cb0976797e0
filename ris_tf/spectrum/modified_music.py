"""Modified MUSIC: directions from the covariance's anti-diagonal, then ranges (SPEC 8).

After Ramezani et al., "An efficient modified MUSIC algorithm for RIS-aided near-field
localization", 2024. Elements opposite to each other across the panel's centre are at distances
`r - b + c / r` and `r + b + c / r`: in the Fresnel approximation the range cancels from
`R[n, N-1-n]`, which is then a plane wave over twice the panel.
"""

import math

import numpy as np
import tensorflow as tf

from ris_tf.covariance import Covariance, adjoint_times
from ris_tf.scene import Panel, steering_vectors
from ris_tf.scene.positions import Positions
from ris_tf.spectrum.peaks import peaks
from ris_tf.spectrum.spectra import ScanGrid, music_spectrum, signal_subspace, squared

WINDOW = 2 / 3  # of the panel's columns and rows in a subarray of the spatial smoothing
FAR_M = 1e6  # where waves are plane
RANGES = 64  # points of the range scan
ALIASES = 4  # directions examined for each source: twice the spacing has grating lobes


def antidiagonal(factor: tf.Tensor) -> tf.Tensor:
    """`R[n, N-1-n]` of `R = G G^H`: `[B, N, r]` to `[B, N]`."""
    return tf.reduce_sum(factor * tf.math.conj(tf.reverse(factor, axis=[1])), axis=-1)


def smoothed(vector: tf.Tensor, rows: int, columns: int) -> tuple[tf.Tensor, int, int]:
    """Overlapping subarrays of a panel as snapshots: decorrelates coherent waves.

    Args:
        vector: `[B, rows x columns]` complex64, row by row.
        rows: of the panel.
        columns: of the panel.

    Returns:
        `[B, n, windows]` complex64 snapshots, and the rows and columns of a subarray, whose product
        is `n`.
    """
    tall, wide = (max(math.ceil(WINDOW * size), 1) for size in (rows, columns))
    image = tf.reshape(vector, [-1, rows, columns])
    windows = [
        tf.reshape(image[:, i : i + tall, j : j + wide], [-1, tall * wide])
        for i in range(rows - tall + 1)
        for j in range(columns - wide + 1)
    ]
    return tf.stack(windows, axis=-1), tall, wide


def modified_music(
    covariance: Covariance,
    panel: Panel,
    shape: tuple[int, int],
    grid: ScanGrid,
    count: tf.Tensor,
    slots: int,
) -> Positions:
    """Directions by MUSIC on the anti-diagonal, then the range of each by a scan.

    The anti-diagonal samples the field at twice the panel's spacing. From half a wavelength on
    directions alias; each is weighed by the MUSIC spectrum of the whole covariance at its best
    range, and the `K` best are reported.

    Args:
        covariance: factor `[B, N, r]`; its loading does not matter.
        panel: the nominal panel, with its origin in the centre.
        shape: rows and columns of the panel.
        grid: directions to scan; its first and last plane bound the ranges.
        count: `[B]` int32 sources.
        slots: at least every count and at most `r`.
    """
    rows, columns = shape
    snapshots, tall, wide = smoothed(antidiagonal(covariance.factor), rows, columns)
    within = (np.arange(rows * columns).reshape(shape)[:tall, :wide]).ravel()
    doubled = panel._replace(x=2 * panel.x[within], z=2 * panel.z[within])
    waves = min(slots, snapshots.shape[-1], tall * wide - 1)
    basis = signal_subspace(snapshots, tf.minimum(count, waves), waves)
    plane = grid._replace(range_m=np.array([FAR_M]))
    directions, _ = peaks(music_spectrum(basis, doubled, plane), plane, ALIASES * slots)
    candidates, height = _best_range(covariance, panel, directions, grid, count, slots)
    order = tf.math.top_k(height * directions.active, slots).indices
    chosen = Positions(*(tf.gather(axis, order, batch_dims=1) for axis in candidates))
    return chosen._replace(active=chosen.active * tf.sequence_mask(count, slots, tf.float32))


def _best_range(
    covariance: Covariance,
    panel: Panel,
    directions: Positions,
    grid: ScanGrid,
    count: tf.Tensor,
    slots: int,
) -> tuple[Positions, tf.Tensor]:
    """The range of each direction where the near-field MUSIC spectrum is highest, and its value."""
    basis = signal_subspace(covariance.factor, count, slots)
    curvature = np.linspace(1 / grid.range_m.max(), 1 / grid.range_m.min(), RANGES)
    ranges = tf.constant(1 / curvature, tf.float32)
    batch, slots = directions.active.shape
    shape = [batch, slots, RANGES]
    vectors = steering_vectors(
        panel,
        tf.broadcast_to(directions.azimuth[..., None], shape),
        tf.broadcast_to(directions.elevation[..., None], shape),
        tf.broadcast_to(ranges, shape),
    )
    columns = tf.linalg.matrix_transpose(tf.reshape(vectors, [batch, slots * RANGES, -1]))
    inside = tf.reshape(squared(adjoint_times(basis, columns)), shape)
    best = tf.argmax(inside, axis=-1)
    return directions._replace(range_m=tf.gather(ranges, best)), tf.reduce_max(inside, axis=-1)
