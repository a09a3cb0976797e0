"""What is in sight: the x range that plots share, and what of every curve pixels can show."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gui.models.curves import last_finite, visible, without_outliers
from gui.models.panels import Curve, Panel
from gui.models.ticks import finite_log, time_unit

POINTS_PER_PIXEL = 2  # smallest and largest value in each column of pixels
OF_MANY = 1  # the same for curves of many runs, which are smooth
FEWEST_PIXELS = 50
X_ROOM, Y_ROOM = 0.015, 0.06  # share of the range that is left free at its ends
CALM = 0.7  # a y range stays as long as the values fill this much of it
NOTHING = (0.0, 1.0)  # x range without any curve
COUNTED, FEWEST_COUNTED = ("step", "epoch"), 1.0  # a single epoch still has parts
FINEST = 1e-9  # narrowest range over that of all there is
RAW_RUNS = 6  # with more runs, raw values behind smoothed ones would hide everything
FAR = 1e300
PIECE = 1 << 12  # values looked at together: nearly always, the first few settle it

GAP = np.array([np.nan])

Span = tuple[float, float]
Series = tuple[np.ndarray, np.ndarray]  # x and y


@dataclass(frozen=True)
class Scale:
    """An axis between values and pixels.

    Attributes:
        low: value at `begin`; log10 of it where the axis is logarithmic.
        high: value at `end`.
        begin: pixel.
        end: pixel; less than `begin` for an axis that goes up.
        log: whether it is logarithmic.
    """

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def pixels(self, values: np.ndarray) -> np.ndarray:
        """Where values stand, far outside at most a few lengths of the axis away."""
        places = finite_log(values) if self.log else values
        length = self.end - self.begin
        factor = length / (self.high - self.low)
        at = np.multiply(places, factor, dtype=np.float64)
        at += self.begin - self.low * factor
        at[np.isinf(at)] = np.nan
        near, far = sorted((self.begin - 9 * length, self.end + 9 * length))
        return at.clip(near, far, out=at)

    def value(self, pixel: float) -> float:
        """What stands at a pixel."""
        share = (pixel - self.begin) / (self.end - self.begin)
        place = self.low + share * (self.high - self.low)
        return 10.0 ** min(place, 300.0) if self.log else place


@dataclass
class XView:
    """The x range that all plots of a grid have.

    Attributes:
        ends: of all there is.
        span: what was zoomed into; `None` shows all there is and grows with it.
        kind: `step`, `epoch` or `time`; empty where `label` names something else.
        label: of the axis.
        log: whether it is logarithmic.
        least: smallest x above 0, where a logarithmic axis begins.
    """

    ends: Span = NOTHING
    span: Span | None = None
    kind: str = ""
    label: str = ""
    log: bool = False
    least: float = 1.0

    @property
    def range(self) -> Span:
        """What is in sight."""
        if self.span:
            return self.span
        return (self.least, max(self.ends[1], 2 * self.least)) if self.log else self.ends

    def scale(self, begin: float, end: float) -> Scale:
        """The axis over some pixels."""
        low, high = self.range
        if not self.log:
            return Scale(low, high, begin, end)
        low, high = (math.log10(max(value, self.least / 10)) for value in (low, high))
        return Scale(low, max(high, low + 1e-6), begin, end, log=True)

    @property
    def counts(self) -> bool:
        """Whether x counts something, of which there is no half in sight."""
        low, high = self.range
        return self.kind in COUNTED and high - low > FEWEST_COUNTED

    @property
    def unit(self) -> tuple[float, str]:
        """Factor and name of the unit that times are written in; 1 and nothing for all others."""
        return time_unit(self.range[1]) if self.kind == "time" else (1.0, "")

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit[1]})" if self.unit[1] else self.label

    def zoom(self, span: Span | None) -> None:
        """Show a range, moved to where there is something; `None` for all there is."""
        self.span = self.within(span) if span else None

    def within(self, span: Span) -> Span | None:
        """The range nearest to one that lies among what there is; `None` for all of it."""
        low, high = min(span), max(span)
        first, last = (self.least, self.ends[1]) if self.log else self.ends
        if not (math.isfinite(low) and math.isfinite(high)) or high - low >= last - first:
            return None
        narrow = FINEST * max(last - first, abs(first), abs(last))
        if high - low < narrow:
            low, high = (low + high) / 2 - narrow, (low + high) / 2 + narrow
        # Half of what is in sight lies among the values, not in the room beside them.
        room = X_ROOM / (1 + 2 * X_ROOM) * (self.ends[1] - self.ends[0])
        beside = 0.0 if self.log else max(room - (high - low) / 2, 0.0)
        shift = max(first + beside - low, 0.0) or min(last - beside - high, 0.0)
        return low + shift, high + shift


@dataclass(frozen=True)
class Drawn:
    """A curve as it is drawn, in values.

    Attributes:
        curve: which.
        x: `[n]` of the line in front.
        y: `[n]` of it, not finite where it is broken.
        raw: x and y of the raw values behind it; `None` without.
        band: x, lower and upper ends; `None` without.
        ended: where its values stopped being finite, x and the last y; `None` if they did not.
    """

    curve: Curve
    x: np.ndarray
    y: np.ndarray
    raw: tuple[np.ndarray, np.ndarray] | None = None
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    ended: Span | None = None


@dataclass(frozen=True)
class Sight:
    """What of the curves of a plot is in sight.

    Attributes:
        curves: each by itself.
        x: `[n]` of the lines in front, one after the other, with a gap after each.
        y: `[n]` of them, not finite in the gaps.
        ends: `[curves]` where the gaps are.
    """

    curves: Sequence[Drawn]
    x: np.ndarray
    y: np.ndarray
    ends: np.ndarray

    @property
    def heights(self) -> np.ndarray:
        """All values that the y axis has to show."""
        behind = [curve.raw[1] for curve in self.curves if curve.raw]
        bands = [ends for curve in self.curves if curve.band for ends in curve.band[1:]]
        return np.concatenate([self.y, *behind, *bands]) if behind or bands else self.y


def together(curves: Sequence[Series]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y of curves one after the other, each with a gap after it, and where the gaps are.

    Args:
        curves: `[n]` x and `[n]` y of each.
    """
    if not curves:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.intp)
    x, y = ([part for curve in curves for part in (curve[axis], GAP)] for axis in (0, 1))
    ends = np.cumsum([len(curve[0]) + 1 for curve in curves]) - 1
    return np.concatenate(x), np.concatenate(y), ends


def drawn(panel: Panel, span: Span, pixels: float) -> Sight:
    """What of the curves of a panel is in sight.

    Args:
        panel: the plot.
        span: x range.
        pixels: its width.
    """
    raw = len({curve.run for curve in panel.curves}) <= RAW_RUNS
    points = int((POINTS_PER_PIXEL if raw else OF_MANY) * max(pixels, FEWEST_PIXELS))
    curves = [_drawn(curve, *span, points, raw) for curve in panel.curves if len(curve.x)]
    return Sight(curves, *together([(curve.x, curve.y) for curve in curves]))


def _drawn(curve: Curve, low: float, high: float, points: int, with_raw: bool) -> Drawn:
    raw = None
    if curve.smooth is None:
        x, y = visible(curve.x, curve.y, low, high, points)
    else:
        x, y = visible(*curve.smooth, low, high, points)
        raw = visible(curve.x, curve.y, low, high, points) if with_raw else None
    band = _band(curve, low, high, points) if curve.band else None
    return Drawn(curve, x, y, raw, band, ended_at(curve, last_finite(curve.y)))


def ended_at(curve: Curve, last: int | None) -> Span | None:
    """Where the values of a curve stopped being finite, if they did.

    Args:
        curve: which.
        last: place of the last finite one, `None` if they end with it.
    """
    return None if last is None else (float(curve.x[last]), float(curve.y[last]))


def _band(curve: Curve, low: float, high: float, points: int) -> tuple:
    assert curve.band
    x, lower = visible(curve.x, curve.band[0], low, high, max(points, len(curve.x)))
    return x, lower, visible(curve.x, curve.band[1], low, high, max(points, len(curve.x)))[1]


def fitted(sight: Sight, panel: Panel, clip: bool, before: Span | None) -> Span:
    """The y range for curves; the one before as long as it fits, so that axes are calm.

    Args:
        sight: the curves as far as they are in sight.
        panel: of which plot.
        clip: whether single outliers are left out.
        before: the range so far, log10 of values as the result where the axis is logarithmic.
    """
    values = np.concatenate([sight.heights, panel.levels]) if panel.levels else sight.heights
    finite = finite_log(values) if panel.log else values
    finite = finite[np.abs(finite) < FAR]
    if not len(finite):
        return before or (0.0, 1.0)
    bounds = without_outliers(finite) if clip else None
    low, high = bounds or (float(finite.min()), float(finite.max()))
    room = max(Y_ROOM * (high - low), FINEST * max(abs(low), abs(high))) or 1.0
    room = max(room, 0.01) if panel.log else room
    room = Y_ROOM * abs(high) or 1.0 if high == low and not panel.log else room
    fits = before is not None and before[0] <= low and high <= before[1]
    if before and fits and high - low + 2 * room > CALM * (before[1] - before[0]):
        return before
    return low - room, high + room


def ends_of(panels: Iterable[Panel]) -> Span:
    """The x of all curves, with a little room."""
    xs = [end for end in _ends(panels) if math.isfinite(end)]
    if not xs:
        return NOTHING
    low, high = min(xs), max(xs)
    room = X_ROOM * (high - low) or 0.5
    return low - room, high + room


def _ends(panels: Iterable[Panel]) -> list[float]:
    curves = [curve for panel in panels for curve in panel.curves if len(curve.x)]
    return [float(end) for curve in curves for end in (curve.x[0], curve.x[-1])]


def least_above_zero(panels: Iterable[Panel]) -> float:
    """The smallest x that a logarithmic axis can show."""
    curves = [curve.x for panel in panels for curve in panel.curves if len(curve.x)]
    places = [(x, int(np.searchsorted(x, 0.0, "right"))) for x in curves]
    found = [float(x[place]) for x, place in places if place < len(x)]
    return min((x for x in found if math.isfinite(x)), default=1.0)


def has_data(panels: Iterable[Panel], span: Span) -> bool:
    """Whether any curve has a finite value within an x range, or a line through it."""
    return any(_crosses(curve, *span) for panel in panels for curve in panel.curves)


def _crosses(curve: Curve, low: float, high: float) -> bool:
    if not len(curve.x) or curve.x[0] > high or curve.x[-1] < low:
        return False
    begin = max(int(np.searchsorted(curve.x, low)) - 1, 0)
    end = int(np.searchsorted(curve.x, high, "right")) + 1
    pieces = (curve.y[at : min(at + PIECE, end)] for at in range(begin, end, PIECE))
    return any(np.isfinite(piece).any() for piece in pieces)
