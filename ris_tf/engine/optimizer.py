"""AdamW of two groups: the heads learn faster than the backbone (SPEC 5, stage 7)."""

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from ris_tf.config.learning import Training


@keras.saving.register_keras_serializable("ris_tf")
class GroupedAdamW(keras.optimizers.Adam):
    """Adam with decoupled weight decay, and a learning rate for each of two groups.

    As PyTorch's AdamW with two parameter groups: in each, weights decay by `rate x decay` before
    the step. Moments, iteration count and learning rate are the optimizer's variables.

    Args:
        heads: variables of the heads; all others are the backbone's.
        head_multiplier: learning rate of the heads over the backbone's.
        decay: decoupled weight decay, on all variables.
        learning_rate: of the backbone.
    """

    def __init__(
        self,
        heads: Iterable[keras.Variable],
        head_multiplier: float,
        decay: float,
        learning_rate: float,
    ):
        super().__init__(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="adamw")
        self.head_multiplier = head_multiplier
        self.decay = decay
        self._head_keys = {self._var_key(variable) for variable in heads}

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Decay and update one variable at its group's learning rate."""
        is_head = self._var_key(variable) in self._head_keys
        rate = learning_rate * (self.head_multiplier if is_head else 1.0)
        variable.assign_sub(variable * tf.cast(self.decay * rate, variable.dtype))
        super().update_step(gradient, variable, rate)

    def _all_reduce_sum_gradients(self, grads_and_vars: Iterable) -> Sequence:
        """Keras would sum over replicas here; the guarded step has taken their mean long before."""
        return list(grads_and_vars)


def make_optimizer(heads: Iterable[keras.Variable], training: Training) -> GroupedAdamW:
    """The optimizer that a configuration asks for."""
    return GroupedAdamW(
        heads, training.head_multiplier, training.weight_decay, training.learning_rate
    )
