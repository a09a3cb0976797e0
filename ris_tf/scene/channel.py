"""The base station to panel channel `H` (SPEC 1)."""

import math

import tensorflow as tf

from ris_tf.config.scene import Channel
from ris_tf.scene.circle import phasors
from ris_tf.scene.panel import Panel
from ris_tf.scene.random import Draws, Stream
from ris_tf.scene.steering import plane_wave


def draw_channel(
    draws: Draws, size: int, antennas: int, panel: Panel, channel: Channel
) -> tf.Tensor:
    """`H = sqrt(kappa/(kappa+1)) a_BS a_RIS^H + sqrt(1/(kappa+1)) W` of each scene.

    Args:
        draws: random numbers of the batch.
        size: scenes `B`.
        antennas: `M`.
        panel: the nominal panel.
        channel: which model, its Rice factors and angles.

    Returns:
        `[B, M, N]` complex64; `E|H_mn|^2 = 1`, except for the `pytorch` model, whose line of
        sight has Frobenius norm 1 and whose scatter has variance `1/M`.
    """
    elements = panel.x.shape[-1]
    scatter = draws.complex_normal(Stream.SCATTER, [size, antennas, elements])
    if channel.model == "rayleigh":
        return scatter
    sight = _line_of_sight(draws, size, antennas, panel, channel)
    if channel.model == "pytorch":
        sight /= math.sqrt(antennas * elements)
        scatter /= math.sqrt(antennas)
    rice = draws.uniform(Stream.RICE_FACTOR, [size, 1, 1], *channel.rice_factor)
    direct, diffuse = tf.sqrt(rice / (rice + 1)), tf.sqrt(1 / (rice + 1))
    return tf.cast(direct, tf.complex64) * sight + tf.cast(diffuse, tf.complex64) * scatter


def _line_of_sight(
    draws: Draws, size: int, antennas: int, panel: Panel, channel: Channel
) -> tf.Tensor:
    """`a_BS a_RIS^H` with entries of modulus 1: `[B, M, N]`."""
    arrival = _radians(draws, Stream.BS_AZIMUTH, size, channel.bs_azimuth_deg)
    azimuth = _radians(draws, Stream.RIS_AZIMUTH, size, channel.ris_azimuth_deg)
    elevation = _radians(draws, Stream.RIS_ELEVATION, size, channel.ris_elevation_deg)
    # Antennas are half a wavelength apart: two quarter turns.
    a_bs = phasors(2 * tf.range(antennas, dtype=tf.float32) * tf.sin(arrival)[:, None])
    return a_bs[:, :, None] * tf.math.conj(plane_wave(panel, azimuth, elevation))[:, None, :]


def _radians(draws: Draws, stream: Stream, size: int, degrees: tuple[float, float]) -> tf.Tensor:
    return draws.uniform(stream, [size], *(math.radians(end) for end in degrees))
