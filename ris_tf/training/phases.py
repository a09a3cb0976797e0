"""Phases of a run: when a schedule begins to do something else, and what, in words."""

from collections.abc import Iterator

from ris_tf.config import Config
from ris_tf.engine.task import Change
from ris_tf.objective import SCHEDULES, phase
from ris_tf.training.blending import beta_ramp
from ris_tf.words import counted


def changes_with_epoch(epoch: int, config: Config) -> list[Change]:
    """What changes with the first window of an epoch."""
    return [*_weights(epoch, config), *_beta(epoch, config)]


def changes_with_plan(epoch: int, config: Config, epochs_before: int) -> list[Change]:
    """What is otherwise at an epoch than in a run of `epochs_before` epochs."""
    training = config.training.model_copy(update={"epochs": epochs_before})
    before = config.model_copy(update={"training": training})
    changes = []
    if SCHEDULES[config.objective.schedule][1] and phase(epoch, before) != phase(epoch, config):
        changes.append(Change("weights", _weights_text(int(phase(epoch, config)), config)))
    risen, rises = _risen(epoch, before), _risen(epoch, config)
    if risen != rises:
        ramp = f"it rises over {counted(beta_ramp(config), 'epoch')} now"
        changes.append(Change("beta", f"beta {risen:.3g} becomes {rises:.3g}: {ramp}"))
    return changes


def _risen(epoch: int, config: Config) -> float:
    """How far `beta` has risen, without its jitter."""
    return config.covariance.beta * min(epoch / beta_ramp(config), 1.0)


def _weights(epoch: int, config: Config) -> Iterator[Change]:
    name = config.objective.schedule
    _, multipliers = SCHEDULES[name]
    now = int(phase(epoch, config))
    if not multipliers or (epoch and now == int(phase(epoch - 1, config))):
        return
    yield Change("weights", _weights_text(now, config))


def _weights_text(now: int, config: Config) -> str:
    """What a phase of the schedule multiplies."""
    name = config.objective.schedule
    _, multipliers = SCHEDULES[name]
    weights = config.objective.weights.model_dump()
    factors = [
        f"{term} x {by[now]:g}"
        for term, by in multipliers.items()
        if weights[term] and by[now] != 1
    ]
    return f"{name} schedule: {', '.join(factors) or 'every term at its configured weight'}"


def _beta(epoch: int, config: Config) -> Iterator[Change]:
    knobs, ramp = config.covariance, beta_ramp(config)
    if not knobs.beta:
        return
    if epoch == 0:
        yield Change("beta", f"beta rises from 0 to {knobs.beta:g} over {counted(ramp, 'epoch')}")
    if epoch == ramp:
        jitter = f", with a jitter of {knobs.beta_jitter:g}" if knobs.beta_jitter else ""
        yield Change("beta", f"beta has arrived at {knobs.beta:g}{jitter}")
