"""What stands at an x of the plots: marks of epochs, phases and dropped windows, exact values."""

import math
from dataclasses import dataclass

import numpy as np

from gui.models.curves import at_steps
from gui.models.followed import RunView
from gui.models.panels import Curve, Options
from gui.models.words import duration
from ris_tf.runlog import RunLog

DROPPED = "dropped"  # what a notice of a dropped window is about


@dataclass(frozen=True)
class Mark:
    """A vertical line: an epoch's end, a phase, a dropped window.

    Attributes:
        x: where.
        kind: `epoch`, `phase`, `dropped` or `session`.
        text: what it is, shown beside it.
    """

    x: float
    kind: str
    text: str = ""


def marks_of(run: RunView, options: Options) -> list[Mark]:
    """Ends of epochs, phases, sessions and dropped windows of a run."""
    log = run.log
    kinds: list[tuple[str, list[tuple[int, str]]]] = [
        ("epoch", [(e.step, f"epoch {e.epoch + 1} ends") for e in log.epoch_ends]),
        ("phase", [(p.step, p.text) for p in log.phases]),
        ("session", [(s.step, f"session {s.session}") for s in log.sessions[1:]]),
        ("dropped", dropped(log)),
    ]
    marks = []
    for kind, found in kinds:
        x = at_steps(log, np.array([step for step, _ in found], np.int64), options.x)
        marks += [Mark(float(at), kind, text) for at, (_, text) in zip(x, found, strict=True)]
    return marks


def dropped(log: RunLog) -> list[tuple[int, str]]:
    """Windows that were dropped, with what was not finite where the log names it."""
    names = _not_finite(log)
    places = np.flatnonzero(log.column("ok") == 0)
    scales = log.column("scale")[places]
    found = []
    for step, scale in zip(log.steps[places].tolist(), scales.tolist(), strict=True):
        at = f" at scale {scale:g}" if math.isfinite(scale) else ""
        name = names.get(step)
        found.append((step, f"{name} is not finite{at}" if name else f"not finite{at}"))
    return found


def _not_finite(log: RunLog) -> dict[int, str]:
    """The first that was not finite, by window; notices may hold anything."""
    notices = [notice.values for notice in log.notices if notice.what == DROPPED]
    found = [(values.get("window"), values.get("variable")) for values in notices]
    return {
        int(window): variable
        for window, variable in found
        if isinstance(window, float) and math.isfinite(window) and isinstance(variable, str)
    }


def value_at(curve: Curve, x: float) -> float:
    """The exact value of a curve at the window nearest to `x`; NaN beyond its ends."""
    place = nearest(curve.x, x)
    return float(curve.y[place]) if place is not None else float("nan")


def nearest(values: np.ndarray, x: float) -> int | None:
    """Index of the value nearest to `x` in an order that never falls; `None` beyond its ends."""
    if not len(values) or not values[0] <= x <= values[-1]:
        return None
    after = int(np.searchsorted(values, x))
    before = max(after - 1, 0)
    return before if x - values[before] < values[after] - x else after


def position_text(run: RunView, x: float, options: Options) -> str:
    """The window nearest to `x`, in words: `window 123 · epoch 2 · 0:45`."""
    place = nearest(run.x(options.x), x)
    if place is None:
        return ""
    log = run.log
    since = duration(3600 * run.x("time")[place])
    text = f"window {log.steps[place]:,} · epoch {log.epochs[place] + 1} · after {since}"
    return f"{text} · dropped" if log.column("ok")[place] == 0 else text
