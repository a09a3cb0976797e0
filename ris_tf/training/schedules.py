"""What changes along a run: learning rate by applied window, `beta` by epoch (SPEC 4, 5)."""

import math

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.learning import Training
from ris_tf.scene import Draws, Split, Stream

BETA_CEILING = 0.95
LEAST_RAMP = 2  # epochs over which beta rises at least


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


def beta_ramp(config: Config) -> int:
    """Epochs over which `beta` rises."""
    return max(LEAST_RAMP, math.ceil(config.covariance.beta_ramp * config.training.epochs))


def beta(epoch: tf.Tensor, window: tf.Tensor, config: Config) -> tf.Tensor:
    """Share of the sample covariance in the blend, for training: scalar float32.

    Rises linearly by epoch, and jitters once it has arrived.
    """
    knobs = config.covariance
    ramp = beta_ramp(config)
    rising = knobs.beta * tf.minimum(tf.cast(epoch, tf.float32) / ramp, 1.0)
    if not knobs.beta_jitter:
        return rising
    draws = Draws(config.seed, Split.TRAINING, 0, window)
    jitter = draws.uniform(Stream.BETA, [], -knobs.beta_jitter, knobs.beta_jitter)
    jittered = tf.clip_by_value(rising + jitter, 0.0, BETA_CEILING)
    return tf.where(tf.cast(epoch, tf.int64) >= ramp, jittered, rising)
