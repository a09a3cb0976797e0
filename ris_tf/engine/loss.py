"""What a loss is given and what it returns."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ris_tf.errors import UserError, shown
from ris_tf.runlog import Cause


class Step(NamedTuple):
    """Where in a run a batch stands.

    Attributes:
        window: scalar int64, number of the optimizer step in the whole run, from 0.
        epoch: scalar int64, from 0.
        batch: scalar int64, number of the batch in its epoch, from 0.
        replica: scalar int32, which replica computes this, from 0.
        seed: `[2]` int32, for TensorFlow's stateless random functions: another for every batch and
            replica, the same whenever the batch is computed; one for all validation data that is
            read.
        training: whether this is training, not validation.
    """

    window: tf.Tensor
    epoch: tf.Tensor
    batch: tf.Tensor
    replica: tf.Tensor
    seed: tf.Tensor
    training: bool


class Loss(NamedTuple):
    """A loss with all that may be reported of it.

    Attributes:
        value: scalar float32, what is minimized.
        terms: raw terms by name, scalars.
        weights: their weights by name, scalars, where they have any.
        also: other scalars to record, by name, such as the position of a schedule.
        learned: tensors, by name, on which the loss must depend: training ends at once where no
            gradient reaches one of them.
    """

    value: tf.Tensor
    terms: Mapping[str, tf.Tensor] = {}
    weights: Mapping[str, tf.Tensor] = {}
    also: Mapping[str, tf.Tensor] = {}
    learned: Mapping[str, tf.Tensor] = {}

    @property
    def besides(self) -> dict[str, tf.Tensor]:
        """What is recorded besides loss and terms, by the names of its series."""
        return {**{f"weight/{name}": value for name, value in self.weights.items()}, **self.also}


class GradientPathError(RuntimeError):
    """No gradient reaches what a loss was to train."""

    cause = Cause.GRADIENT_PATH


def require_gradient_path(loss: Loss, gradients: Sequence[tf.Tensor | None]) -> None:
    """Refuse a loss whose gradient does not reach what it was to train.

    Args:
        loss: a batch's.
        gradients: of `loss.learned`, in its order; `None` where there is none.

    Raises:
        GradientPathError: naming what is not reached.
    """
    cut = [name for name, g in zip(loss.learned, gradients, strict=True) if g is None]
    if cut:
        raise GradientPathError(
            f"{', '.join(cut)} is not on the gradient path, though the loss would train "
            "through it: something between the weights and the loss stops the gradient (a "
            "stop_gradient, a cast through numpy, or a weight of zero)"
        )


def as_loss(returned: Any) -> Loss:
    """What a loss function returned, as a `Loss` of float32 scalars.

    Args:
        returned: a scalar, a pair `(scalar, {name: scalar})`, or a `Loss`.

    Raises:
        UserError: it is none of these, not a scalar, or in half precision.
    """
    if isinstance(returned, Loss):
        loss = returned
    elif isinstance(returned, tuple) and len(returned) == 2:
        loss = Loss(*returned)
    else:
        loss = Loss(returned)
    require_scalar("its value", loss.value)
    strange = [name for name in loss.weights if name not in loss.terms]
    if strange:
        raise UserError(f"{strange[0]!r} is the weight of no term", key="loss.weights")
    if loss.value.dtype in (tf.float16, tf.bfloat16):
        raise UserError(
            f"is {loss.value.dtype.name}",
            key="loss",
            remedy="cast the model's outputs to float32 before it is computed from them",
        )
    named = {"terms": loss.terms, "weights": loss.weights, "also": loss.also}
    plain = {}
    for kind, values in named.items():
        if not isinstance(values, Mapping):
            allowed = "must be a dictionary of scalars by name"
            raise UserError(key=f"loss.{kind}", value=values, allowed=allowed)
        for name, value in values.items():
            require_scalar(name, value)
        plain[kind] = {name: tf.cast(value, tf.float32) for name, value in values.items()}
    return loss._replace(value=tf.cast(loss.value, tf.float32), **plain)


def require_scalar(name: str, value: Any, key: str = "loss") -> None:
    """Refuse what is no scalar tensor.

    Args:
        name: what it is, in the message.
        value: what should be a scalar.
        key: what it was returned by.

    Raises:
        UserError: it is none.
    """
    try:
        tensor = tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        tensor = None
    if tensor is None or not (tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise UserError(f"{name} must be a scalar tensor, not {shown(value)}", key=key)
    if tensor.shape.rank != 0:
        problem = f"{name} has shape {tensor.shape}"
        raise UserError(problem, key=key, remedy="take its mean over the batch")
