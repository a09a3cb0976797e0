"""The unit of measurements: what it may be, decided here for every path.

Only ratios matter to physics: positions do not change when `y` or the channel is multiplied by a
number. Three things care nevertheless, and each has its range of root mean squares (RMS) over a
scene. What lies within is left as it is, to the bit; what lies outside is in another unit, and is
multiplied by a number that brings it to the range's typical value.

- *Single precision*, in which everything is computed: `SINGLE`, applied where measurements come
  from outside (`ris_tf.data.measured`).
- *A network whose outputs do not depend on scale* but for its guards against silence: `FREE`.
- *A network whose outputs do*: the range of simulated scenes, on which it was trained,
  `simulated_scales`. Simulated scenes never leave it, so training is not touched.

Which of them a network has is its `scales`; `Network.__call__` applies them, so that training,
validation, `evaluate`, `localize`, samples and anybody's Keras program predict the same of the same
arrays. Nothing depends on the other scenes of a batch.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.parts import side_by_side, squared

DEVIATIONS = 6  # of the mean power of a scene's channel, that its range allows
# A constant symbol may be weak and sources may cancel: 40 dB; 20 dB above the mean do not occur.
QUIETER, LOUDER = 1e-2, 10.0


class Scale(NamedTuple):
    """Root mean squares that an array of a scene may have.

    Attributes:
        low: the least.
        typical: what others are brought to.
        high: the largest.
    """

    low: float
    typical: float
    high: float


class Scales(NamedTuple):
    """Of both arrays of a measurement that have a unit."""

    y: Scale
    channel: Scale


SINGLE = Scale(1e-6, 1.0, 1e6)
FREE = Scales(Scale(1e-3, 1.0, 1e3), Scale(1e-3, 1.0, 1e3))


def simulated_scales(config: Config) -> Scales:
    """Of scenes as a configuration simulates them."""
    channel = _channel(config)
    scene, sources = config.scene, (config.scene.sources_min, config.scene.sources_max)
    low, typical, high = _power(config)
    noise = [1 + 10 ** (-level / 10) for level in scene.snr_db]
    amplitudes = (
        QUIETER * math.sqrt(sources[0] * low * noise[1]),
        math.sqrt(sum(sources) / 2 * typical * math.sqrt(noise[0] * noise[1])),
        LOUDER * math.sqrt(sources[1] * high * noise[0]),
    )
    return Scales(Scale(*(c * a for c, a in zip(channel, amplitudes, strict=True))), channel)


def _channel(config: Config) -> Scale:
    """Of `H`: the model's own mean powers, and how far scenes are from them."""
    antennas, elements = config.scene.antennas, config.geometry.elements
    low = high = 1.0
    if config.channel.model == "pytorch":
        rice = config.channel.rice_factor
        high, low = ((k / elements + 1) / (k + 1) / antennas for k in rice)
    spread = DEVIATIONS / math.sqrt(antennas * elements)
    ends = low * max(1 - spread, QUIETER**2), high * (1 + spread)
    return Scale(math.sqrt(ends[0]), (low * high) ** 0.25, math.sqrt(ends[1]))


def _power(config: Config) -> tuple[float, float, float]:
    """Least, typical and largest power of a source."""
    scene = config.scene
    low = high = 1.0
    if scene.powers == "path_loss":
        wave = config.geometry.wavelength_m / (4 * math.pi)
        high, low = ((wave / range_m) ** 2 for range_m in scene.range_m)
    elif scene.powers == "spread":
        high = 10 ** (scene.power_spread_db / 20)
        low = 1 / high
    return low, math.sqrt(low * high), high


def brought_within(array: tf.Tensor, scale: Scale) -> tf.Tensor:
    """An array in the unit of a scale: the same to the bit where it is in that unit.

    Args:
        array: `[B, X, Y]` complex64, finite.
        scale: RMS over each scene; a scene of zeros stays as it is.
    """
    largest = tf.reduce_max(tf.abs(side_by_side(array)), axis=[1, 2], keepdims=True)
    # Divide before squaring: squares of very large or small numbers leave the range of floats.
    unit = array / tf.cast(tf.where(largest > 0, largest, 1.0), array.dtype)
    level = tf.sqrt(tf.reduce_mean(squared(unit), axis=[1, 2], keepdims=True))
    whole = level * largest
    inside = (whole >= scale.low) & (whole <= scale.high)
    factor = scale.typical / tf.where(level > 0, level, 1.0)
    return tf.where(inside | (largest == 0), array, unit * tf.cast(factor, array.dtype))


def in_single_precision(array: np.ndarray) -> np.ndarray:
    """The same as `brought_within` for arrays from outside, of any range: complex64.

    Args:
        array: `[B, X, Y]` complex, finite, not all zeros in any scene.
    """
    parts = np.maximum(np.abs(np.real(array)), np.abs(np.imag(array)))
    largest = parts.max(axis=(1, 2), keepdims=True)
    unit = array / largest
    level = np.sqrt(np.mean(np.abs(unit) ** 2, axis=(1, 2), keepdims=True))
    # Of ratios: a product of extreme numbers is none.
    inside = (level >= SINGLE.low / largest) & (level <= SINGLE.high / largest)
    return np.where(inside, array, SINGLE.typical / level * unit).astype(np.complex64)
