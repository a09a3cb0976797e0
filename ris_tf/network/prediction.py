"""The outputs of a network, and which of them are missing."""

from typing import Any, NamedTuple, cast

import tensorflow as tf

from ris_tf.covariance import Covariance
from ris_tf.registry import MissingOutputError


class Prediction(NamedTuple):
    """What the network predicts for a batch of scenes; `None` for outputs without a head.

    Attributes:
        angle_factor: `[B, N, K_max]` complex64, `A_angle`.
        range_factor: `[B, N, K_max]` complex64, `A_range`.
        predicted: `R_pred`.
        sample: `R_samp`, from the measurements alone.
        blended: `R_blend`.
        effective: effective `R_blend`.
        azimuth: `[B, K_max]` radians, of each slot.
        elevation: `[B, K_max]` radians.
        confidence: `[B, K_max]` in 0..1, of each slot.
        auxiliary_azimuth: `[B, K_max]` radians, regressed directly.
        auxiliary_elevation: `[B, K_max]` radians.
        range_m: `[B, K_max]` metres.
        count_logits: `[B, K_max]`, of 1..`K_max` sources.
    """

    angle_factor: tf.Tensor = None
    range_factor: tf.Tensor = None
    predicted: Covariance = None  # pyright: ignore[reportAssignmentType]
    sample: Covariance = None  # pyright: ignore[reportAssignmentType]
    blended: Covariance = None  # pyright: ignore[reportAssignmentType]
    effective: Covariance = None  # pyright: ignore[reportAssignmentType]
    azimuth: tf.Tensor = None
    elevation: tf.Tensor = None
    confidence: tf.Tensor = None
    auxiliary_azimuth: tf.Tensor = None
    auxiliary_elevation: tf.Tensor = None
    range_m: tf.Tensor = None
    count_logits: tf.Tensor = None

    @property
    def missing(self) -> set[str]:
        """Names of the outputs that the network does not have."""
        return {name for name in self._fields if getattr(self, name) is None}

    def has(self, *outputs: str) -> bool:
        """Whether the network has all of these outputs."""
        return self.missing.isdisjoint(outputs)

    def guarded(self) -> "Prediction":
        """The same, except that reading a missing output raises `MissingOutputError`."""
        return cast(Prediction, _Guarded(self)) if self.missing else self


class _Guarded:
    """A prediction whose missing outputs raise an error when they are read."""

    def __init__(self, prediction: Prediction):
        self._prediction = prediction

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._prediction, name)
        if value is None:
            raise MissingOutputError("is no output of this network", key=name)
        return value
