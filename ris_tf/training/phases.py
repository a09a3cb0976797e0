"""Phases of a run: when a schedule begins to do something else, and what, in words."""

from collections.abc import Iterator
from typing import NamedTuple

from ris_tf.config import Config
from ris_tf.engine.schedules import planned_windows, swa_begins, warmup_windows
from ris_tf.objective import SCHEDULES, phase
from ris_tf.training.blending import beta_ramp


class Change(NamedTuple):
    """A schedule's new phase.

    Attributes:
        what: `weights`, `beta`, `rate` or `averages`.
        text: what holds from now on.
    """

    what: str
    text: str


def changes_with_epoch(epoch: int, config: Config) -> list[Change]:
    """What changes with the first window of an epoch."""
    return [*_weights(epoch, config), *_beta(epoch, config)]


def changes_after(applied: int, config: Config) -> list[Change]:
    """What changes after so many applied windows; nothing behind the last."""
    if applied >= planned_windows(config.training):
        return []
    return [*_rate(applied, config), *_averages(applied, config)]


def _weights(epoch: int, config: Config) -> Iterator[Change]:
    name = config.objective.schedule
    _, multipliers = SCHEDULES[name]
    now = int(phase(epoch, config))
    if not multipliers or (epoch and now == int(phase(epoch - 1, config))):
        return
    weights = config.objective.weights.model_dump()
    factors = [
        f"{term} x {by[now]:g}"
        for term, by in multipliers.items()
        if weights[term] and by[now] != 1
    ]
    yield Change(
        "weights", f"{name} schedule: {', '.join(factors) or 'every term at its configured weight'}"
    )


def _beta(epoch: int, config: Config) -> Iterator[Change]:
    knobs, ramp = config.covariance, beta_ramp(config)
    if not knobs.beta:
        return
    if epoch == 0:
        yield Change("beta", f"beta rises from 0 to {knobs.beta:g} over {ramp} epochs")
    if epoch == ramp:
        jitter = f", with a jitter of {knobs.beta_jitter:g}" if knobs.beta_jitter else ""
        yield Change("beta", f"beta has arrived at {knobs.beta:g}{jitter}")


def _rate(applied: int, config: Config) -> Iterator[Change]:
    training = config.training
    warm = warmup_windows(training)
    if training.swa and applied >= swa_begins(training):
        if applied == swa_begins(training):
            share = training.swa_rate
            yield Change("rate", f"learning rate constant at {share:g} of its base")
    elif applied == 0 and warm:
        yield Change("rate", f"learning rate warms up over {warm} windows")
    elif applied == warm:
        end = f"to {training.final_rate:g} of its base"
        yield Change("rate", f"learning rate follows a cosine {end} at {planned_windows(training)}")


def _averages(applied: int, config: Config) -> Iterator[Change]:
    if config.training.swa and applied == swa_begins(config.training):
        yield Change("averages", "equal-weight mean (SWA) begins; validation uses it")
