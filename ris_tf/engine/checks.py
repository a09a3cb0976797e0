"""What numbers and functions the guarded step takes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ris_tf.errors import UserError


def check_numbers(
    accumulation: int,
    clip_norm: float,
    weight_decay: float,
    ema: float | None,
    swa: float | None,
    swa_rate: float,
    seed: int,
) -> None:
    """Refuse the first that cannot be.

    Raises:
        UserError: names it.
    """
    rules = {
        "accumulation": (accumulation, accumulation >= 1, "at least 1"),
        "clip_norm": (clip_norm, clip_norm >= 0, "at least 0"),
        "weight_decay": (weight_decay, 0 <= weight_decay < math.inf, "a number of at least 0"),
        "ema": (ema, ema is None or 0 <= ema < 1, "within 0..1 and below 1, or None"),
        "swa": (swa, swa is None or 0 <= swa <= 1, "a share within 0..1, or None"),
        "swa_rate": (swa_rate, 0 <= swa_rate < math.inf, "a number of at least 0"),
        "seed": (seed, 0 <= seed < 2**31, "within 0..2147483647"),
    }
    require("", rules)


def require(source: str, rules: Mapping[str, tuple[Any, bool, str]]) -> None:
    """Refuse the first value that its rule does not hold for.

    Args:
        source: the function that takes them, where it is not plain.
        rules: by name of the value: it, whether it can be, what would be.

    Raises:
        UserError: names it.
    """
    for key, (value, valid, allowed) in rules.items():
        if not valid:
            raise UserError(source=source, key=key, value=value, allowed=f"must be {allowed}")


def check_functions(
    loss: Any,
    metrics: Any,
    validate: Any,
    summary: Any,
    learning_rate: float | Callable[..., Any],
) -> None:
    """Refuse what cannot be called, and a rate that is none.

    Raises:
        UserError: names it.
    """
    of_batch = "a function (model, batch) that returns scalars by name"
    functions = {
        "loss": (loss, "a function (model, batch, step)"),
        "metrics": (metrics or dict, of_batch),
        "validate": (validate or dict, of_batch),
        "summary": (summary, "a function of means by name"),
    }
    for key, (function, allowed) in functions.items():
        if not callable(function):
            raise UserError(key=key, value=function, allowed=f"must be {allowed}")
    number = isinstance(learning_rate, int | float)
    if not callable(learning_rate) and not (number and 0 <= learning_rate < math.inf):
        allowed = "must be a rate of at least 0, or a schedule"
        raise UserError(key="learning_rate", value=learning_rate, allowed=allowed)
