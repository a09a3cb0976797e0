"""The head of a round: it moves and judges detections by what their fit shows (SPEC 3b)."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from ris_tf.network.detections import BESIDE_FEATURES, OUTPUTS, Detections
from ris_tf.network.evidence import COORDINATES, FEATURES
from ris_tf.network.layers import nearly_nothing

STEPPED = 0.5  # share of a Gauss-Newton step that is taken before anything is learned
LEAST_LOG, LARGEST_LOG = -4.0, 4.0  # of a deviation over the fit's


class Change(NamedTuple):
    """What a head does to detections.

    Attributes:
        outputs: `[B, Q, OUTPUTS]` added to presence logit, offsets, log range and log power.
        towards: `[B, Q, 1]` share of the fit's step that is taken.
        log_deviation: `[B, Q, 3]` logarithm of the deviations over the fit's.
    """

    outputs: tf.Tensor
    towards: tf.Tensor
    log_deviation: tf.Tensor


class DetectionHead(keras.layers.Layer):
    """Each detection's features and evidence, and the largest response to another detection.

    Args:
        width: of the hidden layers.
    """

    def __init__(self, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        layer = {"dtype": self.dtype_policy}
        dense = keras.layers.Dense
        self.own = dense(width, "relu", name="own", **layer)
        self.other = dense(width, name="other", **layer)
        self.of_other = dense(width, use_bias=False, name="of_other", **layer)
        self.mix = dense(width, "relu", name="mix", **layer)
        numbers = OUTPUTS + 1 + COORDINATES
        self.outputs = dense(numbers, kernel_initializer=nearly_nothing(), name="outputs", **layer)

    def build(self, input_shape: tuple) -> None:
        """Make the weights for features `[B, Q, F]`."""
        *leading, features = input_shape
        width = self.own.units
        self.own.build((*leading, features + OUTPUTS + FEATURES))
        self.other.build((*leading, input_shape[-2], BESIDE_FEATURES))
        self.of_other.build((*leading, width))
        self.mix.build((*leading, 2 * width))
        self.outputs.build((*leading, width))

    def call(self, detections: Detections, shown: tf.Tensor, others: tf.Tensor) -> Change:
        """What to change.

        Args:
            detections: so far.
            shown: `[B, Q, FEATURES]` float32 evidence.
            others: `[B, Q, Q, BESIDE_FEATURES]` float32 of each pair.
        """
        kind = detections.features.dtype
        numbers = tf.cast(tf.concat([detections.outputs, shown], axis=-1), kind)
        own = self.own(tf.concat([detections.features, numbers], axis=-1))
        of_other = self.of_other(own)[:, None] + self.other(tf.cast(others, kind))
        other = tf.reduce_max(tf.nn.relu(of_other), axis=2)
        change = tf.cast(self.outputs(self.mix(tf.concat([own, other], axis=-1))), tf.float32)
        added, towards, log_deviation = tf.split(change, [OUTPUTS, 1, COORDINATES], axis=-1)
        return Change(
            added, STEPPED + towards, tf.clip_by_value(log_deviation, LEAST_LOG, LARGEST_LOG)
        )
