"""Learning rates by applied window (SPEC 5, stage 9).

A schedule is any function of the number of applied windows, a scalar int64, to the rate, a scalar
float32; a number is a constant rate. Keras's own schedules are such functions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from ris_tf.engine.checks import require
from ris_tf.engine.plan import share_of
from ris_tf.errors import UserError

Schedule = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warm-up, then half a cosine, then constant.

    Attributes:
        base: the largest rate.
        steps: `T`, windows until the cosine ends; `None` takes those that are planned.
        warmup: share of them in the warm-up.
        final: where the cosine ends, over the base.
    """

    base: float
    steps: int | None = None
    warmup: float = 0.05
    final: float = 0.01

    @property
    def warmup_windows(self) -> int:
        """Windows over which the rate rises."""
        return share_of(self.warmup, self._total())

    def planned(self, windows: int) -> "WarmupCosine":
        """The same over so many windows, where it has no number of its own."""
        return self if self.steps else replace(self, steps=windows)

    def __call__(self, applied: tf.Tensor) -> tf.Tensor:
        """The rate after so many applied windows: scalar float32."""
        t = tf.cast(applied, tf.float32)
        total, warm = self._total(), self.warmup_windows
        progress = tf.clip_by_value((t - warm) / max(total - warm, 1), 0.0, 1.0)
        cosine = self.final + (1 - self.final) * 0.5 * (1 + tf.cos(math.pi * progress))
        return self.base * tf.where(t < warm, (t + 1) / max(warm, 1), cosine)

    def _total(self) -> int:
        if not self.steps:
            problem = "over how many windows is not known yet"
            raise UserError(problem, source="warmup_cosine", key="steps", remedy="give a number")
        return self.steps


def warmup_cosine(
    base: float, steps: int | None = None, warmup: float = 0.05, final: float = 0.01
) -> WarmupCosine:
    """A schedule of linear warm-up and half a cosine.

    Args:
        base: the largest rate.
        steps: windows until the cosine ends; all that `fit` plans, if not given.
        warmup: share of them in the warm-up.
        final: where the cosine ends, over the base.

    Raises:
        UserError: a value that makes no schedule.
    """
    rules = {
        "base": (base, 0 <= base < math.inf, "a finite rate of at least 0"),
        "steps": (steps, steps is None or steps >= 1, "at least 1, or None"),
        "warmup": (warmup, 0 <= warmup <= 1, "a share within 0..1"),
        "final": (final, 0 <= final <= 1, "a share within 0..1"),
    }
    require("warmup_cosine", rules)
    return WarmupCosine(base, steps, warmup, final)


def base_rate(schedule: Any) -> float | None:
    """The largest rate of a schedule, where it is known."""
    if isinstance(schedule, int | float):
        return float(schedule)
    for name in ("base", "initial_learning_rate"):  # ours, Keras's
        value = getattr(schedule, name, None)
        if isinstance(value, int | float):
            return float(value)
    return None


def rate_at(
    applied: tf.Tensor, schedule: float | Schedule, constant_from: int | None, constant_rate: float
) -> tf.Tensor:
    """The rate after so many applied windows: scalar float32.

    Args:
        applied: scalar int64.
        schedule: a rate, or a function of the number of applied windows.
        constant_from: applied windows after which the rate is constant, since the equal-weight
            mean of the weights is taken; `None` for never.
        constant_rate: that rate over the schedule's base; a schedule without one keeps
            its rate at that window.
    """
    rate = _value(schedule, applied)
    if constant_from is None:
        return rate
    base = base_rate(schedule)
    constant = (
        _value(schedule, tf.constant(constant_from, tf.int64))
        if base is None
        else tf.constant(constant_rate * base, tf.float32)
    )
    return tf.where(tf.cast(applied, tf.int64) >= constant_from, constant, rate)


def _value(schedule: float | Schedule, applied: tf.Tensor) -> tf.Tensor:
    rate = schedule if isinstance(schedule, int | float) else schedule(applied)
    return tf.cast(rate, tf.float32)
