"""AdamW of several groups, each with a learning rate of its own (SPEC 5, stage 7), and Muon."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from ris_tf.engine.orthogonal import is_matrix, orthogonal
from ris_tf.engine.packing import Packing, Parts, Slice
from ris_tf.errors import UserError

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
ALIKE = 0.2  # an orthogonal step's root mean square over the rate: about that of AdamW's steps
ADAMW, MUON = "adamw", "muon"
OPTIMIZERS = (ADAMW, MUON)


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

    As `muon`, the steps of layers' matrices are the nearest orthogonal matrices of what Nesterov's
    momentum is, at a size that is AdamW's (Liu et al., "Muon is scalable for LLM training", 2025),
    so that one rate and one decay are for all. Moments are kept of all weights alike.

    Args:
        packing: of the weights.
        multipliers: learning rate over the base, of every weight.
        decay: decoupled weight decay, on all weights.
        learning_rate: the base.
        kind: `adamw` or `muon`.

    Raises:
        UserError: there is no such kind.

    Attributes:
        matrices: whether the steps of each weight are orthogonal.
        first: variables of the first moment, one for each part.
        second: of the second moment.
    """

    def __init__(
        self,
        packing: Packing,
        multipliers: Sequence[float],
        decay: float,
        learning_rate: float,
        kind: str = ADAMW,
    ):
        if kind not in OPTIMIZERS:
            allowed = f"must be one of {', '.join(OPTIMIZERS)}"
            raise UserError(key="optimizer", value=kind, allowed=allowed)
        super().__init__(learning_rate, name=kind)
        self.packing = packing
        self.decay = decay
        self._multipliers = multipliers
        self.matrices = [False] * len(packing.shapes)

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the moments, all zero."""
        if self.built:
            return
        super().build(variables)
        if self.name == MUON:
            self.matrices = [is_matrix(v.path, v.shape) for v in variables]
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
        rates = [rate * factor for factor in self.packing.filled(self._multipliers)]
        each = zip(weights, *moments, gradients, rates, strict=True)
        after, first, second = zip(*(self.update_step(*of, biases) for of in each), strict=True)
        if any(self.matrices):
            steps = zip(
                after, weights, self._orthogonal_steps(first, gradients), rates, strict=True
            )
            kinds = self.packing.filled(self.matrices)
            after = [
                tf.where(kind > 0, w * (1 - self.decay * r) - r * step, by_adamw)
                for kind, (by_adamw, w, step, r) in zip(kinds, steps, strict=True)
            ]
        return list(after), Moments(list(first), list(second))

    def _orthogonal_steps(self, first: Sequence[tf.Tensor], gradients: Parts) -> Parts:
        """What matrices step for a rate of 1, in parts; zero for all else."""
        pairs = zip(first, gradients, strict=True)
        ahead = self.packing.unpacked([m + (1 - BETA_1) * (g - m) for m, g in pairs])
        numbers = [number for number, is_one in enumerate(self.matrices) if is_one]
        steps = [tf.zeros(shape) for shape in self.packing.shapes]
        for number, step in zip(numbers, orthogonal([ahead[n] for n in numbers]), strict=True):
            steps[number] = ALIKE * step
        return self.packing.packed(steps)

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
