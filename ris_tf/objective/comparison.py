"""A prediction beside the truth, with what several terms share."""

import math
from dataclasses import dataclass
from functools import cached_property

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.covariance import Covariance, effective, nmse, true_covariance
from ris_tf.network import Prediction
from ris_tf.network.detections import CellGrid, Cells
from ris_tf.objective import slots
from ris_tf.products import gathered
from ris_tf.scene import Panel, Scenes, make_panel, unit_direction

SLOTS = ("azimuth", "elevation", "range_m")  # outputs by which slots are assigned to sources
DETECTED_DEG = 8.0  # great-circle error up to which a detection is of the source assigned to it
DETECTION_RANGE_SHARE = 0.05  # of the range in the cost of a detection: directions tell them apart
LIKELIHOOD_SHARE = 0.1  # of its presence: the likeliest of several detections has the source


@dataclass(frozen=True)
class Comparison:
    """A prediction and the truth, with intermediate results that several terms share.

    Attributes:
        prediction: what the network predicts; reading a missing output raises `MissingOutputError`.
        scenes: the true scenes.
        config: constants of the terms.
        panel: the nominal panel.
        truth: effective `R_true`.
        missing: labels that the scenes lack, of which nothing is computed; see `LABELS`.
    """

    prediction: Prediction
    scenes: Scenes
    config: Config
    panel: Panel
    truth: Covariance
    missing: frozenset[str] = frozenset()

    @cached_property
    def active(self) -> tf.Tensor:
        """`[B, K_max]` 1 for active sources."""
        return self.scenes.sources.active

    @property
    def angle_knee(self) -> float:
        """Knee of the angle's Huber loss in radians."""
        return math.radians(self.config.objective.angle_huber_deg)

    @cached_property
    def covariance_error(self) -> tf.Tensor:
        """`[B]` NMSE of effective `R_blend` against effective `R_true`."""
        return nmse(self.prediction.effective, self.truth)

    @cached_property
    def slot(self) -> tf.Tensor:
        """`[B, K_max]` slot or detection that is assigned to each source, without gradient."""
        return slots.best_assignment(tf.stop_gradient(_pairwise_cost(self)))

    def of_sources(self, by_slot: tf.Tensor) -> tf.Tensor:
        """`[B, Q]` values by slot, reordered to the `[B, K_max]` sources they are assigned to."""
        return gathered(by_slot, self.slot)

    @cached_property
    def detected(self) -> tf.Tensor:
        """`[B, K_max]` 1 for active sources whose detection is near them, without gradient."""
        p, sources = self.prediction, self.scenes.sources
        towards = unit_direction(self.of_sources(p.azimuth), self.of_sources(p.elevation))
        chord = tf.norm(towards - unit_direction(sources.azimuth, sources.elevation), axis=-1)
        near = chord < 2 * math.sin(math.radians(DETECTED_DEG) / 2)
        return tf.stop_gradient(tf.cast(near, tf.float32) * self.active)

    @cached_property
    def cell_grid(self) -> CellGrid:
        """The cells of the network's image."""
        return CellGrid(self.config)

    @cached_property
    def source_cell(self) -> tf.Tensor:
        """`[B, K_max]` int32 cell that each source lies in."""
        return self.cell_grid.cell_of(self.scenes.sources.azimuth, self.scenes.sources.elevation)

    @cached_property
    def cells_of_sources(self) -> Cells:
        """What the network predicts, in each round, of the cells of sources: `[B, R, K_max]`."""
        return self.prediction.cells.at(self.source_cell)

    def at_sources(self, of_detections: tf.Tensor, of_cells: tf.Tensor) -> tf.Tensor:
        """`[B, 1 + R, K_max]` of the detections that sources are assigned, then of their cells.

        Args:
            of_detections: `[B, Q]`.
            of_cells: `[B, R, K_max]`.
        """
        return tf.concat([self.of_sources(of_detections)[:, None], of_cells], axis=1)

    def mean_of_detections(self, losses: tf.Tensor) -> tf.Tensor:
        """`[B]` mean of losses `[B, 1 + R, K_max]` as of `at_sources`.

        Detections count where they are near their sources.
        """
        own, cells = losses[:, 0], tf.reduce_mean(losses[:, 1:], axis=1)
        return slots.source_mean(0.5 * (own * self.detected + cells), self.active)

    @cached_property
    def log_power(self) -> tf.Tensor:
        """`[B, K_max]` logarithm of each source's power over its scene's mean; 0 where inactive."""
        power = self.scenes.sources.power
        mean = slots.source_mean(power, self.active)[:, None]
        return tf.math.log(tf.where(self.active > 0, power / mean, 1.0))


def compare(
    prediction: Prediction,
    scenes: Scenes,
    config: Config,
    missing: frozenset[str] = frozenset(),
) -> Comparison:
    """Put a prediction beside the truth, with its effective covariance.

    Args:
        prediction: what the network predicts.
        scenes: the truth.
        config: constants of the terms.
        missing: labels that the scenes lack.
    """
    truth = true_covariance(scenes.steering, scenes.sources.power)
    return Comparison(
        prediction=prediction.guarded(),
        scenes=scenes,
        config=config,
        panel=make_panel(config.geometry),
        truth=effective(truth, scenes.measurement.snr_db, config.covariance),
        missing=missing,
    )


def _pairwise_cost(c: Comparison) -> tf.Tensor:
    """`[B, slot, source]` cost of every pair: 0.75 angle + 0.45 range, 0 for inactive sources.

    Several detections may be of one source: the likely ones are preferred, and range has less say.
    """
    p, sources, knobs = c.prediction, c.scenes.sources, c.config.objective
    angle = slots.angle_error(
        p.azimuth[:, :, None] - sources.azimuth[:, None],
        p.elevation[:, :, None] - sources.elevation[:, None],
        c.angle_knee,
    )
    distance = slots.range_error(
        p.range_m[:, :, None],
        sources.range_m[:, None],
        c.config.scene.range_m[0],
        knobs.range_huber,
    )
    detected = p.has("presence_logit")
    share = DETECTION_RANGE_SHARE if detected else slots.RANGE_SHARE
    other = tf.zeros_like(distance) if "range_m" in c.missing else share * distance
    if detected:
        other -= LIKELIHOOD_SHARE * p.confidence[:, :, None]
    cost = slots.ANGLE_SHARE * angle + other
    return cost * sources.active[:, None, :]
