"""Terms of detections: presence in cells and at detections, power, deviations (SPEC 3b, 4)."""

import tensorflow as tf

from ris_tf.config.registry import term
from ris_tf.objective.comparison import Comparison
from ris_tf.objective.slots import huber, source_mean

SOURCE_WIDTH = 0.7  # cells around a source whose presence counts less against the network
POSITIVE, NEGATIVE = 2, 4  # exponents of the focal loss
POWER_KNEE = 0.2  # of log power, where its loss turns from square to linear
LEVEL = 0.95  # share of errors that lie within ..
WITHIN = 1.959964  # .. this many standard deviations
LEAST_ERROR = 1e-6


@term("heatmap")
def heatmap(c: Comparison) -> tf.Tensor:
    """Focal loss of the presence of sources in the cells of the image, mean of rounds: `[B]`."""
    rounds, sources, grid = c.prediction.cells, c.scenes.sources, c.cell_grid
    near = grid.nearness(sources.azimuth, sources.elevation, SOURCE_WIDTH)
    target = tf.reduce_max(near * c.active[..., None], axis=1)
    holds = tf.reduce_max(tf.one_hot(c.source_cell, grid.count) * c.active[..., None], axis=1)
    losses = [focal_loss(cells.presence, target, holds) for cells in rounds]
    return tf.add_n(losses) / len(losses)


@term("presence")
def presence(c: Comparison) -> tf.Tensor:
    """Cross-entropy of the presence of a source at each detection, over the sources: `[B]`."""
    logit = c.prediction.presence_logit
    of_source = tf.one_hot(c.slot, logit.shape[-1]) * c.detected[..., None]
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(tf.reduce_sum(of_source, axis=1), logit)
    return tf.reduce_sum(entropy, axis=-1) / tf.reduce_sum(c.active, axis=-1)


@term("power")
def power(c: Comparison) -> tf.Tensor:
    """Huber loss of log power, of detections and of the cells of sources: `[B]`."""

    def error(log_power: tf.Tensor) -> tf.Tensor:
        return huber(log_power - c.log_power, POWER_KNEE)

    return c.mean_of_detections(
        error(c.of_sources(tf.math.log(c.prediction.power))),
        [error(cells.log_power) for cells in c.at_sources],
    )


@term("deviation")
def deviation(c: Comparison) -> tf.Tensor:
    """Quantile loss of standard deviations: 95 % of errors are to be within 1.96 of them: `[B]`."""
    p, sources = c.prediction, c.scenes.sources
    estimates = (
        (p.azimuth, sources.azimuth, p.azimuth_std),
        (p.elevation, sources.elevation, p.elevation_std),
        (1 / p.range_m, 1 / sources.range_m, p.range_std_m / p.range_m**2),
    )
    losses = [
        interval_loss(tf.stop_gradient(c.of_sources(estimate) - truth), c.of_sources(std))
        for estimate, truth, std in estimates
    ]
    return source_mean(tf.add_n(losses) / len(losses) * c.detected, c.active)


def focal_loss(logit: tf.Tensor, target: tf.Tensor, holds: tf.Tensor) -> tf.Tensor:
    """Focal loss of an image of presences, over the number of cells with a source: `[B]`.

    `-(1 - p)^2 log p` in cells that hold a source, `-(1 - t)^4 p^2 log(1 - p)` in others (Law and
    Deng, "CornerNet: detecting objects as paired keypoints", ECCV 2018).

    Args:
        logit: `[B, P]` of `p`.
        target: `[B, P]` `t` in 0..1, near 1 beside sources.
        holds: `[B, P]` 1 in cells that hold a source, else 0.
    """
    p = tf.sigmoid(logit)
    positive = (1 - p) ** POSITIVE * tf.math.softplus(-logit)
    negative = (1 - target) ** NEGATIVE * p**POSITIVE * tf.math.softplus(logit)
    total = tf.reduce_sum(tf.where(holds > 0, positive, negative), axis=-1)
    return total / tf.maximum(tf.reduce_sum(holds, axis=-1), 1.0)


def interval_loss(error: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Quantile loss of `1.96 s` as the 95 % quantile of `|e|`, of any shape.

    Of logarithms, whose quantiles are the logarithms of quantiles: the scale of errors has no say.
    """
    beyond = tf.math.log(tf.abs(error) + LEAST_ERROR) - tf.math.log(WITHIN * deviation)
    return tf.maximum(LEVEL * beyond, (LEVEL - 1) * beyond)
