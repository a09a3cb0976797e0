"""All that an applied window moves: read at once, computed, and written at once."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from ris_tf.engine.averages import Averages, Means
from ris_tf.engine.optimizer import GroupedAdamW, Moments
from ris_tf.engine.packing import Parts, Slice
from ris_tf.engine.replicas import Replicas
from ris_tf.engine.scaling import LossScale, Scale


class Trained(NamedTuple):
    """Values of all that an applied window moves.

    Attributes:
        weights: of the model, in parts.
        moments: of the optimizer.
        iterations: scalar int64, steps that the optimizer took.
        scale: of the loss.
        position: scalar int64, windows that were applied.
        rate: scalar float32, the base learning rate.
        means: averages of the weights.
    """

    weights: Parts
    moments: Moments
    iterations: tf.Tensor
    scale: Scale
    position: tf.Tensor
    rate: tf.Tensor
    means: Means


class TrainedState:
    """The variables that hold it.

    Args:
        weights: trainable variables of the model.
        optimizer: with its moments, iterations and base rate.
        averages: of the weights.
        scale: of the loss.
        position: windows that were applied.
    """

    def __init__(
        self,
        weights: list[keras.Variable],
        optimizer: GroupedAdamW,
        averages: Averages,
        scale: LossScale,
        position: keras.Variable,
    ):
        self.weights = weights
        self.optimizer = optimizer
        self.averages = averages
        self.scale = scale
        self.position = position
        self.packing = optimizer.packing

    def now(self) -> Trained:
        """The values of the variables."""
        return Trained(
            weights=self.packing.packed([tf.identity(weight.value) for weight in self.weights]),
            moments=self.optimizer.moments,
            iterations=tf.identity(self.optimizer.iterations.value),
            scale=self.scale.now,
            position=tf.identity(self.position.value),
            rate=tf.identity(self.optimizer.learning_rate.value),
            means=self.averages.means,
        )

    def write(self, values: Trained, replicas: Replicas) -> None:
        """Give every variable its value, on all replicas."""
        optimizer, averages = self.optimizer, self.averages
        variables = Trained(
            weights=self.weights,  # pyright: ignore[reportArgumentType]
            moments=Moments(optimizer.first, optimizer.second),
            iterations=optimizer.iterations,
            scale=Scale(*self.scale.variables),
            position=self.position,
            rate=optimizer.learning_rate,
            means=Means(averages.ema, averages.swa, averages.taken),
        )
        values = values._replace(weights=self.packing.unpacked(values.weights))
        replicas.assign(tf.nest.flatten(variables), tf.nest.flatten(values))

    @property
    def variables(self) -> list[keras.Variable]:
        """All of them but the weights, which are the model's."""
        parts = (self.optimizer, self.averages, self.scale)
        return [*(v for part in parts for v in part.variables), self.position]

    def by_name(self) -> dict[str, keras.Variable | Slice]:
        """The same by the names of a checkpoint: moments and averages of each weight."""
        named = {f"optimizer/{name}": v for name, v in self.optimizer.by_weight().items()}
        lone = (self.averages.taken, *self.scale.variables, self.position)
        return named | self.averages.by_weight() | {v.name: v for v in lone}


def chosen(condition: tf.Tensor, yes: Any, no: Any) -> Any:
    """One of two structures of tensors."""
    return tf.nest.map_structure(lambda a, b: tf.where(condition, a, b), yes, no)
