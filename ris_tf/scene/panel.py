"""Positions of the panel's elements, and directions from the panel (SPEC 1)."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config.scene import Geometry


class Panel(NamedTuple):
    """Elements of the panel, and the wave that they sample.

    Attributes:
        x: `[N]` horizontal element positions in metres; leading dimensions may be added.
        z: `[N]` vertical element positions in metres, like `x`.
        wavenumber: `k0 = 2 pi / lambda` in radians a metre.
        fresnel: whether distances use the PyTorch pipeline's Fresnel approximation.
    """

    x: tf.Tensor | np.ndarray
    z: tf.Tensor | np.ndarray
    wavenumber: float
    fresnel: bool = False


def make_panel(geometry: Geometry, dtype: type = np.float32) -> Panel:
    """The nominal panel: element `n = v N_H + h` at column `h`, row `v`."""
    spacing = geometry.spacing * geometry.wavelength_m
    x, z = np.meshgrid(
        spacing * _offsets(geometry.columns, geometry.origin),
        spacing * _offsets(geometry.rows, geometry.origin),
    )
    return Panel(
        x=x.ravel().astype(dtype),
        z=z.ravel().astype(dtype),
        wavenumber=2 * math.pi / geometry.wavelength_m,
        fresnel=geometry.steering == "fresnel",
    )


def _offsets(count: int, origin: str) -> np.ndarray:
    """Element positions along one axis, in units of the spacing."""
    centre = count // 2 if origin == "pytorch" else (count - 1) / 2
    return np.arange(count) - centre


def direction_cosines(azimuth: tf.Tensor, elevation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`u = sin(phi) cos(theta)`, `w = sin(theta)` of angles in radians, of any shape."""
    return tf.sin(azimuth) * tf.cos(elevation), tf.sin(elevation)


def unit_direction(azimuth: tf.Tensor, elevation: tf.Tensor) -> tf.Tensor:
    """`[..., 3]` unit vector `(u, cos(phi) cos(theta), w)` towards a direction in radians."""
    level = tf.cos(elevation)
    parts = tf.sin(azimuth) * level, tf.cos(azimuth) * level, tf.sin(elevation)
    return tf.stack(parts, axis=-1)
