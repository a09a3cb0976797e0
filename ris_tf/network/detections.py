"""What a network predicts of the cells of its image, and which become detections (SPEC 3b)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import BeamspaceNetwork, Config
from ris_tf.products import gathered, matmul
from ris_tf.scene import field_axes
from ris_tf.shapes import sizes

BESIDE = 4.0  # logit taken off a cell that a neighbour outdoes, when cells are chosen
OUTPUTS = 5  # numbers of a cell: presence, azimuth, elevation, log range, log power
LEAST_CELL = 1e-3  # radians: a field of view may be a line or a point
BESIDE_FEATURES = 6
FARTHEST = 4.0  # cells at which another detection is as good as absent


class Cells(NamedTuple):
    """What a network predicts of each cell of its image, `[B, P]` float32, or of some, `[B, Q]`.

    Of several rounds, `[B, R, P]` or `[B, R, Q]`.

    Attributes:
        presence: logit that a source lies in the cell.
        azimuth: radians, of the source that may lie there.
        elevation: radians.
        log_range: natural logarithm of metres.
        log_power: natural logarithm of its power over the mean of the scene's sources.
    """

    presence: tf.Tensor
    azimuth: tf.Tensor
    elevation: tf.Tensor
    log_range: tf.Tensor
    log_power: tf.Tensor

    def at(self, cell: tf.Tensor) -> "Cells":
        """The same of some cells, `[B, Q]` int32, of every round: `[B, R, Q]`."""
        together = tf.stack(self, axis=-1)
        return Cells(*tf.unstack(gathered(together, cell, axis=2), axis=-1))


class Detections(NamedTuple):
    """Cells that are looked at closer.

    Attributes:
        cell: `[B, Q]` int32 their indices.
        features: `[B, Q, filters]` of the network.
        outputs: `[B, Q, OUTPUTS]` float32, as of cells.
    """

    cell: tf.Tensor
    features: tf.Tensor
    outputs: tf.Tensor

    @classmethod
    def at(cls, cell: tf.Tensor, features: tf.Tensor, outputs: tf.Tensor) -> "Detections":
        """Those of some cells `[B, Q]`, of an image `[B, A, E, filters]` and `[B, P, OUTPUTS]`."""
        flat = tf.reshape(features, [*sizes(outputs)[:2], features.shape[-1]])
        return cls(cell, *(gathered(x, cell) for x in (flat, outputs)))

    def chosen(self, which: tf.Tensor) -> "Detections":
        """Some of them: `[B, C]` int32."""
        cells = tf.gather(self.cell, which, batch_dims=1)
        return Detections(cells, gathered(self.features, which), gathered(self.outputs, which))

    def joined(self, other: "Detections") -> "Detections":
        """These and others."""
        return Detections(*(tf.concat(pair, axis=1) for pair in zip(self, other, strict=True)))

    def moved(self, by: tf.Tensor) -> "Detections":
        """The same with `[B, Q, OUTPUTS]` added to their outputs."""
        return self._replace(outputs=self.outputs + by)


class CellGrid:
    """The cells of an image: their centres, sizes, and which of them a direction lies in.

    Args:
        config: field of view and image.
    """

    def __init__(self, config: Config):
        knobs = config.network
        assert isinstance(knobs, BeamspaceNetwork)
        azimuths, elevations = knobs.image
        axes = field_axes(config.scene, azimuths, elevations)
        self.shape = (azimuths, elevations)
        self.axes = axes[0].astype(np.float32), axes[1].astype(np.float32)
        steps = (float(axis[1] - axis[0]) for axis in axes)
        self.size = max(next(steps), LEAST_CELL), max(next(steps), LEAST_CELL)
        centres = np.meshgrid(*self.axes, indexing="ij")
        self.azimuth, self.elevation = (centre.ravel() for centre in centres)
        self.count = azimuths * elevations

    def coordinates(self, azimuth: tf.Tensor, elevation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Directions in radians, as fractional indices of azimuth and elevation."""
        angles = zip((azimuth, elevation), self.axes, self.size, strict=True)
        first, second = ((angle - axis[0]) / size for angle, axis, size in angles)
        return first, second

    def cell_of(self, azimuth: tf.Tensor, elevation: tf.Tensor) -> tf.Tensor:
        """The cell that a direction in radians lies in: int32."""
        across, up = self.coordinates(azimuth, elevation)
        column = tf.clip_by_value(tf.cast(tf.round(across), tf.int32), 0, self.shape[0] - 1)
        row = tf.clip_by_value(tf.cast(tf.round(up), tf.int32), 0, self.shape[1] - 1)
        return column * self.shape[1] + row

    def most_present(
        self, outputs: tf.Tensor, count: int, taken: tf.Tensor | float = 0.0
    ) -> tf.Tensor:
        """The cells most likely to hold a source, peaks before their neighbours.

        Args:
            outputs: `[B, P, OUTPUTS]` of all cells.
            count: how many cells, `Q`.
            taken: `[B, P]` taken off their logits.

        Returns:
            `[B, Q]` int32, the most likely first; without gradient.
        """
        score = tf.stop_gradient(outputs[..., 0] - taken)
        batch = sizes(score)[0]
        image = tf.reshape(score, [batch, *self.shape, 1])
        highest = tf.nn.max_pool2d(image, 3, 1, "SAME")
        score = tf.where(image >= highest, image, image - BESIDE)
        return tf.math.top_k(tf.reshape(score, [batch, self.count]), count)[1]

    def nearness(self, azimuth: tf.Tensor, elevation: tf.Tensor, width: float) -> tf.Tensor:
        """`exp(-d^2 / 2 w^2)` of every cell and direction, distances `d` in cells.

        Args:
            azimuth: `[B, K]` radians.
            elevation: `[B, K]` radians.
            width: `w`, in cells.

        Returns:
            `[B, K, P]`.
        """
        across, up = self.coordinates(azimuth, elevation)
        columns = _bell(across[..., None] - np.arange(self.shape[0], dtype=np.float32), width)
        rows = _bell(up[..., None] - np.arange(self.shape[1], dtype=np.float32), width)
        product = columns[..., :, None] * rows[..., None, :]
        return tf.reshape(product, [*sizes(across), self.shape[0] * self.shape[1]])


def _bell(distance: tf.Tensor, width: float) -> tf.Tensor:
    return tf.exp(-tf.square(distance) / (2 * width**2))


def count_logits(presence: tf.Tensor, max_sources: int) -> tf.Tensor:
    """Logarithms of the probabilities of 1..`K_max` sources, the detections being independent.

    The distribution of a sum of Bernoulli variables (Poisson's binomial); what is above `K_max`
    counts as `K_max`. A detection takes the distribution of those before it to that with it by a
    matrix; matrices are multiplied in pairs, pairs of pairs, and so on.

    Args:
        presence: `[B, Q]` probabilities.
        max_sources: `K_max`.

    Returns:
        `[B, K_max]`.
    """
    one_more = np.eye(max_sources + 1, k=1, dtype=np.float32)
    one_more[-1, -1] = 1
    stays = np.eye(max_sources + 1, dtype=np.float32)
    step = stays + presence[..., None, None] * (one_more - stays)
    while (pairs := step.shape[1] // 2) > 0:
        product = matmul(step[:, :pairs], step[:, pairs : 2 * pairs])
        step = tf.concat([product, step[:, 2 * pairs :]], axis=1) if step.shape[1] % 2 else product
    return tf.math.log(step[:, 0, 0, 1:] + 1e-7)


def beside(found: Cells, size: tuple[float, float]) -> tf.Tensor:
    """Where each detection has others beside it, without gradient: `[B, Q, Q, BESIDE_FEATURES]`.

    Args:
        found: detections.
        size: of a cell, in radians of azimuth and elevation.
    """

    def apart(values: tf.Tensor) -> tf.Tensor:
        return values[:, None, :] - values[:, :, None]

    azimuth, elevation = apart(found.azimuth) / size[0], apart(found.elevation) / size[1]
    near = tf.exp(-tf.sqrt(tf.square(azimuth) + tf.square(elevation)) / 2)
    presence = tf.sigmoid(found.presence)
    features = [
        tf.clip_by_value(azimuth, -FARTHEST, FARTHEST) * near,
        tf.clip_by_value(elevation, -FARTHEST, FARTHEST) * near,
        apart(found.log_range) * near,
        near,
        tf.zeros_like(near) + presence[:, None, :],
        apart(presence),
    ]
    return tf.stop_gradient(tf.stack(features, axis=-1))
