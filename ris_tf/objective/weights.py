"""Weights of the terms over the epochs: named multipliers on the configured weights (SPEC 4)."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from ris_tf.config import Config

EARLY_EPOCHS = 3  # of the structure schedule
LATE = 0.8  # share of the epochs after which the structure schedule raises its weights

# Multipliers of the three_phase schedule in the first, second and last third.
THREE_PHASE: Mapping[str, tuple] = {
    "covariance": (0.25, 0.25, 0.7),
    "angle": (0.70, 0.20, 0.25),
    "range": (0.0, 0.45, 0.30),
    "count": (0.33, 0.67, 1.0),
}
STRUCTURE: Mapping[str, tuple] = {
    "subspace": (0.4, 1.0, 1.4),
    "contrast": (0.4, 1.0, 1.4),
}


def constant(epoch: tf.Tensor, epochs: int) -> tf.Tensor:
    """One phase, the middle one, whose multipliers are all 1."""
    del epochs
    return tf.ones_like(epoch)


def structure(epoch: tf.Tensor, epochs: int) -> tf.Tensor:
    """Phase 0 in the first 3 epochs, 2 in the last 20 %, else 1."""
    late = tf.cast(tf.cast(epoch, tf.float32) >= LATE * epochs, epoch.dtype)
    early = tf.cast(epoch < EARLY_EPOCHS, epoch.dtype)
    return 1 + late - early * (1 - late)


def three_phase(epoch: tf.Tensor, epochs: int) -> tf.Tensor:
    """The third of training that the epoch lies in."""
    return tf.minimum(epoch * 3 // epochs, 2)


SCHEDULES: dict[str, tuple[Callable[[tf.Tensor, int], tf.Tensor], Mapping[str, tuple]]] = {
    "constant": (constant, {}),
    "structure": (structure, STRUCTURE),
    "three_phase": (three_phase, THREE_PHASE),
}


def phase(epoch: int | tf.Tensor, config: Config) -> tf.Tensor:
    """Number of the schedule's phase at an epoch, counted from 0: scalar int64."""
    which, _ = SCHEDULES[config.objective.schedule]
    return which(tf.cast(epoch, tf.int64), config.training.epochs)


def term_weights(epoch: int | tf.Tensor, config: Config) -> dict[str, tf.Tensor]:
    """Configured weight times the schedule's multiplier, of every term: scalars by name."""
    _, multipliers = SCHEDULES[config.objective.schedule]
    now = phase(epoch, config)
    return {
        name: weight * tf.gather(tf.constant(multipliers.get(name, (1.0, 1.0, 1.0))), now)
        for name, weight in config.objective.weights.model_dump().items()
    }
