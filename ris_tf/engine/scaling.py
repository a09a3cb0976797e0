"""Dynamic loss scaling, as PyTorch's GradScaler (SPEC 5, stage 8)."""

import keras
import tensorflow as tf

from ris_tf.engine.precision import computes_in_float16
from ris_tf.errors import UserError

FIRST_SCALE = 65_536.0
PATIENCE = 2_000  # consecutive applied windows before the scale doubles


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

    def after_applied(self) -> None:
        """Count an applied window; double after 2,000 in a row."""
        if not self.dynamic:
            return
        streak = self.streak + 1
        grows = streak >= PATIENCE
        self.value.assign(tf.where(grows, 2 * self.value.value, self.value.value))
        self.streak.assign(tf.where(grows, 0, streak))

    def after_skipped(self) -> None:
        """Halve, and count from 0 again."""
        if not self.dynamic:
            return
        self.value.assign(self.value.value * 0.5)
        self.streak.assign(0)


def is_dynamic(loss_scale: str, model: keras.Model) -> bool:
    """Whether a loss scale moves; `auto` does where a layer computes in float16.

    Raises:
        UserError: it is not `auto`, `dynamic` or `none`.
    """
    if loss_scale not in ("auto", "dynamic", "none"):
        allowed = "must be one of auto, dynamic, none"
        raise UserError(key="loss_scale", value=loss_scale, allowed=allowed)
    return loss_scale == "dynamic" or (loss_scale == "auto" and computes_in_float16(model))
