"""The compute type of a model's layers."""

import keras

from ris_tf.errors import UserError

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def use_precision(model: keras.Model, precision: str) -> None:
    """Have every layer of a model compute in this type; weights stay in float32.

    Args:
        model: whose layers have the policy `float32`, or this one already.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`.

    Raises:
        UserError: it is none of these, or a layer was made with another policy: whoever made it
            has chosen, and `precision=None` leaves it so.
    """
    if precision not in PRECISIONS:
        allowed = f"must be one of {', '.join(PRECISIONS)}"
        raise UserError(key="precision", value=precision, allowed=allowed)
    for layer in all_layers(model):
        if layer.dtype_policy.name not in ("float32", precision):
            raise UserError(
                f"layer {layer.name!r} was made with {layer.dtype_policy.name}",
                key="precision",
                value=precision,
                remedy="leave precision out to train the model as it is",
            )
    for layer in all_layers(model):
        layer.dtype_policy = precision


def computes_in_float16(model: keras.Model) -> bool:
    """Whether any layer does: its gradients need a loss scale."""
    return any(layer.compute_dtype == "float16" for layer in all_layers(model))


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of a model at any depth, itself among them."""
    return list(model._flatten_layers())  # Keras has no public name for them
