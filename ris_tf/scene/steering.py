"""The steering vector: the package's only model of a near-field wave (SPEC 1)."""

import math

import tensorflow as tf

from ris_tf.scene.circle import QUARTER, phasors
from ris_tf.scene.panel import Panel, direction_cosines


def steering_vectors(
    panel: Panel,
    azimuth: tf.Tensor,
    elevation: tf.Tensor,
    range_m: tf.Tensor,
    compiled: bool = False,
) -> tf.Tensor:
    """Unit-norm near-field steering vectors `a_n = exp(j k0 (r - d_n)) / sqrt(N)`.

    Args:
        panel: elements, `x` and `z` of shape `[N]` or broadcastable to `[..., N]`.
        azimuth: `[...]` in radians; float32 or float64, which sets the precision.
        elevation: `[...]` in radians.
        range_m: `[...]` in metres, above zero.
        compiled: in single precision, as XLA is quickest at it.

    Returns:
        `[..., N]` complex.
    """
    nearer = path_difference(panel, azimuth, elevation, range_m)
    if compiled:
        scale = tf.constant(1 / math.sqrt(panel.x.shape[-1]), tf.complex64)
        return scale * phasors(panel.wavenumber / QUARTER * nearer)
    return waves(panel, nearer)


def waves(panel: Panel, nearer: tf.Tensor) -> tf.Tensor:
    """Steering vectors of path differences: `[..., N]` complex of `[..., N]` metres."""
    phase = panel.wavenumber * nearer
    scale = 1 / math.sqrt(panel.x.shape[-1])
    return tf.complex(scale * tf.cos(phase), scale * tf.sin(phase))


def path_difference(
    panel: Panel, azimuth: tf.Tensor, elevation: tf.Tensor, range_m: tf.Tensor
) -> tf.Tensor:
    """`r - d_n`, how much nearer element `n` is than the origin: `[..., N]` metres.

    The spherical form is written without the cancellation of `r - d_n`, which loses a radian of
    phase at 10^6 m in float32.
    """
    u, w = direction_cosines(azimuth, elevation)
    x, z = tf.cast(panel.x, range_m.dtype), tf.cast(panel.z, range_m.dtype)
    along = x * u[..., None] + z * w[..., None]
    aperture = tf.square(x) + tf.square(z)
    r = range_m[..., None]
    if panel.fresnel:
        return along - aperture / (2 * r)
    distance = tf.sqrt(tf.maximum(tf.square(r) - 2 * r * along + aperture, 0))
    return (2 * r * along - aperture) / (r + distance)


def phase_derivatives(
    panel: Panel,
    azimuth: tf.Tensor,
    elevation: tf.Tensor,
    range_m: tf.Tensor,
    nearer: tf.Tensor | None = None,
) -> tf.Tensor:
    """Derivatives of the phases `k0 (r - d_n)` by azimuth, elevation (a radian), range (a metre).

    Those of the steering vectors are `da/dp = j dphase/dp a`. Like the path difference, that by
    range is written without the cancellation of `1 - (r - x u - z w) / d_n`.

    Args:
        panel: elements, `x` and `z` of shape `[N]`.
        azimuth: `[...]` in radians; float32 or float64, which sets the precision.
        elevation: `[...]` in radians.
        range_m: `[...]` in metres, above zero.
        nearer: `[..., N]` path differences, where they are known.

    Returns:
        `[..., 3, N]` real.
    """
    u, w = direction_cosines(azimuth, elevation)
    u_azimuth, u_elevation = tf.cos(azimuth) * tf.cos(elevation), -tf.sin(azimuth) * w
    x, z = tf.cast(panel.x, range_m.dtype), tf.cast(panel.z, range_m.dtype)
    along = x * u[..., None] + z * w[..., None]
    turned = x * u_azimuth[..., None]
    raised = x * u_elevation[..., None] + z * tf.cos(elevation)[..., None]
    aperture = tf.square(x) + tf.square(z)
    r = range_m[..., None]
    if panel.fresnel:
        slopes = [turned, raised, aperture / (2 * tf.square(r))]
    else:
        if nearer is None:
            nearer = path_difference(panel, azimuth, elevation, range_m)
        distance = r - nearer
        receding = (aperture - along * nearer) / (distance * (r + distance))
        slopes = [r * turned / distance, r * raised / distance, receding]
    return panel.wavenumber * tf.stack(slopes, axis=-2)


def plane_wave(panel: Panel, azimuth: tf.Tensor, elevation: tf.Tensor) -> tf.Tensor:
    """`exp(j k0 (x u + z w))`, entries of modulus 1: `[..., N]` complex64, angles in radians."""
    u, w = direction_cosines(azimuth, elevation)
    nearer = panel.x * u[..., None] + panel.z * w[..., None]
    return phasors(panel.wavenumber / QUARTER * nearer)
