"""AdamW of several groups, each with a learning rate of its own (SPEC 5, stage 7)."""

import math
from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@keras.saving.register_keras_serializable("ris_tf")
class GroupedAdamW(keras.optimizers.Adam):
    """Adam with decoupled weight decay, as PyTorch's AdamW with parameter groups.

    In each group, weights decay by `rate x decay` before the step, which is
    `rate x m_hat / (sqrt(v_hat) + epsilon)`. Keras's own Adam adds epsilon before the bias of the
    second moment is corrected: in the first windows that is `1e-8 / sqrt(1 - 0.999^t)` in effect,
    thirty times as much, and moves most weights differently, since clipped gradients are tiny.
    Moments, iteration count and learning rate are the optimizer's variables.

    Args:
        multipliers: `(variable, learning rate over the base)`; 1 for variables that are not named.
        decay: decoupled weight decay, on all variables.
        learning_rate: the base.
    """

    def __init__(
        self,
        multipliers: Iterable[tuple[keras.Variable, float]],
        decay: float,
        learning_rate: float,
    ):
        super().__init__(learning_rate, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON, name="adamw")
        self.decay = decay
        self._multipliers = {self._var_key(variable): factor for variable, factor in multipliers}

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Decay and update one variable at its group's learning rate."""
        rate = learning_rate * self._multipliers.get(self._var_key(variable), 1.0)
        place = self._get_variable_index(variable)
        first, second = self._momentums[place], self._velocities[place]
        self.assign_add(first, (1 - BETA_1) * (gradient - first))
        self.assign_add(second, (1 - BETA_2) * (tf.square(gradient) - second))
        size = tf.sqrt(second) / tf.sqrt(self._bias(BETA_2)) + EPSILON
        step = rate / self._bias(BETA_1) * first / size
        self.assign(variable, variable * (1 - self.decay * rate) - step)

    def _bias(self, beta: float) -> tf.Tensor:
        """`1 - beta^t` of the step that is being taken, without cancellation."""
        t = tf.cast(self.iterations.value + 1, tf.float32)
        return -tf.math.expm1(t * math.log(beta))

    def _all_reduce_sum_gradients(self, grads_and_vars: Iterable) -> Sequence:
        """Keras would sum over replicas here; the guarded step has taken their mean long before."""
        return list(grads_and_vars)
