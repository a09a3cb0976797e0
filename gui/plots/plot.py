"""A plot of a panel: every curve reduced to what its pixels can show."""

from collections.abc import Iterable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor

from gui.models.curves import visible, without_outliers
from gui.models.marks import Mark
from gui.models.panels import Curve, Panel
from gui.plots.backdrop import Backdrop, TickedAxis
from gui.theme import Theme

pg.setConfigOptions(antialias=False, useOpenGL=False)

POINTS_PER_PIXEL = 2  # smallest and largest value in each column of pixels
RAW_ALPHA = 70  # of 255, for raw values behind smoothed ones
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
X_ROOM, Y_ROOM = 0.015, 0.06  # share of the range that is left free at its ends
CALM = 0.7  # a y range stays as long as the values fill this much of it
NOTHING = (0.0, 1.0)  # x range without any curve
AXIS_WIDTH = 64  # pixels of the y axis: that of plots one above the other must agree


class Line(pg.PlotCurveItem):
    """A line whose bounds are the whole view: pyqtgraph need not compute them from its values."""

    def boundingRect(self) -> QRectF:
        """All that is in sight."""
        return self.viewRect() or QRectF()

    def dataBounds(self, ax: int, frac: float = 1.0, orthoRange: object = None) -> tuple:
        """Nothing: the plot finds its ranges by itself."""
        return None, None


class Trace:
    """A curve in a plot, with the raw values faint behind a smoothed line."""

    def __init__(self, plot: pg.PlotItem):
        self.plot = plot
        self.raw = Line(connect="finite")
        self.front = Line(connect="finite")
        self.dots = pg.ScatterPlotItem(size=6)
        for item in (self.raw, self.front, self.dots):
            plot.addItem(item)
        self.curve: Curve | None = None
        self._look: tuple | None = None

    def show_curve(self, curve: Curve, theme: Theme) -> None:
        """Take new values; they are drawn by `draw`."""
        self.curve = curve
        look = (curve.colour, curve.style, curve.points, curve.smooth is None, theme)
        if look == self._look:
            return
        self._look = look
        colour = QColor(theme.curve(curve.colour))
        style = STYLES[curve.style % len(STYLES)]
        width = 1 if curve.smooth is None else 2
        self.front.setPen(pg.mkPen(colour, width=width, style=style))
        faint = QColor(colour)
        faint.setAlpha(RAW_ALPHA)
        self.raw.setPen(pg.mkPen(faint, width=1))
        self.dots.setPen(pg.mkPen(QColor(theme.background), width=1))
        self.dots.setBrush(colour)
        self.front.setZValue(2 if curve.points else 1)
        self.dots.setZValue(3)

    def draw(self, low: float, high: float, pixels: int, log: bool) -> np.ndarray:
        """Give the painter what is visible between two x.

        Returns:
            The values drawn, as the y axis has them.
        """
        assert self.curve is not None
        curve, points = self.curve, POINTS_PER_PIXEL * max(pixels, 50)
        x, y = visible(curve.x, curve.y, low, high, points)
        y = _logarithm(y) if log else y
        if curve.points:
            finite = np.isfinite(y)
            self.dots.setData(x[finite], y[finite])
        if curve.smooth is None:
            self.raw.setData([], [])
            self.front.setData(x, y)
            return y
        self.raw.setData(x, y)
        x, smooth = visible(*curve.smooth, low, high, points)
        smooth = _logarithm(smooth) if log else smooth
        self.front.setData(x, smooth)
        return np.concatenate([y, smooth])

    def remove(self) -> None:
        """Take it off the plot."""
        for item in (self.raw, self.front, self.dots):
            self.plot.removeItem(item)


def _logarithm(values: np.ndarray) -> np.ndarray:
    """What a logarithmic axis shows of values; nothing of those that are not above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


class Title(pg.LabelItem):
    """A title that does not widen its plot's column, however long it is."""

    def updateMin(self) -> None:
        """Asks for its height alone."""
        height = self.itemRect().height()
        self.setMinimumHeight(height)
        hints = Qt.SizeHint
        self._sizeHint = {
            hints.MinimumSize: (0, height),
            hints.PreferredSize: (0, height),
            hints.MaximumSize: (-1, -1),
            hints.MinimumDescent: (0, 0),
        }
        self.updateGeometry()


class PanelPlot(pg.PlotItem):
    """A plot that shows a panel. Mouse and wheel move along x; y follows what is in sight.

    pyqtgraph's own range finding is off: it goes through every curve several times a frame.

    Attributes:
        span: x range that was zoomed into; `None` shows all there is and grows with it.
        ends: x range of all there is, the same for all plots of a grid.
    """

    def __init__(self) -> None:
        axes = {side: TickedAxis(side) for side in ("left", "bottom")}
        super().__init__(axisItems=axes, enableMenu=False)
        self.layout.removeItem(self.titleLabel)
        self.titleLabel.setParentItem(None)
        self.titleLabel = Title("", parent=self)
        self.layout.addItem(self.titleLabel, 0, 1)
        self.panel: Panel | None = None
        self.clip = False
        self.span: tuple[float, float] | None = None
        self.ends = NOTHING
        self.view = self.getViewBox()
        self.backdrop = Backdrop(axes["left"], axes["bottom"])
        self.crosshair = pg.InfiniteLine(angle=90, movable=False)
        self.crosshair.setVisible(False)
        for item in (self.backdrop, self.crosshair):
            self.addItem(item, ignoreBounds=True)
        self._traces: dict[tuple[str, str, bool], Trace] = {}
        self._levels: list[pg.InfiniteLine] = []
        self._look: tuple | None = None
        self._range: tuple[float, float] | None = None
        self.hideButtons()
        axes["left"].setWidth(AXIS_WIDTH)
        self.view.setMouseEnabled(x=True, y=False)
        self.view.disableAutoRange()
        self.view.setDefaultPadding(0)

    def show_x(self, ticks: TickedAxis, label: str | None) -> None:
        """Show the x axis, or borrow the ticks of the plot below that has one.

        Args:
            ticks: the axis that has ticks.
            label: its name, `None` where it is another plot's.
        """
        self.backdrop.bottom = ticks
        self.showAxis("bottom", label is not None)
        if label is not None and ticks.labelText != label:
            ticks.setLabel(label)

    def show_panel(self, panel: Panel, theme: Theme) -> None:
        """Show a panel in place of the one before."""
        self._restyle(panel, theme)
        self.panel = panel
        wanted = {(curve.run, curve.name, curve.points): curve for curve in panel.curves}
        for key in self._traces.keys() - wanted.keys():
            self._traces.pop(key).remove()
        for key, curve in wanted.items():
            if key not in self._traces:
                self._traces[key] = Trace(self)
            self._traces[key].show_curve(curve, theme)
        self.draw()

    def show_marks(self, marks: Iterable[Mark]) -> None:
        """Show vertical lines in place of those before."""
        self.backdrop.show_marks(marks)

    def draw(self) -> None:
        """Reduce every curve to what is in sight, and fit the axes to it."""
        if self.panel is None:
            return
        low, high = self.span or self.ends
        pixels, log = int(self.view.width()), self.panel.log
        drawn = [trace.draw(low, high, pixels, log) for trace in self._traces.values()]
        levels = np.array([line.value() for line in self._levels])
        values = np.concatenate([*drawn, levels])
        self._range = _fitted(values, self.clip, self._range)
        self.view.setRange(xRange=(low, high), yRange=self._range, padding=0)

    def _restyle(self, panel: Panel, theme: Theme) -> None:
        look = (panel.title, panel.label, panel.log, panel.levels, theme)
        if look == self._look:
            return
        if self._look and self._look[2] != panel.log:
            self._range = None
        self._look = look
        self.setTitle(panel.title, color=theme.foreground, size="9pt")
        self.setLabel("left", panel.label, color=theme.muted, **{"font-size": "8pt"})
        self.getAxis("left").setLogMode(y=panel.log)
        self.crosshair.setPen(pg.mkPen(theme.muted, width=1))
        self.backdrop.restyle(theme)
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(theme.muted)
            self.getAxis(side).setTextPen(theme.muted)
        for line in self._levels:
            self.removeItem(line)
        pen = pg.mkPen(theme.foreground, width=1, style=Qt.PenStyle.DashLine)
        levels = [float(np.log10(level)) if panel.log else level for level in panel.levels]
        self._levels = [pg.InfiniteLine(level, angle=0, pen=pen) for level in levels]
        for line in self._levels:
            self.addItem(line, ignoreBounds=True)


def ends_of(panels: Iterable[Panel]) -> tuple[float, float]:
    """The x of all curves, with a little room."""
    curves = [curve for panel in panels for curve in panel.curves if len(curve.x)]
    xs = [end for curve in curves for end in (curve.x[0], curve.x[-1])]
    xs = [float(x) for x in xs if np.isfinite(x)]
    if not xs:
        return NOTHING
    low, high = min(xs), max(xs)
    room = X_ROOM * (high - low) or 0.5
    return low - room, high + room


def _fitted(
    values: np.ndarray, clip: bool, before: tuple[float, float] | None
) -> tuple[float, float]:
    """The y range for values; the one before as long as it fits, so that axes are calm."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return before or (0.0, 1.0)
    bounds = without_outliers(finite) if clip else None
    low, high = bounds or (float(finite.min()), float(finite.max()))
    room = Y_ROOM * (high - low) or Y_ROOM * abs(high) or 1.0
    fits = before is not None and before[0] <= low and high <= before[1]
    if before and fits and high - low + 2 * room > CALM * (before[1] - before[0]):
        return before
    return low - room, high + room
