"""The curves of many runs side by side, so that all are cut to what is in sight at once."""

from collections.abc import Sequence

import numpy as np

from gui.models.curves import last_finite
from gui.models.panels import Curve, Panel
from gui.models.sight import (
    FEWEST_PIXELS,
    OF_MANY,
    RAW_RUNS,
    Drawn,
    Sight,
    Span,
    ended_at,
    together,
)

LARGEST = 200_000  # values of a plot that are copied to stand side by side


def sheaf_of(panel: Panel) -> "Sheaf | None":
    """The curves of a panel, where they are many and not too long; `None` else."""
    curves = [curve for curve in panel.curves if len(curve.x)]
    if len({curve.run for curve in curves}) <= RAW_RUNS or any(c.band for c in curves):
        return None
    values = sum(len(_front(curve)[0]) for curve in curves)
    return Sheaf(curves) if values <= LARGEST else None


def _front(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    return curve.smooth or (curve.x, curve.y)


class Sheaf:
    """Curves side by side; those that look alike are neighbours and can be drawn in one go.

    Args:
        curves: of one plot, none of them empty.
    """

    def __init__(self, curves: Sequence[Curve]):
        alike: dict[tuple, list[Curve]] = {}
        for curve in curves:
            alike.setdefault((curve.points, curve.colour), []).append(curve)
        self.curves = [c for group in alike.values() for c in sorted(group, key=lambda c: c.style)]
        fronts = [_front(curve) for curve in self.curves]
        self._x, self._y, self._ends = together(fronts)
        # How many values of its curve come after each: what is left out is counted from the last.
        self._after = np.concatenate([np.arange(len(x), -1, -1) - 1 for x, _ in fronts])
        self._after[self._ends] = 0
        self._ended = [ended_at(curve, last_finite(curve.y)) for curve in self.curves]

    def sight(self, span: Span, pixels: float) -> Sight:
        """What of the curves is in sight.

        Args:
            span: x range.
            pixels: its width.
        """
        kept = self._near(*span)
        wanted = OF_MANY * max(pixels, FEWEST_PIXELS) * len(self.curves)
        every = max(int(np.count_nonzero(kept) / wanted), 1)
        if every > 1:
            kept &= self._after % every == 0
        places = np.flatnonzero(kept)
        x, y = self._x[places], self._y[places]
        ends = np.searchsorted(places, self._ends)
        begins = [0, *(ends[:-1] + 1).tolist()]
        curves = [
            Drawn(curve, x[begin:end], y[begin:end], ended=ended)
            for curve, begin, end, ended in zip(
                self.curves, begins, ends.tolist(), self._ended, strict=True
            )
        ]
        return Sight(curves, x, y, ends)

    def _near(self, low: float, high: float) -> np.ndarray:
        """`[n]` which values lie in a range of x, or beside one in it; the gaps among them."""
        before, after = self._x < low, self._x > high
        kept = np.ones(len(before), np.bool_)
        kept[:-1] &= ~(before[:-1] & before[1:])
        kept[1:] &= ~(after[1:] & after[:-1])
        return kept
