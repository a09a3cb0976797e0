"""What a curve needs before it is drawn: its x axis and the few points that show."""

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ris_tf.runlog import RunLog

if TYPE_CHECKING:
    from tsdownsample import MinMaxDownsampler

AXES = {
    "step": "window",  # a step event each, as logs and what is remembered have it
    "epoch": "epoch",
    "time": "training time",
}
OUTLIERS = 0.02  # share of the values at each end that clipping may cut off
SAMPLE = 4096  # values that outliers are judged from


def abscissa(log: RunLog, kind: str) -> np.ndarray:
    """`[n]` float64 x values of the windows of a log, never falling.

    Args:
        log: the log.
        kind: `step`; `epoch`, with the part of it that is done; or `time`, hours of training,
            pauses between sessions left out.
    """
    x = _trained(log) if kind == "time" else log.steps.astype(np.float64)
    if kind == "epoch":
        x += 1
        x /= windows_per_epoch(log)
    # Clocks are set back, and damaged logs hold anything: drawing needs order.
    return x if (x[1:] >= x[:-1]).all() else np.fmax.accumulate(x)


def at_steps(log: RunLog, steps: np.ndarray, kind: str) -> np.ndarray:
    """x values of some window numbers, such as those of validations.

    Args:
        log: the log.
        steps: `[m]` window numbers.
        kind: as in `abscissa`.
    """
    if kind == "step":
        return steps.astype(np.float64)
    if kind == "epoch":
        return (steps + 1) / windows_per_epoch(log)
    if not len(log):
        return np.full(len(steps), np.nan)
    place = np.clip(np.searchsorted(log.steps, steps), 0, len(log) - 1)
    return abscissa(log, kind)[place]


def windows_per_epoch(log: RunLog) -> int:
    """Windows that make an epoch, as planned; 1 where that is not known."""
    return max(log.sessions[-1].windows_per_epoch, 1) if log.sessions else 1


def _trained(log: RunLog) -> np.ndarray:
    """`[n]` hours from the start to each window, pauses between sessions left out."""
    times = log.times
    x = times - (log.sessions[0].time if log.sessions else times[:1])
    for session in log.sessions[1:]:
        first = int(np.searchsorted(log.steps, session.step))
        if 0 < first < len(log):
            x[first:] -= max(session.time - times[first - 1], 0.0)
    x /= 3600
    return x


def visible(x: np.ndarray, y: np.ndarray, low: float, high: float, points: int) -> tuple:
    """The part of a curve between two x, extremes kept where there are too many values.

    Args:
        x: `[n]` never falling.
        y: `[n]` values.
        low: left end of the view.
        high: its right end.
        points: about how many to return at most.

    Returns:
        x and y of the points; one beyond each end, so that lines leave the plot.
    """
    begin, end = _in_sight(x, low, high)
    x, y = x[begin:end], y[begin:end]
    if len(y) <= 2 * points:
        return x, y
    points -= points % 2
    chosen = _downsampler().downsample(np.ascontiguousarray(y), n_out=points)
    chosen = np.concatenate([[0], chosen.astype(np.intp), [len(y) - 1]])
    return x[chosen], y[chosen]


def _in_sight(x: np.ndarray, low: float, high: float) -> tuple[int, int]:
    """Begin and end of the values between two x, and of one beyond each."""
    begin = int(x.searchsorted(low, "left")) - 1
    end = int(x.searchsorted(high, "right")) + 1
    return max(begin, 0), min(end, len(x))


@cache
def _downsampler() -> "MinMaxDownsampler":
    from tsdownsample import MinMaxDownsampler

    return MinMaxDownsampler()


def without_outliers(values: np.ndarray) -> tuple[float, float] | None:
    """Where to cut a plot off so that single outliers do not flatten the rest.

    Args:
        values: `[n]` what would be shown.

    Returns:
        Smallest and largest value to show; `None` where nothing needs to be cut.
    """
    finite = values[np.isfinite(values)]
    finite = finite[:: max(len(finite) // SAMPLE, 1)]
    if len(finite) < 2 / OUTLIERS:
        return None
    low, high = np.quantile(finite, [OUTLIERS, 1 - OUTLIERS])
    margin = 0.5 * (high - low)
    low, high = max(low - margin, finite.min()), min(high + margin, finite.max())
    return (float(low), float(high)) if high > low else None


def last_finite(values: np.ndarray) -> int | None:
    """Where values last were finite, if they end with some that are not; `None` else.

    Args:
        values: `[n]`.
    """
    if not len(values) or math.isfinite(values[-1]):
        return None
    places = np.flatnonzero(np.isfinite(values))
    return int(places[-1]) if len(places) else None
