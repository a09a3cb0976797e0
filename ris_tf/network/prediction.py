"""The outputs of a network, and which of them are missing."""

from typing import Any, NamedTuple, cast

import tensorflow as tf

from ris_tf.covariance import Covariance
from ris_tf.network.detections import Cells
from ris_tf.registry import MissingOutputError
from ris_tf.scene.positions import Positions


class Prediction(NamedTuple):
    """What the network predicts for a batch of scenes; `None` for outputs without a head.

    Attributes:
        angle_factor: `[B, N, K_max]` complex64, `A_angle`.
        range_factor: `[B, N, K_max]` complex64, `A_range`.
        predicted: `R_pred`.
        sample: `R_samp`, from the measurements alone.
        blended: `R_blend`.
        effective: effective `R_blend`.
        azimuth: `[B, Q]` radians, of each slot or detection; `Q` is at least `K_max`.
        elevation: `[B, Q]` radians.
        confidence: `[B, Q]` in 0..1, of each slot; of a detection, the probability of a source.
        auxiliary_azimuth: `[B, K_max]` radians, regressed directly.
        auxiliary_elevation: `[B, K_max]` radians.
        range_m: `[B, Q]` metres.
        count_logits: `[B, K_max]`, of 1..`K_max` sources.
        power: `[B, Q]` of a detection, over the mean of the scene's sources.
        azimuth_std: `[B, Q]` radians, standard deviation of a detection's azimuth.
        elevation_std: `[B, Q]` radians.
        range_std_m: `[B, Q]` metres.
        presence_logit: `[B, Q]` logit of `confidence`.
        cells: what the network predicts of each cell of its image, in each round: `[B, R, P]` each.
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
    power: tf.Tensor = None
    azimuth_std: tf.Tensor = None
    elevation_std: tf.Tensor = None
    range_std_m: tf.Tensor = None
    presence_logit: tf.Tensor = None
    cells: Cells = None  # pyright: ignore[reportAssignmentType]

    @property
    def missing(self) -> set[str]:
        """Names of the outputs that the network does not have."""
        return {name for name, output in self._asdict().items() if output is None or _empty(output)}

    def has(self, *outputs: str) -> bool:
        """Whether the network has all of these outputs."""
        return self.missing.isdisjoint(outputs)

    def most_likely_count(self) -> tf.Tensor:
        """`[B]` int32 the likeliest number of sources."""
        return tf.argmax(self.count_logits, axis=-1, output_type=tf.int32) + 1

    def reported(self, count: tf.Tensor | None = None) -> Positions:
        """The most confident slots or detections, the most confident first: `[B, K_max]` each.

        Args:
            count: `[B]` int32 how many of them are active; the likeliest count if not given.
        """
        count = self.most_likely_count() if count is None else count
        azimuth, elevation, range_m = map(self.ranked, (self.azimuth, self.elevation, self.range_m))
        active = tf.sequence_mask(count, azimuth.shape[-1], tf.float32)
        return Positions(azimuth, elevation, range_m, active)

    def ranked(self, values: tf.Tensor) -> tf.Tensor:
        """`[B, Q]` values of the `K_max` most confident, the most confident first."""
        _, slot = tf.math.top_k(self.confidence, self.count_logits.shape[-1])
        return tf.gather(values, slot, batch_dims=1)

    def without_none(self) -> "Prediction":
        """The same with `()` for missing outputs, which has no leaves as a structure."""
        outputs: list[Any] = [() if output is None else output for output in self]
        return Prediction(*outputs)

    def guarded(self) -> "Prediction":
        """The same, except that reading a missing output raises `MissingOutputError`."""
        return cast(Prediction, _Guarded(self)) if self.missing else self


def _empty(output: Any) -> bool:
    return isinstance(output, tuple) and not output


class _Guarded:
    """A prediction whose missing outputs raise an error when they are read."""

    def __init__(self, prediction: Prediction):
        self._prediction = prediction

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._prediction, name)
        if value is None:
            raise MissingOutputError("is no output of this network", key=name)
        return value
