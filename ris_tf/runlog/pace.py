"""How fast a run goes, how long it will take, and what it is at, from its log."""

import math
from dataclasses import dataclass
from enum import StrEnum

from ris_tf.runlog.identity import ByArguments
from ris_tf.runlog.log import RunLog


class Doing(StrEnum):
    """What a running process is at."""

    COMPILING = "compiling"  # the first window of a session: traced, compiled, then computed
    TRAINING = "training"
    VALIDATING = "validating"


@dataclass(frozen=True)
class Pace(ByArguments):
    """How a run goes.

    Attributes:
        doing: what its process is at, if there is one.
        since: when that began, seconds since 1970; NaN where it is not known.
        scenes_per_second: of its last epoch; NaN before the first.
        left_s: seconds that its windows will take at the pace of this session; NaN where that is
            not known yet.
        best_epoch: epoch of the lowest validation loss, from 1; 0 before the first validation.
    """

    doing: Doing = Doing.TRAINING
    since: float = math.nan
    scenes_per_second: float = math.nan
    left_s: float = math.nan
    best_epoch: int = 0


def pace_of(log: RunLog) -> Pace:
    """How a run goes, its log read whole or in outline."""
    doing, since = _doing(log)
    return Pace(
        doing=doing,
        since=since,
        scenes_per_second=log.epoch_ends[-1].scenes_per_second if log.epoch_ends else math.nan,
        left_s=_left(log),
        best_epoch=_best_epoch(log),
    )


def _doing(log: RunLog) -> tuple[Doing, float]:
    began = log.sessions[-1].time if log.sessions else math.nan
    last = float(log.times[-1]) if len(log.times) else -math.inf
    if not last >= began:
        return Doing.COMPILING, began
    ended = log.epoch_ends[-1] if log.epoch_ends else None
    later = max((e.time for e in (*log.validations[-1:], *log.checkpoints[-1:])), default=0.0)
    if ended and ended.step >= int(log.steps[-1]) and later < ended.time:
        return Doing.VALIDATING, ended.time
    return Doing.TRAINING, last


def _left(log: RunLog) -> float:
    """The windows that are left, at the pace from this session's first window to its last.

    Compiling comes before the first, so it does not count.
    """
    if not log.sessions or not len(log.steps):
        return math.nan
    session = log.sessions[-1]
    steps, times = log.steps, log.times
    if len(log.sessions) > 1:
        mine = times >= session.time
        steps, times = steps[mine], times[mine]
    if len(steps) < 2 or steps[-1] <= steps[0]:
        return math.nan
    each = float(times[-1] - times[0]) / float(steps[-1] - steps[0])
    return each * max(session.windows - 1 - int(steps[-1]), 0)


def _best_epoch(log: RunLog) -> int:
    losses = [(v.values.get("loss", math.nan), v.epoch) for v in log.validations]
    finite = [pair for pair in losses if math.isfinite(pair[0])]
    return min(finite)[1] + 1 if finite else 0
