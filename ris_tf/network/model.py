"""The network: an encoder, and the heads that both networks share (SPEC 3)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config, ReferenceNetwork, parse_config
from ris_tf.covariance import (
    Covariance,
    back_projection,
    blend,
    effective,
    predicted_covariance,
    sample_covariance,
)
from ris_tf.network.beamspace import BeamspaceEncoder
from ris_tf.network.features import antidiagonal_means, spectral_features
from ris_tf.network.layers import complex_matrix
from ris_tf.network.parts import Part, stack
from ris_tf.network.reference import ReferenceEncoder
from ris_tf.scene import Measurement, field_axes
from ris_tf.scene.shapes import sizes

NARROW = 128  # width of the small layers beside the feature vectors


class Prediction(NamedTuple):
    """What the network says of a batch of scenes.

    Attributes:
        angle_factor: `[B, N, K_max]` complex64, `A_angle`.
        range_factor: `[B, N, K_max]` complex64, `A_range`.
        predicted: `R_pred`.
        sample: `R_samp`, from the measurements alone.
        blended: `R_blend`.
        effective: effective `R_blend`.
        azimuth: `[B, K_max]` radians, soft-argmax of each slot.
        elevation: `[B, K_max]` radians.
        confidence: `[B, K_max]` largest softmax probability of each slot.
        auxiliary_azimuth: `[B, K_max]` radians, regressed directly.
        auxiliary_elevation: `[B, K_max]` radians.
        range_m: `[B, K_max]` metres.
        count_logits: `[B, K_max]`, of 1..`K_max` sources.
    """

    angle_factor: tf.Tensor
    range_factor: tf.Tensor
    predicted: Covariance
    sample: Covariance
    blended: Covariance
    effective: Covariance
    azimuth: tf.Tensor
    elevation: tf.Tensor
    confidence: tf.Tensor
    auxiliary_azimuth: tf.Tensor
    auxiliary_elevation: tf.Tensor
    range_m: tf.Tensor
    count_logits: tf.Tensor


@keras.saving.register_keras_serializable("ris_tf")
class LocalizationNetwork(keras.Model):
    """Measurements in; covariance, directions, ranges and source count out.

    Call it with a `Measurement`, or a dictionary of its fields (`y`, `channel`, `codes`,
    `snr_db`), of any batch size, known or not, in single or double precision. Where `snr_db` is
    missing it is 0 dB, as in `Localizer`: it sets the shrinkage of the effective covariance.
    Covariances and everything complex are computed in float32 whatever the precision.

    Args:
        config: a `Config`, or the dictionary that a saved network holds.
    """

    def __init__(self, config: Config | dict[str, Any], **kwargs):
        kwargs.setdefault("name", "network")
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.config = parse_config(config) if isinstance(config, dict) else config
        sizes = self.config.network
        policy = self.config.training.precision
        encoder = ReferenceEncoder if isinstance(sizes, ReferenceNetwork) else BeamspaceEncoder
        self.encoder = encoder(self.config, dtype=policy, name="encoder")
        self._make_heads(sizes.width, {"dtype": policy})
        self.built = True

    def _make_heads(self, width: int, layer: dict[str, Any]) -> None:
        most = self.config.scene.sources_max
        elements = self.config.geometry.elements
        azimuths, elevations = self.config.network.angle_grid
        gelu = {"activation": "gelu", **layer}
        relu = {"activation": "relu", **layer}
        dense = keras.layers.Dense
        norm = keras.layers.LayerNormalization
        self.angle_factor = stack(
            "angle_factor", (width,), dense(2 * elements * most, name="dense", **layer)
        )
        self.range_factor = stack(
            "range_factor", (width,), dense(2 * elements * most, name="dense", **layer)
        )
        self.pooled = stack(
            "pooled", (2 * (2 * elements - 1),), dense(NARROW, name="dense", **layer)
        )
        self.pooled_fusion = stack(
            "pooled_fusion", (NARROW + width,), dense(width, name="dense", **gelu)
        )
        self.angle_grid = stack(
            "angle_grid", (width,), dense(most * azimuths * elevations, name="dense", **layer)
        )
        self.auxiliary_angles = stack(
            "auxiliary_angles", (width,), dense(2 * most, name="dense", **layer)
        )
        self.range = stack(
            "range", (width,), dense(most, activation="softplus", name="dense", **layer)
        )
        self.spectral = stack(
            "spectral",
            (2 * most + 2,),
            dense(NARROW, name="widen", **gelu),
            dense(NARROW, name="mix", **layer),
        )
        self.spectral_fusion = stack(
            "spectral_fusion", (NARROW + width,), dense(width, name="dense", **gelu)
        )
        self.count_direct = stack(
            "count_direct",
            (width,),
            norm(epsilon=1e-5, name="norm", **layer),
            dense(NARROW, name="widen", **relu),
            dense(most, name="logits", **layer),
        )
        self.count_spectral = stack(
            "count_spectral",
            (5 * most + 2,),
            norm(epsilon=1e-5, name="norm", **layer),
            dense(NARROW, name="widen", **relu),
            dense(most, name="logits", **layer),
        )
        self.logit_scale = self.add_weight((), "ones", name="logit_scale")

    def call(
        self,
        measurement: Measurement | Mapping[str, tf.Tensor],
        beta: tf.Tensor | float | None = None,
        key: tf.Tensor | None = None,
    ) -> Prediction:
        """Predict.

        Args:
            measurement: what the receiver has, or a dictionary of it.
            beta: share of the sample covariance in the blend; `None` is the final value.
            key: `[2]` int32 seed of the dropout in training; `None` drops nothing.
        """
        measurement = in_single_precision(measurement)
        knobs, most = self.config.covariance, self.config.scene.sources_max
        backprojected = back_projection(*measurement[:3], ridge=knobs.ridge)
        f0 = self.encoder(measurement, backprojected, key=key)
        elements = self.config.geometry.elements
        angle_factor = complex_matrix(self.angle_factor(f0), elements, most)
        range_factor = complex_matrix(self.range_factor(f0), elements, most)
        predicted = predicted_covariance(angle_factor, range_factor, knobs.range_weight)
        sample = sample_covariance(backprojected)
        blended = predicted
        if knobs.beta or knobs.beta_jitter:
            blended = blend(predicted, sample, knobs.beta if beta is None else beta)
        loaded = effective(blended, measurement.snr_db, knobs)
        means = tf.cast(self.pooled(antidiagonal_means(angle_factor)), f0.dtype)
        f1 = self.pooled_fusion(tf.concat([means, f0], axis=-1))
        azimuth, elevation, confidence = self._slots(f1)
        auxiliary = tf.cast(self.auxiliary_angles(f1), tf.float32)
        return Prediction(
            angle_factor=angle_factor,
            range_factor=range_factor,
            predicted=predicted,
            sample=sample,
            blended=blended,
            effective=loaded,
            azimuth=azimuth,
            elevation=elevation,
            confidence=confidence,
            auxiliary_azimuth=auxiliary[:, :most],
            auxiliary_elevation=auxiliary[:, most:],
            range_m=tf.cast(self.range(f1), tf.float32),
            count_logits=self._count(f1, loaded),
        )

    def _slots(self, f1: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Azimuth, elevation and confidence of every slot: `[B, K_max]` each."""
        azimuths, elevations = self.config.network.angle_grid
        scene = self.config.scene
        logits = tf.cast(self.angle_grid(f1), tf.float32) / self.config.network.temperature
        shape = [sizes(f1)[0], scene.sources_max, azimuths * elevations]
        probability = tf.nn.softmax(tf.reshape(logits, shape))
        grid = tf.reshape(probability, [*shape[:2], azimuths, elevations])
        azimuth, elevation = field_axes(scene, azimuths, elevations)
        return (
            tf.linalg.matvec(tf.reduce_sum(grid, axis=3), azimuth.astype(np.float32)),
            tf.linalg.matvec(tf.reduce_sum(grid, axis=2), elevation.astype(np.float32)),
            tf.reduce_max(probability, axis=-1),
        )

    def _count(self, f1: tf.Tensor, loaded: Covariance) -> tf.Tensor:
        """Logits of 1..`K_max` sources: scale x (half direct + half spectral)."""
        scene = self.config.scene
        fusion, count = spectral_features(loaded, scene.snapshots, scene.sources_max)
        spectral = tf.cast(self.spectral(fusion), f1.dtype)
        f2 = self.spectral_fusion(tf.concat([spectral, f1], axis=-1))
        direct = tf.cast(self.count_direct(f2), tf.float32)
        from_spectrum = tf.cast(self.count_spectral(count), tf.float32)
        return self.logit_scale * (0.5 * direct + 0.5 * from_spectrum)

    def parts(self) -> list[Part]:
        """The network part by part: its table, and its optimizer groups."""
        most, width = self.config.scene.sources_max, self.config.network.width
        elements = self.config.geometry.elements
        cells = " x ".join(map(str, self.config.network.angle_grid))
        factors = (self.angle_factor, self.range_factor)
        slots = (self.auxiliary_angles, self.range)
        return [
            *self.encoder.parts(),
            Part("covariance factors", "2 Dense", f"2 of {elements} x {most}", factors, True),
            Part(
                "anti-diagonal pooling",
                "means, Dense, fused with f0",
                f"f1: {width}",
                (self.pooled, self.pooled_fusion),
            ),
            Part("angle grid", "Dense", f"{most} x {cells}", (self.angle_grid,), True),
            Part("auxiliary angles and range", "2 Dense", f"{most} x 3", slots, True),
            Part(
                "spectral fusion",
                "2 Dense, fused with f1",
                f"f2: {width}",
                (self.spectral, self.spectral_fusion),
            ),
            Part("source count, direct", "norm, 2 Dense", f"{most}", (self.count_direct,)),
            Part(
                "source count, spectral", "norm, 2 Dense", f"{most}", (self.count_spectral,), True
            ),
            Part("logit scale", "scalar", "1", (_Scalar(self.logit_scale),)),
        ]

    def get_config(self) -> dict[str, Any]:
        """What makes this network again."""
        return {"name": self.name, "config": self.config.model_dump(mode="json")}


def in_single_precision(measurement: Measurement | Mapping[str, Any]) -> Measurement:
    """A measurement as the network computes with it, complex64 and float32.

    Args:
        measurement: or a dictionary of its fields, `snr_db` being 0 dB where it is missing.

    Raises:
        TypeError: the dictionary lacks a field, or has another.
    """
    if isinstance(measurement, Mapping):
        measurement = Measurement(**{"snr_db": None, **measurement})
    y, channel, codes, snr_db = measurement
    y, channel, codes = (tf.cast(part, tf.complex64) for part in (y, channel, codes))
    snr_db = tf.zeros(sizes(y)[:1]) if snr_db is None else tf.cast(snr_db, tf.float32)
    return Measurement(y, channel, codes, snr_db)


class _Scalar:
    """A lone variable that looks like a layer to the table."""

    def __init__(self, variable: keras.Variable):
        self.trainable_variables = [variable]

    def count_params(self) -> int:
        return 1


def build_network(config: Config) -> LocalizationNetwork:
    """A new network with weights drawn from the configuration's seed."""
    keras.utils.set_random_seed(config.seed)
    return LocalizationNetwork(config)


def head_variables(network: LocalizationNetwork) -> list[keras.Variable]:
    """Trainable variables of the heads' optimizer group; the others are the backbone's."""
    return [v for part in network.parts() if part.head for v in part.variables]
