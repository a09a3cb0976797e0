"""`beta` along a run: the share of the sample covariance in the blend, by epoch (SPEC 4)."""

import math

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.scene import Draws, Split, Stream

BETA_CEILING = 0.95
LEAST_RAMP = 2  # epochs over which beta rises at least


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
