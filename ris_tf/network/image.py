"""The near-field image: what back-projected snapshots look like on a coarse grid (SPEC 3b)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.network import BeamspaceNetwork
from ris_tf.covariance import Directions, mvdr_basis, sample_covariance
from ris_tf.network.layers import QUIET
from ris_tf.scene import field_axes, make_panel, steering_vectors
from ris_tf.shapes import sizes

LEAST_POWER = 0.1  # of the mean power, below which differences do not count
LEAST_OUTSIDE = 1e-5  # of a steering vector: what rounding leaves


class FocusGrid(NamedTuple):
    """The image's points.

    Attributes:
        vectors: `[P, N]` complex64 steering vectors, ordered by plane, azimuth, elevation.
        shape: planes, azimuths and elevations of the image.
        directions: which of the azimuths the vectors are of.
    """

    vectors: np.ndarray
    shape: tuple[int, int, int]
    directions: Directions


def focus_grid(config: Config) -> FocusGrid:
    """The image's points on its planes; the field of view's ends are included."""
    knobs = config.network
    assert isinstance(knobs, BeamspaceNetwork)
    panel = make_panel(config.geometry, np.float64)
    azimuths, elevations = field_axes(config.scene, *knobs.image)
    directions = Directions.of_grid(panel, azimuths, elevations)
    axes = knobs.planes_m, directions.azimuth, elevations
    plane, azimuth, elevation = np.meshgrid(*axes, indexing="ij")
    with tf.device("cpu"), tf.init_scope():
        points = (tf.constant(axis.ravel()) for axis in (azimuth, elevation, plane))
        vectors = steering_vectors(panel, *points).numpy().astype(np.complex64)
    return FocusGrid(vectors, (len(knobs.planes_m), *knobs.image), directions)


def focused_image(backprojected: tf.Tensor, grid: FocusGrid) -> tf.Tensor:
    """The power of the snapshots and their MVDR spectrum at the points of a grid.

    `B(p) = mean_l |a(p)^H x_l|^2` over its largest value; and, since sources within a beam share a
    peak of it, the amplitude `(a(p)^H (R_samp + 1e-2 I)^-1 a(p))^-1/2` over its largest value.

    Args:
        backprojected: `[B, N, L]` complex64 snapshots at the panel.
        grid: points of the image.

    Returns:
        `[B, azimuths, elevations, 2 planes]` float32 in 0..1.
    """
    power = _inside(backprojected, grid)
    basis, _ = mvdr_basis(sample_covariance(backprojected))
    outside = tf.maximum(1 - _inside(basis, grid), LEAST_OUTSIDE)
    everywhere = {"axis": [1, 2, 3], "keepdims": True}
    planes = tf.concat(
        [
            power / tf.maximum(tf.reduce_max(power, **everywhere), QUIET),
            tf.sqrt(tf.reduce_min(outside, **everywhere) / outside),
        ],
        axis=1,
    )
    return tf.transpose(planes, [0, 2, 3, 1])


def residual_image(backprojected: tf.Tensor, grid: FocusGrid) -> tf.Tensor:
    """The power of snapshots at the points of a grid over its mean there, as a logarithm.

    Args:
        backprojected: `[B, N, L]` complex64, of what detections do not explain.
        grid: points of the image.

    Returns:
        `[B, azimuths, elevations, planes]` float32, without gradient.
    """
    power = tf.transpose(_inside(tf.stop_gradient(backprojected), grid), [0, 2, 3, 1])
    mean = tf.reduce_mean(power, axis=[1, 2, 3], keepdims=True)
    return tf.math.log(power / tf.maximum(mean, QUIET) + LEAST_POWER)


def _inside(basis: tf.Tensor, grid: FocusGrid) -> tf.Tensor:
    """`|W^H a|^2` at the points: `[B, planes, azimuths, elevations]`."""
    planes, _, elevations = grid.shape
    shape = [sizes(basis)[0], planes, len(grid.directions.azimuth), elevations]
    parts = grid.directions.inside(basis, grid.vectors)
    return grid.directions.whole([tf.reshape(part, shape) for part in parts])
