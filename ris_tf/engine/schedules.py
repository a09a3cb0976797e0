"""Windows of a run, and the learning rate by applied window (SPEC 5)."""

import math

import tensorflow as tf

from ris_tf.config.learning import Training


def windows_per_epoch(training: Training) -> int:
    """Optimizer steps an epoch; the last is short where `accumulation` does not divide."""
    return math.ceil(training.batches_per_epoch / training.accumulation)


def planned_windows(training: Training) -> int:
    """`T`, windows of the whole run."""
    return training.epochs * windows_per_epoch(training)


def warmup_windows(training: Training) -> int:
    """Applied windows over which the learning rate rises."""
    return math.ceil(training.warmup * planned_windows(training))


def swa_begins(training: Training) -> int:
    """Applied windows after which the equal-weight mean is taken."""
    return math.ceil(training.swa_start * planned_windows(training))


def learning_rate(position: tf.Tensor, training: Training) -> tf.Tensor:
    """The backbone's learning rate after `position` applied windows: scalar float32.

    Linear warm-up, then cosine; constant once the equal-weight mean is taken.
    """
    t = tf.cast(position, tf.float32)
    total = planned_windows(training)
    warm = warmup_windows(training)
    progress = tf.clip_by_value((t - warm) / max(total - warm, 1), 0.0, 1.0)
    cosine = training.final_rate + (1 - training.final_rate) * 0.5 * (
        1 + tf.cos(math.pi * progress)
    )
    factor = tf.where(t < warm, (t + 1) / max(warm, 1), cosine)
    if training.swa:
        factor = tf.where(t >= swa_begins(training), training.swa_rate, factor)
    return training.learning_rate * factor
