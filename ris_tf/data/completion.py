"""From the arrays of files to scenes: what they lack, from their labels and the geometry."""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.data.scene_set import missing_labels
from ris_tf.receiver import Symbols, fitted_symbols, observed
from ris_tf.scene import Measurement, Scenes, Sources, make_panel
from ris_tf.scene.calibration import known_panel, read_calibration
from ris_tf.scene.simulator import true_steering

RADIANS = math.pi / 180
LEAST_POWER = 0.01  # of a scene's strongest source: what noise leaves of a weak one may be negative
LEAST_SNR = 1e-6  # linear, where the residual explains all of the measurement
TINY = 1e-30


def tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    """Arrays that were read, as tensors."""
    return {name: tf.constant(values) for name, values in arrays.items()}


def completed(arrays: Mapping[str, tf.Tensor], config: Config) -> Scenes:
    """Scenes of the arrays of files; graph code.

    Steering vectors are those of the labels on the nominal panel; the channels have the gains of a
    calibration, where the configuration names one. What is not in the arrays is
    estimated with the symbols that least squares fits at the labels: powers are mean squares of
    symbols less their errors' variance, the noise variance is the residual's mean square, and the
    noise-free measurement is what the sources explain. With the SNR alone, the noise variance is
    `mean |y|^2 / (1 + snr)`.

    Args:
        arrays: as `SceneSet.read` gives them. Without `range_m`, ranges are in the middle of the
            configuration's, and all that follows from them means nothing.
        config: geometry and symbols.
    """
    missing, calibration = missing_labels(arrays, config), read_calibration(config)
    sources, channel = _sources(arrays, config), arrays["channel"]
    if calibration:
        channel = calibration.calibrated(channel)
    measurement = Measurement(
        arrays["y"], channel, arrays["codes"], tf.zeros_like(arrays["azimuth_deg"][:, 0])
    )
    data = observed(measurement, known_panel(config), config.scene.symbols)
    place = sources.azimuth, sources.elevation, sources.range_m
    symbols = fitted_symbols(data, place, sources.active)
    snr_db, noise_variance = _noise(arrays, symbols, sources)
    if "power" not in {*arrays, *missing}:
        sources = sources._replace(power=_powers(symbols, noise_variance, sources))
    explained = arrays["y"]
    if "range_m" in arrays:
        explained -= tf.reshape(symbols.residual, tf.shape(explained))
    return Scenes(
        measurement=measurement._replace(snr_db=snr_db),
        sources=sources,
        steering=true_steering(make_panel(config.geometry), sources),
        noise_free=tf.ensure_shape(explained, arrays["y"].shape),
        noise_variance=noise_variance,
    )


def _sources(arrays: Mapping[str, tf.Tensor], config: Config) -> Sources:
    azimuth = arrays["azimuth_deg"] * RADIANS
    middle = math.sqrt(math.prod(config.scene.range_m))
    sources = Sources(
        count=arrays["count"],
        azimuth=azimuth,
        elevation=arrays["elevation_deg"] * RADIANS,
        range_m=arrays.get("range_m", tf.fill(tf.shape(azimuth), tf.constant(middle))),
        power=tf.zeros_like(azimuth),
    )
    return sources._replace(power=arrays.get("power", sources.active))


def _noise(
    arrays: Mapping[str, tf.Tensor], symbols: Symbols, sources: Sources
) -> tuple[tf.Tensor, tf.Tensor]:
    """`[B]` SNR in dB, and `[B]` noise variance, one from the other or both from the residual."""
    y = arrays["y"]
    level = tf.reduce_mean(tf.math.real(y * tf.math.conj(y)), axis=[1, 2])
    if "snr_db" in arrays:
        snr_db = arrays["snr_db"]
        of_snr = level / (1 + 10 ** (snr_db / 10))
        return snr_db, arrays.get("noise_variance", of_snr)
    variance = arrays.get("noise_variance", _residual_variance(symbols, sources))
    snr = tf.maximum(level / tf.maximum(variance, TINY) - 1, LEAST_SNR)
    return 10 * tf.math.log(snr) / math.log(10), variance


def _residual_variance(symbols: Symbols, sources: Sources) -> tf.Tensor:
    """`[B]` energy of the residual over the complex numbers that symbols leave free."""
    _, groups, numbers = symbols.residual.shape
    free = groups * (numbers - tf.cast(sources.count, tf.float32))
    energy = tf.math.real(symbols.residual * tf.math.conj(symbols.residual))
    return tf.reduce_sum(energy, axis=[1, 2]) / tf.maximum(free, 1.0)


def _powers(symbols: Symbols, noise_variance: tf.Tensor, sources: Sources) -> tf.Tensor:
    """`[B, K]` mean squares of symbols, less what noise adds to them."""
    squares = tf.math.real(symbols.values * tf.math.conj(symbols.values))
    power = tf.reduce_mean(squares - noise_variance[:, None, None] * symbols.variance, axis=1)
    strongest = tf.maximum(tf.reduce_max(power, axis=-1, keepdims=True), TINY)
    return tf.maximum(power, LEAST_POWER * strongest) * sources.active
