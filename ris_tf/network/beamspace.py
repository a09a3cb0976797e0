"""The beamspace network's encoder: convolutions over a near-field image (SPEC 3b)."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import BeamspaceNetwork, Config
from ris_tf.covariance import (
    Directions,
    mvdr_basis,
    sample_covariance,
)
from ris_tf.network.layers import QUIET, dropout
from ris_tf.network.parts import Part, stack
from ris_tf.scene import Measurement, field_axes, make_panel, steering_vectors
from ris_tf.scene.shapes import sizes

LEAST_OUTSIDE = 1e-5  # of a steering vector: what rounding leaves


@keras.saving.register_keras_serializable("ris_tf")
class BeamspaceEncoder(keras.layers.Layer):
    """Back-projected snapshots, focused on a coarse near-field grid, to the feature vector `f0`.

    Args:
        config: sizes of scene, panel and network.
    """

    def __init__(self, config: Config, **kwargs):
        super().__init__(**kwargs)
        sizes = config.network
        assert isinstance(sizes, BeamspaceNetwork)
        self.sizes = sizes
        self.grid = focus_grid(config)
        layer = {"dtype": self.dtype_policy, "activation": "gelu"}
        convolutions = [
            keras.layers.Conv2D(
                filters, 3, strides=1 + i % 2, padding="same", name=f"conv_{i}", **layer
            )
            for i, filters in enumerate(sizes.filters)
        ]
        self.image_encoder = stack(
            "image_encoder",
            (*sizes.image, 2 * len(sizes.planes_m)),
            *convolutions,
            keras.layers.Flatten(name="flatten", dtype=self.dtype_policy),
        )
        self.fusion = stack(
            "fusion",
            self.image_encoder.output_shape[1:],
            keras.layers.Dense(sizes.width, name="dense", **layer),
        )
        self.built = True

    def call(
        self, measurement: Measurement, backprojected: tf.Tensor, key: tf.Tensor | None = None
    ) -> tf.Tensor:
        """`[B, D]` features of a batch of scenes; `key` seeds the dropout."""
        del measurement  # the back-projection contains it
        image = focused_image(backprojected, self.grid)
        features = self.image_encoder(tf.transpose(image, [0, 2, 3, 1]))
        return dropout(self.fusion(features), self.sizes.dropout, key, 0)

    def parts(self) -> list[Part]:
        """Rows of the network's table."""
        s = self.sizes
        shape = " x ".join(map(str, self.image_encoder.layers[-2].output.shape[1:]))
        filters = ", ".join(map(str, s.filters))
        return [
            Part("image encoder", f"Conv2D 3x3 of {filters}", shape, (self.image_encoder,)),
            Part("fusion", "Dense", f"f0: {s.width}", (self.fusion,)),
        ]


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
    sizes = config.network
    assert isinstance(sizes, BeamspaceNetwork)
    panel = make_panel(config.geometry, np.float64)
    azimuths, elevations = field_axes(config.scene, *sizes.image)
    directions = Directions.of_grid(panel, azimuths, elevations)
    axes = sizes.planes_m, directions.azimuth, elevations
    plane, azimuth, elevation = np.meshgrid(*axes, indexing="ij")
    with tf.device("cpu"), tf.init_scope():
        points = (tf.constant(axis.ravel()) for axis in (azimuth, elevation, plane))
        vectors = steering_vectors(panel, *points).numpy().astype(np.complex64)
    return FocusGrid(vectors, (len(sizes.planes_m), *sizes.image), directions)


def focused_image(backprojected: tf.Tensor, grid: FocusGrid) -> tf.Tensor:
    """The power of the snapshots and their MVDR spectrum at the points of a grid.

    `B(p) = mean_l |a(p)^H x_l|^2` over its largest value; and, since sources within a beam share a
    peak of it, the amplitude `(a(p)^H (R_samp + 1e-2 I)^-1 a(p))^-1/2` over its largest value.

    Args:
        backprojected: `[B, N, L]` complex64 snapshots at the panel.
        grid: points of the image.

    Returns:
        `[B, 2 planes, azimuths, elevations]` float32 in 0..1.
    """
    power = _inside(backprojected, grid)
    basis, _ = mvdr_basis(sample_covariance(backprojected))
    outside = tf.maximum(1 - _inside(basis, grid), LEAST_OUTSIDE)
    everywhere = {"axis": [1, 2, 3], "keepdims": True}
    return tf.concat(
        [
            power / tf.maximum(tf.reduce_max(power, **everywhere), QUIET),
            tf.sqrt(tf.reduce_min(outside, **everywhere) / outside),
        ],
        axis=1,
    )


def _inside(basis: tf.Tensor, grid: FocusGrid) -> tf.Tensor:
    """`|W^H a|^2` at the points: `[B, planes, azimuths, elevations]`."""
    planes, _, elevations = grid.shape
    shape = [sizes(basis)[0], planes, len(grid.directions.azimuth), elevations]
    parts = grid.directions.inside(basis, grid.vectors)
    return grid.directions.whole([tf.reshape(part, shape) for part in parts])
