"""What numbers the guarded step takes."""

from collections.abc import Callable
from typing import Any

from ris_tf.errors import UserError


def check_numbers(
    accumulation: int, clip_norm: float, ema: float | None, swa: float | None
) -> None:
    """Refuse the first that cannot be.

    Raises:
        UserError: names it.
    """
    rules = {
        "accumulation": (accumulation, accumulation >= 1, "at least 1"),
        "clip_norm": (clip_norm, clip_norm >= 0, "at least 0"),
        "ema": (ema, ema is None or 0 <= ema < 1, "within 0..1 and below 1, or None"),
        "swa": (swa, swa is None or 0 <= swa <= 1, "a share within 0..1, or None"),
    }
    for key, (value, valid, allowed) in rules.items():
        if not valid:
            raise UserError(key=key, value=value, allowed=f"must be {allowed}")


def check_functions(loss: Any, metrics: Any, learning_rate: float | Callable[..., Any]) -> None:
    """Refuse what cannot be called, and a rate below zero.

    Raises:
        UserError: names it.
    """
    if not callable(loss):
        raise UserError(key="loss", value=loss, allowed="must be a function (model, batch, step)")
    if metrics is not None and not callable(metrics):
        allowed = "must be a function (model, batch) that returns scalars by name"
        raise UserError(key="metrics", value=metrics, allowed=allowed)
    number = isinstance(learning_rate, int | float)
    if not callable(learning_rate) and not (number and learning_rate >= 0):
        allowed = "must be a rate of at least 0, or a schedule"
        raise UserError(key="learning_rate", value=learning_rate, allowed=allowed)
