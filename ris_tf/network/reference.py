"""The reference network: an encoder of the snapshots, and heads of slots (SPEC 3)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config import ReferenceNetwork as Knobs
from ris_tf.config.registry import network
from ris_tf.covariance import Covariance, predicted_covariance
from ris_tf.network.base import Network
from ris_tf.network.features import antidiagonal_means, spectral_features
from ris_tf.network.layers import complex_matrix
from ris_tf.network.parts import Part, stack
from ris_tf.network.prediction import Prediction
from ris_tf.network.reference_encoder import ReferenceEncoder
from ris_tf.products import matmul
from ris_tf.scene import Measurement, field_axes
from ris_tf.scene.scale import FREE, Scales, simulated_scales
from ris_tf.shapes import sizes

NARROW = 128  # width of the small layers beside the feature vectors


@network("reference")
class ReferenceNetwork(Network):
    """Measurements in; covariance, directions, ranges and source count out.

    Call it with a `Measurement`, or a dictionary of its fields (`y`, `channel`, `codes`,
    `snr_db`), of any batch size, known or not, in single or double precision. Where `snr_db` is
    missing it is 0 dB, as in `Localizer`: it sets the shrinkage of the effective covariance.
    Covariances and everything complex are computed in float32 whatever the precision.

    Args:
        config: the whole configuration.
    """

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        assert isinstance(config.network, Knobs)
        self.knobs = config.network
        self.encoder = ReferenceEncoder(self.config, dtype=self.policy, name="encoder")
        self._make_heads(self.knobs.width, {"dtype": self.policy})

    def _make_heads(self, width: int, layer: dict[str, Any]) -> None:
        max_sources = self.config.scene.sources_max
        elements = self.config.geometry.elements
        azimuths, elevations = self.knobs.angle_grid
        gelu = {"activation": "gelu", **layer}
        dense = keras.layers.Dense
        self.angle_factor = stack(
            "angle_factor", (width,), dense(2 * elements * max_sources, name="dense", **layer)
        )
        self.range_factor = stack(
            "range_factor", (width,), dense(2 * elements * max_sources, name="dense", **layer)
        )
        self.pooled = stack(
            "pooled", (2 * (2 * elements - 1),), dense(NARROW, name="dense", **layer)
        )
        self.pooled_fusion = stack(
            "pooled_fusion", (NARROW + width,), dense(width, name="dense", **gelu)
        )
        self.angle_grid = stack(
            "angle_grid",
            (width,),
            dense(max_sources * azimuths * elevations, name="dense", **layer),
        )
        self.auxiliary_angles = stack(
            "auxiliary_angles", (width,), dense(2 * max_sources, name="dense", **layer)
        )
        self.range = stack(
            "range", (width,), dense(max_sources, activation="softplus", name="dense", **layer)
        )
        if self.knobs.count_head:
            self._make_count_heads(width, layer)

    def _make_count_heads(self, width: int, layer: dict[str, Any]) -> None:
        max_sources = self.config.scene.sources_max
        gelu = {"activation": "gelu", **layer}
        relu = {"activation": "relu", **layer}
        dense = keras.layers.Dense
        norm = keras.layers.LayerNormalization
        self.spectral = stack(
            "spectral",
            (2 * max_sources + 2,),
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
            dense(max_sources, name="logits", **layer),
        )
        self.count_spectral = stack(
            "count_spectral",
            (5 * max_sources + 2,),
            norm(epsilon=1e-5, name="norm", **layer),
            dense(NARROW, name="widen", **relu),
            dense(max_sources, name="logits", **layer),
        )
        self.logit_scale = self.add_weight((), "ones", name="logit_scale")

    @property
    def scales(self) -> Scales | None:
        """That of the channel counts, and that of `y` where it is not normalised.

        Weights that were trained without normalisation come from elsewhere, and so does their unit.
        """
        if not self.knobs.normalise:
            return None
        return Scales(FREE.y, simulated_scales(self.config).channel)

    def call(
        self,
        measurement: Measurement,
        beta: tf.Tensor | float | None = None,
        key: tf.Tensor | None = None,
    ) -> Prediction:
        """Predict.

        Args:
            measurement: what the receiver measures, in this network's unit.
            beta: share of the sample covariance in the blend; `None` is the final value.
            key: `[2]` int32 seed of the dropout in training; `None` drops nothing.
        """
        max_sources = self.config.scene.sources_max
        backprojected = self.back_projected(measurement)
        f0 = self.encoder(measurement, backprojected, key=key)
        elements = self.config.geometry.elements
        angle_factor = complex_matrix(self.angle_factor(f0), elements, max_sources)
        range_factor = complex_matrix(self.range_factor(f0), elements, max_sources)
        range_weight = self.config.covariance.range_weight
        predicted = predicted_covariance(angle_factor, range_factor, range_weight)
        covariances = self.covariances(measurement, backprojected, predicted, beta)
        means = tf.cast(self.pooled(antidiagonal_means(angle_factor)), f0.dtype)
        f1 = self.pooled_fusion(tf.concat([means, f0], axis=-1))
        azimuth, elevation, confidence = self._slots(f1)
        auxiliary = tf.cast(self.auxiliary_angles(f1), tf.float32)
        return Prediction(
            angle_factor=angle_factor,
            range_factor=range_factor,
            azimuth=azimuth,
            elevation=elevation,
            confidence=confidence,
            auxiliary_azimuth=auxiliary[:, :max_sources],
            auxiliary_elevation=auxiliary[:, max_sources:],
            range_m=tf.cast(self.range(f1), tf.float32),
            count_logits=self._count(f1, covariances["effective"]),  # pyright: ignore
            **covariances,
        )

    def _slots(self, f1: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Azimuth, elevation and confidence of every slot: `[B, K_max]` each."""
        azimuths, elevations = self.knobs.angle_grid
        scene = self.config.scene
        logits = tf.cast(self.angle_grid(f1), tf.float32) / self.knobs.temperature
        shape = [sizes(f1)[0], scene.sources_max, azimuths * elevations]
        probability = tf.nn.softmax(tf.reshape(logits, shape))
        grid = tf.reshape(probability, [*shape[:2], azimuths, elevations])
        azimuth, elevation = field_axes(scene, azimuths, elevations)
        return (
            _mean_over(tf.reduce_sum(grid, axis=3), azimuth.astype(np.float32)),
            _mean_over(tf.reduce_sum(grid, axis=2), elevation.astype(np.float32)),
            tf.reduce_max(probability, axis=-1),
        )

    def _count(self, f1: tf.Tensor, loaded: Covariance) -> tf.Tensor | None:
        """Logits of 1..`K_max` sources: scale x (half direct + half spectral)."""
        if not self.knobs.count_head:
            return None
        scene = self.config.scene
        fusion, count = spectral_features(loaded, scene.snapshots, scene.sources_max)
        spectral = tf.cast(self.spectral(fusion), f1.dtype)
        f2 = self.spectral_fusion(tf.concat([spectral, f1], axis=-1))
        direct = tf.cast(self.count_direct(f2), tf.float32)
        from_spectrum = tf.cast(self.count_spectral(count), tf.float32)
        return self.logit_scale * (0.5 * direct + 0.5 * from_spectrum)

    def parts(self) -> list[Part]:
        """The network part by part: its table, and its optimizer groups."""
        max_sources, width = self.config.scene.sources_max, self.knobs.width
        elements = self.config.geometry.elements
        cells = " x ".join(map(str, self.knobs.angle_grid))
        factors = (self.angle_factor, self.range_factor)
        slots = (self.auxiliary_angles, self.range)
        return [
            *self.encoder.parts(),
            Part(
                "covariance factors", "2 Dense", f"2 of {elements} x {max_sources}", factors, True
            ),
            Part(
                "anti-diagonal pooling",
                "means, Dense, fused with f0",
                f"f1: {width}",
                (self.pooled, self.pooled_fusion),
            ),
            Part("angle grid", "Dense", f"{max_sources} x {cells}", (self.angle_grid,), True),
            Part("auxiliary angles and range", "2 Dense", f"{max_sources} x 3", slots, True),
            *(self._count_parts() if self.knobs.count_head else ()),
        ]

    def _count_parts(self) -> list[Part]:
        max_sources, width = self.config.scene.sources_max, self.knobs.width
        return [
            Part(
                "spectral fusion",
                "2 Dense, fused with f1",
                f"f2: {width}",
                (self.spectral, self.spectral_fusion),
            ),
            Part("source count, direct", "norm, 2 Dense", f"{max_sources}", (self.count_direct,)),
            Part(
                "source count, spectral",
                "norm, 2 Dense",
                f"{max_sources}",
                (self.count_spectral,),
                True,
            ),
            Part("logit scale", "scalar", "1", (_Scalar(self.logit_scale),)),
        ]

    def make_weights(self) -> None:
        """Nothing to do: its layers are built in the constructor."""


class _Scalar:
    """A single variable with the interface of a layer, for the table."""

    def __init__(self, variable: keras.Variable):
        self.trainable_variables = [variable]

    def count_params(self) -> int:
        return 1


# What files of version 0.1 call it.
keras.saving.get_custom_objects()["ris_tf>LocalizationNetwork"] = ReferenceNetwork


def _mean_over(probability: tf.Tensor, values: np.ndarray) -> tf.Tensor:
    """`[..., n]` probabilities and `[n]` values to the mean of the values."""
    return matmul(probability, tf.constant(values[:, None]))[..., 0]
