"""Phases that every run has: of the learning rate and of the averages, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras

from ris_tf.engine.schedules import WarmupCosine, base_rate
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.task import Change
from ris_tf.words import counted


@dataclass(frozen=True)
class Standing:
    """What of a trainer's state depends on its plan.

    Attributes:
        rate: learning rate of the next window.
        taken: windows in the equal-weight mean of the weights.
    """

    rate: float
    taken: int

    @classmethod
    def of(cls, trainer: GuardedStep) -> "Standing":
        """As it is now."""
        rate, taken = trainer.optimizer.learning_rate, trainer.averages.taken
        return cls(float(keras.ops.convert_to_numpy(rate)), int(keras.ops.convert_to_numpy(taken)))


def changes_after(applied: int, trainer: GuardedStep) -> list[Change]:
    """What changes after so many applied windows; nothing behind the last."""
    if applied >= trainer.plan.windows:
        return []
    return [*_rate(applied, trainer), *_averages(applied, trainer)]


def changes_with_plan(before: Standing, trainer: GuardedStep) -> list[Change]:
    """What another plan changes at once, in words; the trainer follows it already."""
    now, plan = Standing.of(trainer), trainer.plan
    epochs = f"planned now: {counted(plan.epochs, 'epoch')}"
    rate = f"learning rate {before.rate:.3g} becomes {now.rate:.3g}"
    changes = [Change("rate", f"{epochs}: {rate}, as at this window of that plan")]
    if before.taken and not now.taken:
        begins = counted(trainer.averages.swa_begins, "window")
        text = f"equal-weight mean (SWA) is forgotten; it begins anew after {begins}"
        changes.append(Change("averages", text))
    return changes


def _rate(applied: int, trainer: GuardedStep) -> Iterator[Change]:
    schedule = trainer.rate_schedule
    if trainer.swa_share is not None and applied >= trainer.averages.swa_begins:
        if applied == trainer.averages.swa_begins:
            known = base_rate(schedule) is not None
            level = f"at {trainer.swa_rate:g} of its base" if known else "from here on"
            yield Change("rate", f"learning rate constant {level}")
    elif isinstance(schedule, WarmupCosine):
        warm, total = schedule.warmup_windows, schedule.steps
        if applied == 0 and warm:
            yield Change("rate", f"learning rate warms up over {counted(warm, 'window')}")
        elif applied == warm:
            end = f"to {schedule.final:g} of its base"
            yield Change("rate", f"learning rate follows a cosine {end} at {total}")


def _averages(applied: int, trainer: GuardedStep) -> Iterator[Change]:
    if trainer.swa_share is not None and applied == trainer.averages.swa_begins:
        yield Change("averages", "equal-weight mean (SWA) begins; validation uses it")
