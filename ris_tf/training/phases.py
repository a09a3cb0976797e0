"""Phases of a run: when a schedule begins to do something else, and what, in words."""

from collections.abc import Iterator

from ris_tf.config import Config
from ris_tf.engine.task import Change
from ris_tf.objective import SCHEDULES, phase
from ris_tf.training.blending import beta_ramp


def changes_with_epoch(epoch: int, config: Config) -> list[Change]:
    """What changes with the first window of an epoch."""
    return [*_weights(epoch, config), *_beta(epoch, config)]


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
