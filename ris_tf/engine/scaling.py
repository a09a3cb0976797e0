"""Dynamic loss scaling, as PyTorch's GradScaler (SPEC 5, stage 8)."""

from typing import NamedTuple

import keras
import tensorflow as tf

from ris_tf.engine.packing import Parts
from ris_tf.engine.precision import computes_in_float16
from ris_tf.errors import UserError

FIRST_SCALE = 65_536.0
PATIENCE = 2_000  # consecutive applied windows before the scale doubles


class Scale(NamedTuple):
    """A loss scale.

    Attributes:
        value: scalar float32.
        streak: scalar int32, windows applied in a row.
    """

    value: tf.Tensor
    streak: tf.Tensor


class LossScale:
    """The factor that keeps half-precision gradients above underflow.

    Args:
        dynamic: whether it moves; otherwise it is 1.
    """

    def __init__(self, dynamic: bool):
        self.dynamic = dynamic
        first = FIRST_SCALE if dynamic else 1.0
        self.value = keras.Variable(first, dtype="float32", trainable=False, name="loss_scale")
        self.streak = keras.Variable(0, dtype="int32", trainable=False, name="applied_in_a_row")

    @property
    def variables(self) -> list[keras.Variable]:
        """State of a checkpoint."""
        return [self.value, self.streak]

    def begin_anew(self) -> None:
        """Back to the first scale."""
        self.value.assign(FIRST_SCALE if self.dynamic else 1.0)
        self.streak.assign(0)

    @property
    def now(self) -> Scale:
        """As it is now."""
        return Scale(tf.identity(self.value.value), tf.identity(self.streak.value))

    def unscaled(self, gradients: Parts) -> Parts:
        """Gradients of the loss itself: divided by the scale, once."""
        return [part / self.value.value for part in gradients] if self.dynamic else gradients

    def after_applied(self) -> Scale:
        """Count an applied window; double after 2,000 in a row."""
        scale, streak = self.now
        if not self.dynamic:
            return Scale(scale, streak)
        grows = streak + 1 >= PATIENCE
        return Scale(tf.where(grows, 2 * scale, scale), tf.where(grows, 0, streak + 1))

    def after_skipped(self) -> Scale:
        """Halve, and count from 0 again."""
        scale, streak = self.now
        if not self.dynamic:
            return Scale(scale, streak)
        return Scale(0.5 * scale, tf.zeros_like(streak))


def is_dynamic(loss_scale: str, model: keras.Model) -> bool:
    """Whether a loss scale moves; `auto` does where a layer computes in float16.

    Raises:
        UserError: it is not `auto`, `dynamic` or `none`.
    """
    if loss_scale not in ("auto", "dynamic", "none"):
        allowed = "must be one of auto, dynamic, none"
        raise UserError(key="loss_scale", value=loss_scale, allowed=allowed)
    return loss_scale == "dynamic" or (loss_scale == "auto" and computes_in_float16(model))
