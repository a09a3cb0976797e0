"""AdamW of several groups, each with a learning rate of its own (SPEC 5, stage 7)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from ris_tf.engine.packing import Packing, Parts, Slice

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """Running means of the gradient and of its square, in parts."""

    first: Parts
    second: Parts


@keras.saving.register_keras_serializable("ris_tf")
class GroupedAdamW(keras.optimizers.Optimizer):
    """Adam with decoupled weight decay, as PyTorch's AdamW with parameter groups.

    In each group, weights decay by `rate x decay` before the step, which is
    `rate x m_hat / (sqrt(v_hat) + epsilon)`. Keras's own Adam adds epsilon before the bias of the
    second moment is corrected: in the first windows that is `1e-8 / sqrt(1 - 0.999^t)` in effect,
    thirty times as much, and moves most weights differently, since clipped gradients are tiny.
    Moments, iteration count and learning rate are the optimizer's variables; `stepped` computes
    what they and the weights become, and whoever calls it writes that.

    Args:
        packing: of the weights.
        multipliers: learning rate over the base, of every weight.
        decay: decoupled weight decay, on all weights.
        learning_rate: the base.

    Attributes:
        first: variables of the first moment, one for each part.
        second: of the second moment.
    """

    def __init__(
        self, packing: Packing, multipliers: Sequence[float], decay: float, learning_rate: float
    ):
        super().__init__(learning_rate, name="adamw")
        self.packing = packing
        self.decay = decay
        self._multipliers = multipliers

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the moments, all zero."""
        if self.built:
            return
        super().build(variables)
        shapes = [*enumerate(self.packing.part_shapes)]
        self.first = [self.add_variable(s, name=f"momentum_{i}") for i, s in shapes]
        self.second = [self.add_variable(s, name=f"velocity_{i}") for i, s in shapes]

    @property
    def moments(self) -> Moments:
        """As they are now."""
        first, second = ([tf.identity(v.value) for v in kind] for kind in (self.first, self.second))
        return Moments(first, second)

    def by_weight(self) -> dict[str, keras.Variable | Slice]:
        """Everything that it keeps, moments weight by weight: what a checkpoint has, by name."""
        named: dict[str, keras.Variable | Slice]
        named = {v.path: v for v in (self.iterations, self._learning_rate)}
        kinds = (self.packing.slices(kind) for kind in (self.first, self.second))
        for weight, *moments in zip(self._trainable_variables, *kinds, strict=True):
            name = f"{self.name}/{weight.path.replace('/', '_')}"
            named |= {
                f"{name}_{kind}": moment
                for kind, moment in zip(("momentum", "velocity"), moments, strict=True)
            }
        return named

    def stepped(
        self, weights: Parts, moments: Moments, gradients: Parts, rate: tf.Tensor
    ) -> tuple[Parts, Moments]:
        """Weights and moments after one step, all in parts.

        Args:
            weights: before it.
            moments: before it.
            gradients: clipped.
            rate: the base learning rate, scalar.
        """
        biases = self._bias(BETA_1), tf.sqrt(self._bias(BETA_2))
        factors = self.packing.filled(self._multipliers)
        each = zip(weights, *moments, gradients, factors, strict=True)
        steps = [self.update_step(w, m, v, g, rate * f, biases) for w, m, v, g, f in each]
        after, first, second = (list(parts) for parts in zip(*steps, strict=True))
        return after, Moments(first, second)

    def update_step(
        self,
        weight: tf.Tensor,
        first: tf.Tensor,
        second: tf.Tensor,
        gradient: tf.Tensor,
        rate: tf.Tensor,
        biases: tuple[tf.Tensor, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """One part's weights and moments after decay and step.

        `biases` are `1 - beta_1^t` and the root of `1 - beta_2^t`.
        """
        first += (1 - BETA_1) * (gradient - first)
        second += (1 - BETA_2) * (tf.square(gradient) - second)
        size = tf.sqrt(second) / biases[1] + EPSILON
        step = rate / biases[0] * first / size
        return weight * (1 - self.decay * rate) - step, first, second

    def _bias(self, beta: float) -> tf.Tensor:
        """`1 - beta^t` of the step that is being taken, without cancellation."""
        t = tf.cast(self.iterations.value + 1, tf.float32)
        return -tf.math.expm1(t * math.log(beta))
