"""Phases that every run has: of the learning rate and of the averages, in words."""

from collections.abc import Iterator

from ris_tf.engine.schedules import WarmupCosine, base_rate
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.task import Change


def changes_after(applied: int, trainer: GuardedStep) -> list[Change]:
    """What changes after so many applied windows; nothing behind the last."""
    if applied >= trainer.plan.windows:
        return []
    return [*_rate(applied, trainer), *_averages(applied, trainer)]


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
            yield Change("rate", f"learning rate warms up over {warm} windows")
        elif applied == warm:
            end = f"to {schedule.final:g} of its base"
            yield Change("rate", f"learning rate follows a cosine {end} at {total}")


def _averages(applied: int, trainer: GuardedStep) -> Iterator[Change]:
    if trainer.swa_share is not None and applied == trainer.averages.swa_begins:
        yield Change("averages", "equal-weight mean (SWA) begins; validation uses it")
