"""Terms of detections: presence in cells and at detections, power, deviations (SPEC 3b, 4)."""

import tensorflow as tf

from ris_tf.config.registry import term
from ris_tf.objective.comparison import Comparison
from ris_tf.objective.slots import huber, source_mean
from ris_tf.products import gathered

SOURCE_WIDTH = 0.7  # cells around a source whose presence counts less against the network
POWER_KNEE = 0.2  # of log power, where its loss turns from square to linear
LEVEL = 0.95  # share of errors that lie within ..
WITHIN = 1.959964  # .. this many standard deviations
LEAST_ERROR = 1e-6


@term("heatmap")
def heatmap(c: Comparison) -> tf.Tensor:
    """Focal loss of the presence of sources in the cells of the image, mean of rounds: `[B]`."""
    logit = c.prediction.cells.presence  # first: without cells there is no grid
    sources, grid = c.scenes.sources, c.cell_grid
    near = grid.nearness(sources.azimuth, sources.elevation, SOURCE_WIDTH)
    target = tf.reduce_max(near * c.active[..., None], axis=1)
    holds = tf.reduce_max(tf.one_hot(c.source_cell, grid.count) * c.active[..., None], axis=1)
    losses = focal_loss(logit, target[:, None], holds[:, None])
    return tf.reduce_mean(losses, axis=1)


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
    log_power = c.at_sources(tf.math.log(c.prediction.power), c.cells_of_sources.log_power)
    error = log_power - c.log_power[:, None]
    return c.mean_of_detections(huber(error, POWER_KNEE))


@term("deviation")
def deviation(c: Comparison) -> tf.Tensor:
    """Quantile loss of standard deviations: 95 % of errors are to be within 1.96 of them: `[B]`."""
    p, sources = c.prediction, c.scenes.sources
    estimates = tf.stack([p.azimuth, p.elevation, 1 / p.range_m], axis=1)
    truths = tf.stack([sources.azimuth, sources.elevation, 1 / sources.range_m], axis=1)
    inverse_std = p.range_std_m / tf.square(p.range_m)
    deviations = tf.stack([p.azimuth_std, p.elevation_std, inverse_std], axis=1)
    errors = tf.stop_gradient(gathered(estimates, c.slot, axis=2) - truths)
    losses = interval_loss(errors, gathered(deviations, c.slot, axis=2))
    return source_mean(tf.reduce_mean(losses, axis=1) * c.detected, c.active)


def focal_loss(logit: tf.Tensor, target: tf.Tensor, holds: tf.Tensor) -> tf.Tensor:
    """Focal loss of an image of presences, over the number of cells with a source: `[...]`.

    `-(1 - p)^2 log p` in cells that hold a source, `-(1 - t)^4 p^2 log(1 - p)` in others (Law and
    Deng, "CornerNet: detecting objects as paired keypoints", ECCV 2018).

    Args:
        logit: `[..., P]` of `p`.
        target: `[..., P]` `t` in 0..1, near 1 beside sources.
        holds: `[..., P]` 1 in cells that hold a source, else 0.
    """
    p = tf.sigmoid(logit)
    positive = tf.square(1 - p) * tf.math.softplus(-logit)
    negative = tf.square(tf.square(1 - target) * p) * tf.math.softplus(logit)
    total = tf.reduce_sum(tf.where(holds > 0, positive, negative), axis=-1)
    return total / tf.maximum(tf.reduce_sum(holds, axis=-1), 1.0)


def interval_loss(error: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Quantile loss of `1.96 s` as the 95 % quantile of `|e|`, of any shape.

    Of logarithms, whose quantiles are the logarithms of quantiles: the scale of errors has no say.
    """
    beyond = tf.math.log(tf.abs(error) + LEAST_ERROR) - tf.math.log(WITHIN * deviation)
    return tf.maximum(LEVEL * beyond, (LEVEL - 1) * beyond)
