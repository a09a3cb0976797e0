"""The beamspace network: it detects sources in a near-field image (SPEC 3b)."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.config import BeamspaceNetwork as Knobs
from ris_tf.config import Config
from ris_tf.config.registry import network
from ris_tf.covariance import BackProjection, Covariance, from_factor, with_trace_n
from ris_tf.network.base import Network
from ris_tf.network.detections import (
    OUTPUTS,
    CellGrid,
    Cells,
    Detections,
    beside,
    count_logits,
)
from ris_tf.network.evidence import COORDINATES, evidence
from ris_tf.network.heads import DetectionHead
from ris_tf.network.image import focus_grid, focused_image, residual_image
from ris_tf.network.layers import Dense, Trunk, dropout, nearly_nothing
from ris_tf.network.parts import Part
from ris_tf.network.prediction import Prediction
from ris_tf.receiver import observed
from ris_tf.scene import Measurement, make_panel, steering_vectors
from ris_tf.scene.panel import direction_cosines
from ris_tf.scene.scale import FREE, Scales
from ris_tf.shapes import sizes

RARE = 0.01  # presence of a source in a cell before anything is learned
BEYOND = 0.1  # of the bounds of range, by which a predicted one may exceed them
LARGEST_LOG_POWER = 7.0  # 30 dB above or below the mean of a scene's sources
LEAST_PRESENCE = 1e-9  # under a square root
TAKEN_WIDTH, TAKEN = 1.0, 8.0  # cells around a detection, and the logit taken off them
RENEWAL_BLOCKS = 1
COSINES = 2  # direction cosines of a cell, beside its image


@network("beamspace")
class BeamspaceNetwork(Network):
    """An image of the near field in; detections, their covariance and the source count out.

    1.  Residual convolutions over the image give each of its cells the presence, direction, range
        and power of a source in it.
    2.  The cells most likely to hold one become detections. In each of `rounds`, they are fitted
        to the measurement together, and a small head moves and judges them by what the fit shows.
        Between rounds, the image of what is left shows missed sources, whose cells take the places
        of the unlikely half of detections.
    3.  Their steering vectors, weighted by presence and power, are the factor of the covariance;
        the presences give the distribution of the count.

    Call it with a `Measurement`, or a dictionary of its fields (`y`, `channel`, `codes`, `snr_db`),
    of any batch size, known or not, in single or double precision.

    Args:
        config: the whole configuration.
    """

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        knobs = config.network
        assert isinstance(knobs, Knobs)
        self.knobs = knobs
        self.grid = focus_grid(config)
        self.cells = CellGrid(config)
        self.panel = make_panel(config.geometry)
        self.detected = knobs.detections or 2 * config.scene.sources_max
        self._set_units(*map(math.log, config.scene.range_m))
        self._make_layers({"dtype": self.policy})

    def _set_units(self, nearest: float, farthest: float) -> None:
        """What outputs are in: values of a cell are `origin + unit x output`, within bounds.

        Args:
            nearest: logarithm of metres.
            farthest: logarithm of metres.
        """
        azimuths, elevations = self.cells.axes
        lows = azimuths[0], elevations[0], nearest + math.log(1 - BEYOND), -LARGEST_LOG_POWER
        highs = azimuths[-1], elevations[-1], farthest + math.log(1 + BEYOND), LARGEST_LOG_POWER
        bounds = np.array([[-np.inf, *lows], [np.inf, *highs]], np.float32)
        self.bounds = bounds[0], bounds[1]
        self.units = np.array([1, *self.cells.size, 1, 1], np.float32)
        self.origins = np.zeros([self.cells.count, OUTPUTS], np.float32)
        self.origins[:, 1], self.origins[:, 2] = self.cells.azimuth, self.cells.elevation
        self.origins[:, 3] = 0.5 * (nearest + farthest)

    def _make_layers(self, layer: dict[str, Any]) -> None:
        knobs = self.knobs
        planes, image, filters = len(knobs.planes_m), tuple(knobs.image), knobs.filters
        self.trunk = Trunk(filters, knobs.blocks, name="trunk", **layer)
        self.trunk.build((None, *image, 2 * planes + COSINES))
        self.cell_head = Dense(
            OUTPUTS, kernel_initializer=nearly_nothing(), name="cell_head", **layer
        )
        self.cell_head.build((None, self.cells.count, filters))
        rare = math.log(RARE / (1 - RARE))
        self.cell_head.bias.assign([rare, *[0.0] * (OUTPUTS - 1)])
        self.detection_heads = [
            DetectionHead(knobs.width, name=f"detection_head_{i}", **layer)
            for i in range(knobs.rounds)
        ]
        for head in self.detection_heads:
            head.build((None, self.detected, filters))
        self.renewals = [
            Trunk(filters, RENEWAL_BLOCKS, name=f"renewal_{i}", **layer)
            for i in range(1, knobs.rounds)
        ]
        for renewal in self.renewals:
            renewal.build((None, *image, filters + planes))

    @property
    def scales(self) -> Scales:
        """Any: images and fits are of ratios."""
        return FREE

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
        projection = self.back_projection(measurement)
        backprojected = projection(measurement.y)
        features = dropout(self._features(backprojected), self.knobs.dropout, key, 0)
        detections, deviation, maps = self._rounds(measurement, projection, features)
        found = self._found(detections)
        presence, range_m = tf.sigmoid(found.presence), tf.exp(found.log_range)
        predicted, steering = self._covariance(found, presence)
        return Prediction(
            angle_factor=steering,
            azimuth=found.azimuth,
            elevation=found.elevation,
            range_m=range_m,
            confidence=presence,
            power=tf.exp(found.log_power),
            azimuth_std=self.cells.size[0] * deviation[..., 0],
            elevation_std=self.cells.size[1] * deviation[..., 1],
            range_std_m=range_m * deviation[..., 2],
            presence_logit=found.presence,
            cells=self._decoded(maps, self.origins),
            count_logits=count_logits(presence, self.config.scene.sources_max),
            **self.covariances(measurement, backprojected, predicted, beta),
        )

    def _features(self, backprojected: tf.Tensor) -> tf.Tensor:
        """`[B, A, E, filters]` features of the cells, from the image of the snapshots."""
        image = focused_image(backprojected, self.grid)
        centres = map(tf.constant, (self.cells.azimuth, self.cells.elevation))
        cosines = tf.stack(direction_cosines(*centres), axis=-1)
        cosines = tf.reshape(cosines, [*self.cells.shape, COSINES])
        places = tf.broadcast_to(cosines, [*sizes(image)[:-1], COSINES])
        return self.trunk(tf.concat([image, places], axis=-1))

    def _rounds(
        self, measurement: Measurement, projection: BackProjection, features: tf.Tensor
    ) -> tuple[Detections, tf.Tensor, tf.Tensor]:
        """Detections after all rounds, their deviations in cells, and the maps of all cells.

        The maps are `[B, R, P, OUTPUTS]`.
        """
        data = observed(measurement, self.panel, self.config.scene.symbols)
        cells = self._map(features)
        detections = Detections.at(self.cells.most_present(cells, self.detected), features, cells)
        deviation, maps = tf.ones_like(detections.outputs[..., :COORDINATES]), [cells]
        for head, renewal in zip(self.detection_heads, [*self.renewals, None], strict=False):
            found = self._found(detections)
            shown = evidence(data, found, self.cells.size)
            change = head(detections, shown.features(), beside(found, self.cells.size))
            detections = detections.moved(change.outputs + change.towards * shown.step_of(OUTPUTS))
            deviation = shown.deviation * tf.exp(change.log_deviation)
            if renewal is not None:
                left = projection(tf.reshape(shown.left, sizes(measurement.y)))
                rest = tf.cast(residual_image(left, self.grid), features.dtype)
                features = renewal(tf.concat([features, rest], axis=-1))
                maps.append(self._map(features))
                detections = self._renewed(detections, features, maps[-1])
        return detections, deviation, tf.stack(maps, axis=1)

    def _map(self, features: tf.Tensor) -> tf.Tensor:
        """`[B, P, OUTPUTS]` float32 outputs of all cells."""
        flat = [sizes(features)[0], self.cells.count, self.knobs.filters]
        return tf.cast(self.cell_head(tf.reshape(features, flat)), tf.float32)

    def _renewed(self, known: Detections, features: tf.Tensor, cells: tf.Tensor) -> Detections:
        """The likelier half of detections, and other cells of a new map in place of the rest."""
        kept = self.detected - self.detected // 2
        _, best = tf.math.top_k(tf.stop_gradient(known.outputs[..., 0]), kept)
        old = known.chosen(best)
        found = self._found(old)
        taken = self.cells.nearness(found.azimuth, found.elevation, TAKEN_WIDTH)
        taken = tf.reduce_max(taken * tf.sigmoid(found.presence)[..., None], axis=1)
        chosen = self.cells.most_present(cells, self.detected - kept, TAKEN * taken)
        new = Detections.at(chosen, features, cells)
        old = old._replace(features=Detections.at(old.cell, features, cells).features)
        return old.joined(new)

    def _found(self, detections: Detections) -> Cells:
        """Presence and coordinates of detections."""
        return self._decoded(detections.outputs, tf.gather(self.origins, detections.cell))

    def _decoded(self, outputs: tf.Tensor, origins: tf.Tensor | np.ndarray) -> Cells:
        """Outputs of cells with these origins, as presence and coordinates in the field of view."""
        outputs = tf.clip_by_value(origins + self.units * outputs, *self.bounds)
        return Cells(*tf.unstack(outputs, axis=-1))

    def _covariance(self, found: Cells, presence: tf.Tensor) -> tuple[Covariance, tf.Tensor]:
        """`R_pred` of columns `sqrt(presence x power) a`, and the `[B, N, Q]` steering vectors."""
        place = found.azimuth, found.elevation, tf.exp(found.log_range)
        steering = tf.transpose(steering_vectors(self.panel, *place), [0, 2, 1])
        amplitude = tf.sqrt(presence * tf.exp(found.log_power) + LEAST_PRESENCE)
        factor = steering * tf.cast(amplitude, steering.dtype)[:, None, :]
        return with_trace_n(from_factor(factor)), steering

    def parts(self) -> list[Part]:
        """The network part by part: its table, and its optimizer groups."""
        knobs = self.knobs
        image = " x ".join(map(str, (*knobs.image, knobs.filters)))
        return [
            Part("trunk", f"Conv2D 3x3, {knobs.blocks} residual blocks", image, (self.trunk,)),
            Part(
                "renewals",
                f"{len(self.renewals)} x Conv2D 3x3, {RENEWAL_BLOCKS} residual block",
                image,
                tuple(self.renewals),
            ),
            Part("cell head", "Dense", f"{self.cells.count} x {OUTPUTS}", (self.cell_head,), True),
            Part(
                "detection heads",
                f"{knobs.rounds} x 5 Dense",
                f"{self.detected} x {OUTPUTS + COORDINATES}",
                tuple(self.detection_heads),
                True,
            ),
        ]

    def make_weights(self) -> None:
        """Nothing to do: its layers are built in the constructor."""
