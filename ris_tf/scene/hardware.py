"""The panel as it was built: what the receiver does not know of it (SPEC 1)."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.scene import Imperfections
from ris_tf.scene.circle import QUARTER, phasors
from ris_tf.scene.panel import Panel
from ris_tf.scene.random import Draws, Stream


class Hardware(NamedTuple):
    """A panel with its errors; sizes of 1 stand for all scenes or all snapshots.

    Attributes:
        panel: with the elements where they are, `x` and `z` of `[B, 1, N]`, or `[N]` of a panel
            without displacements.
        gains: `[B, L, N]` complex64, what each element does besides its code; `None` for nothing.
    """

    panel: Panel
    gains: tf.Tensor | None


def draw_hardware(draws: Draws, size: int, panel: Panel, config: Config) -> Hardware:
    """Another panel in each scene, or the same in all.

    Errors of phases change with the codes, snapshot by snapshot; those of a fixed panel are the
    elements' own and do not.

    Args:
        draws: random numbers of the batch.
        size: scenes `B`.
        panel: as it should be.
        config: its `imperfections`.
    """
    hardware, snapshots = config.imperfections, config.scene.snapshots
    if hardware.fixed:
        draws = Draws.once(config.seed if hardware.seed is None else hardware.seed)
        size = snapshots = 1
    displaced = _displaced(draws, size, panel, hardware, config.geometry.wavelength_m)
    return Hardware(displaced, _gains(draws, [size, snapshots, panel.x.shape[-1]], hardware))


def _displaced(
    draws: Draws, size: int, panel: Panel, hardware: Imperfections, wavelength_m: float
) -> Panel:
    """The panel with its elements at their displaced positions: `x`, `z` of shape `[B, 1, N]`."""
    if not hardware.position_jitter:
        return panel
    limit = hardware.position_jitter * wavelength_m / 2
    shift = draws.uniform(Stream.POSITIONS, [2, size, 1, panel.x.shape[-1]], -limit, limit)
    return panel._replace(x=panel.x + shift[0], z=panel.z + shift[1])


def _gains(draws: Draws, shape: list[int], hardware: Imperfections) -> tf.Tensor | None:
    """Phases a snapshot, gains and dead elements a scene."""
    size, _, elements = shape
    gains = tf.ones([size, 1, elements])
    if hardware.amplitude_jitter:
        gains += hardware.amplitude_jitter * draws.normal(Stream.GAINS, gains.shape)
    if hardware.dropout:
        alive = draws.uniform(Stream.DEAD_ELEMENTS, gains.shape) >= hardware.dropout
        gains *= tf.cast(alive, tf.float32)
    if hardware.phase_noise_rad:
        noise = hardware.phase_noise_rad * draws.normal(Stream.CODE_PHASES, shape)
        return tf.cast(gains, tf.complex64) * phasors(noise / QUARTER)
    ideal = not (hardware.amplitude_jitter or hardware.dropout)
    return None if ideal else tf.cast(gains, tf.complex64)
