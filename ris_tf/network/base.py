"""The base class of networks: measurements in, a prediction out."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from ris_tf.config import NETWORKS, OUR_NETWORKS, Config, parse_config
from ris_tf.config.cost import require_room_for_network
from ris_tf.covariance import (
    BackProjection,
    Covariance,
    blend,
    effective,
    sample_covariance,
)
from ris_tf.network.parts import Part
from ris_tf.network.prediction import Prediction
from ris_tf.scene import Measurement
from ris_tf.scene.scale import Scales, brought_within, simulated_scales
from ris_tf.shapes import sizes

OURS = "ris_tf"


class Network(keras.Model):
    """A network on measurements: subclass it, and name it by `@network("name")`.

    A subclass makes its layers in `__init__(self, config, **kwargs)`, which calls
    `super().__init__(config, **kwargs)` first; it finds its knobs in `self.config.network`. It
    predicts in

        def call(self, measurement, beta=None, key=None) -> Prediction

    Inputs:
        measurement: a `Measurement` of `B` scenes: `y` `[B, L, M]` complex64 received, `channel`
            `[B, M, N]` complex64, `codes` `[B, L, N]` complex64, `snr_db` `[B]` float32; or a
            dictionary of these. `call` gets the first of both, in the unit that `scales` names.
        beta: share of the sample covariance in the blend, scalar; `None` is the final value.
        key: `[2]` int32 seed of this batch's dropout in training, for `ris_tf.network.dropout`;
            `None` drops nothing. No other randomness: a batch is the same whenever it is computed.

    The output is a `Prediction`. `**self.covariances(...)` makes its `predicted`, `sample`,
    `blended` and `effective` from any factor; outputs that the network has no head for are left
    out. Terms and estimators that need one of them are refused by name.

    Covariances and everything complex are float32; layers get the precision of the run by
    `dtype=self.policy`.

    Args:
        config: the whole configuration.
    """

    def __init__(self, config: Config, **kwargs: Any):
        require_room_for_network(config)
        kwargs.setdefault("name", "network")
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.config = config
        self.policy = self.config.training.precision
        self.built = True  # Keras must not guess the shape of a measurement

    @property
    def scales(self) -> Scales | None:
        """The units that measurements may have, see `ris_tf.scene.scale`.

        By default those of the simulated scenes that the network is trained on; `None` for a
        network that takes any unit as it is.
        """
        return simulated_scales(self.config)

    def __call__(self, measurement: Any, *args: Any, **kwargs: Any) -> Any:
        """The prediction, of measurements in any form and unit: see `call`."""
        return super().__call__(self.in_own_unit(as_measurement(measurement)), *args, **kwargs)

    @cached_property
    def predicting(self) -> Callable[[Measurement], Prediction]:
        """The final prediction by a graph, which is traced once for each shape, whoever asks."""
        return tf.function(self.__call__, autograph=False)

    def in_own_unit(self, measurement: Measurement) -> Measurement:
        """A measurement as this network computes with it; the same to the bit if it is that."""
        if self.scales is None:
            return measurement
        y, channel = measurement.y, measurement.channel
        return measurement._replace(
            y=brought_within(y, self.scales.y), channel=brought_within(channel, self.scales.channel)
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let Keras find the class when it opens a saved network."""
        super().__init_subclass__(**kwargs)
        package = OURS if cls.__module__.startswith(f"{OURS}.") else cls.__module__
        keras.saving.register_keras_serializable(package)(cls)

    def back_projected(self, measurement: Measurement) -> tf.Tensor:
        """`[B, N, L]` complex64 snapshots at the panel: ridge back-projection of `y` (SPEC 2)."""
        return self.back_projection(measurement)(measurement.y)

    def back_projection(self, measurement: Measurement) -> BackProjection:
        """The same of any measurements through its channel and codes."""
        ridge = self.config.covariance.ridge
        return BackProjection(measurement.channel, measurement.codes, ridge)

    def covariances(
        self,
        measurement: Measurement,
        backprojected: tf.Tensor,
        predicted: Covariance,
        beta: tf.Tensor | float | None = None,
    ) -> dict[str, Any]:
        """The four covariances of a `Prediction`, by the names of its fields.

        Args:
            measurement: of `B` scenes.
            backprojected: `[B, N, L]`, from `back_projected`.
            predicted: `R_pred` of trace `N`; `with_trace_n(from_factor(factor))` makes it of
                `[B, N, r]` complex64.
            beta: as in `call`.
        """
        knobs = self.config.covariance
        blended, sample = predicted, sample_covariance(backprojected)
        if knobs.beta or knobs.beta_jitter:
            blended = blend(predicted, sample, knobs.beta if beta is None else beta)
        return {
            "predicted": predicted,
            "sample": sample,
            "blended": blended,
            "effective": effective(blended, measurement.snr_db, knobs),
        }

    def parts(self) -> list[Part]:
        """The network part by part: its table, and its optimizer groups.

        By default, each layer is a part of the backbone, and there is no head.
        """
        return [
            Part(layer.name, type(layer).__name__, _shape(layer), (layer,))
            for layer in self.layers
            if layer.count_params()
        ]

    def make_weights(self) -> None:
        """Create the weights of layers that are built by their first input."""
        self(silent_scene(self.config))

    def predict_step(self, data: Any) -> Any:
        """What `predict` computes of a batch; it joins batches and cannot join `None`."""
        return super().predict_step(data).without_none()

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild this network."""
        return {"name": self.name, "config": self.config.model_dump(mode="json")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Network":
        """The network of a saved file, before its weights are read."""
        network = cls(parse_config(config["config"], "network"), name=config["name"])
        network.make_weights()
        return network


def as_measurement(measurement: Measurement | Mapping[str, Any]) -> Measurement:
    """A measurement as networks compute with it, complex64 and float32.

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


def _shape(layer: keras.layers.Layer) -> str:
    """A layer's output without the batch, if it is known."""
    try:
        return " x ".join(str(size) for size in layer.output.shape[1:])
    except (AttributeError, ValueError):  # never called on a symbolic input
        return ""


def build_network(config: Config) -> Network:
    """A new network with weights drawn from the configuration's seed."""
    keras.utils.set_random_seed(config.seed)
    if config.network.kind not in OUR_NETWORKS and not tf.distribute.has_strategy():
        # Keras numbers layers without a name and saves weights by these names: restart the numbers.
        keras.utils.clear_session(free_memory=False)
    network: Network = NETWORKS[config.network.kind].make(config)
    network.make_weights()
    return network


def head_variables(network: Network) -> list[keras.Variable]:
    """Trainable variables of the heads' optimizer group; the others are the backbone's."""
    return [v for part in network.parts() if part.head for v in part.variables]


def outputs_of(network: Network) -> set[str]:
    """The fields of `Prediction` that a network fills, by tracing it on one scene."""
    traced = tf.function(network.__call__, autograph=False)
    outputs = traced.get_concrete_function(silent_scene(network.config)).structured_outputs
    return set(Prediction._fields) - Prediction(*outputs).missing


def silent_scene(config: Config) -> Measurement:
    """One scene without signal, of the shapes of all scenes."""
    scene, elements = config.scene, config.geometry.elements
    return Measurement(
        y=tf.zeros([1, scene.snapshots, scene.antennas], tf.complex64),
        channel=tf.ones([1, scene.antennas, elements], tf.complex64),
        codes=tf.ones([1, scene.snapshots, elements], tf.complex64),
        snr_db=tf.zeros([1]),
    )
