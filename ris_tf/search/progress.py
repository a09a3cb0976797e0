"""A search's progress as a plot: objectives by trial number, and the best so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ris_tf.search.median import Band, median_band
from ris_tf.search.trial import Trial
from ris_tf.search.trial_table import has_objective

LOG_FROM = 20.0  # greatest objective over the least from which a linear axis shows only outliers
RAIL = 0.12  # of the axis, below the least objective: where trials without one are marked


@dataclass(frozen=True)
class Dots:
    """Trials of a kind in the plot of the best so far: `[n]` numbers and objectives."""

    x: np.ndarray
    y: np.ndarray
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Best:
    """The plot of the best so far.

    Attributes:
        dots: by state: `finished`, `pruned`, and `failed` on a rail below all objectives.
        x: `[m]` corners of the step line, trial numbers.
        y: `[m]` its heights.
        log: whether the objective's axis is logarithmic.
        rail: objective at which those without one are marked.
        band: where the median rule stops trials.
    """

    dots: dict[str, Dots]
    x: np.ndarray
    y: np.ndarray
    log: bool
    rail: float
    band: Band = field(default_factory=Band)


def best_so_far(trials: Sequence[Trial]) -> Best:
    """Objectives by trial number, and the least so far as a step line.

    Args:
        trials: in the order of their numbers.
    """
    low, high, log = objective_limits(trials)
    if log:
        span = max(math.log(high) - math.log(low), 0.1)
        rail = math.exp(math.log(low) - RAIL * span)
    else:
        rail = low - RAIL * ((high - low) or 1.0)
    with_objective = [t for t in trials if has_objective(t)]
    dots = {
        state: _dots([t for t in with_objective if t.state == state])
        for state in ("finished", "pruned")
    }
    without = [t for t in trials if t.settled and not has_objective(t)]
    dots["failed"] = _dots(without, rail)
    finished = dots["finished"]
    falls = np.minimum.accumulate(finished.y)
    last = max((t.number for t in trials if t.settled), default=0)
    x = np.repeat(finished.x, 2)[1:]
    y = np.repeat(falls, 2)[: len(x)]
    if len(x):
        x, y = np.append(x, last), np.append(y, y[-1])
    return Best(dots, x, y, log, rail, median_band(trials))


def _dots(trials: list[Trial], at: float | None = None) -> Dots:
    y = [trial.objective if at is None else at for trial in trials]
    return Dots(
        np.array([trial.number for trial in trials], np.float64),
        np.array(y, np.float64),
        tuple(trials),
    )


def objective_limits(trials: Sequence[Trial]) -> tuple[float, float, bool]:
    """Least and greatest objective, and whether their axis should be logarithmic."""
    values = [trial.objective for trial in trials if has_objective(trial)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return low, high, low > 0 and high / low > LOG_FROM
