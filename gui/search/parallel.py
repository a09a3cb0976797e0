"""The plot of a search's parallel coordinates."""

from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QGradient, QLinearGradient
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QWidget

from gui.models.brush import Brush
from gui.search.plots import REACH, SearchPlot, grey
from gui.theme import Theme
from ris_tf.search import Parallel, Trial, TrialState

BINS = 24  # different colours of objectives: a curve item each, however many trials
SPAN = 0.88  # of the colour map: its end near the background's brightness is left out
STRIP = 12  # pixels of the colour bar
PAD = 6  # pixels between things
NEAR, DRAG = 14.0, 4  # pixels: from an axis that is brushed, and that the mouse moves at least
FAINT, RANGE_ALPHA = 60, 60  # of 255: of lines that are not brushed, and of the ranges
FINE = 200  # lines that are drawn wide and smooth; with more, that would take seconds
GREYED = {  # how lines without an objective to compare are drawn
    TrialState.PRUNED: Qt.PenStyle.DashLine,
    TrialState.FAILED: Qt.PenStyle.DotLine,
}


def level_colour(level: float, theme: Theme) -> QColor:
    """Colour of an objective 0..1; the best stands out most from the background."""
    at = 1 - SPAN * level if theme.dark else SPAN * level
    return pg.colormap.get("viridis").map(at, mode="qcolor")


class ParallelPlot(SearchPlot):
    """A line for each trial through an axis for each hyperparameter, coloured by objective.

    Drag along an axis to brush a range of it: lines elsewhere become faint. A double click on the
    axis takes its range away, Escape all.

    Attributes:
        brush: the ranges.
    """

    brushed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__("parallel coordinates, coloured by objective", parent)
        self._shown: Parallel | None = None
        self.brush = Brush()
        self._dragged: tuple[str, float, QPointF] | None = None  # axis, where it began
        self._faint = _lines()
        self._ranges: list[QGraphicsRectItem] = []
        self._spacing = 1.0  # pixels from axis to axis
        self.hideAxis("left")
        axis = self.getAxis("bottom")
        axis.setStyle(hideOverlappingLabels=False, tickLength=0)
        self._frame = pg.PlotCurveItem(connect="pairs")
        self._grey = {state: _lines() for state in (*GREYED, None)}
        self._lines = [_lines() for _ in range(BINS)]
        self._thick = pg.PlotDataItem(connect="finite", symbol="o", symbolSize=7, antialias=True)
        self._bar = QGraphicsRectItem()
        # Worst first: the best are drawn last, above the others.
        for item in (
            self._faint,
            *self._grey.values(),
            *reversed(self._lines),
            self._frame,
            self._bar,
        ):
            self.addItem(item, ignoreBounds=True)
        self.addItem(self._thick, ignoreBounds=True)
        self._thick.setZValue(5)
        self._texts: list[pg.TextItem] = []
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self._fit)

    def show_parallel(self, shown: Parallel) -> None:
        """Draw trials."""
        before = self._shown.axes if self._shown else None
        self._shown = shown
        self._set_pens()
        if shown.axes != before:
            self._draw_axes()
        self._draw_lines()
        self._draw_ranges()
        self._thick.setData([], [])

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().restyle(theme)
        self._frame.setPen(pg.mkPen(theme.foreground, width=1))
        self._thick.setPen(pg.mkPen(theme.foreground, width=3))
        self._thick.setSymbolBrush(QColor(theme.foreground))
        self._thick.setSymbolPen(pg.mkPen(theme.background))
        self._set_pens()
        gradient = QLinearGradient(0, 0, 0, 1)
        gradient.setCoordinateMode(QGradient.CoordinateMode.ObjectBoundingMode)
        for i in range(BINS):
            gradient.setColorAt(i / (BINS - 1), level_colour(i / (BINS - 1), theme))
        self._bar.setBrush(gradient)
        self._bar.setPen(pg.mkPen(None))
        if self._shown:
            self._draw_axes()

    def _set_pens(self) -> None:
        faint = grey(self.theme)
        faint.setAlpha(FAINT)
        self._faint.setPen(pg.mkPen(faint, width=1))
        fine = len(self._trials()) <= FINE
        for state, item in self._grey.items():
            style = GREYED.get(state, Qt.PenStyle.SolidLine) if state and fine else None
            item.setPen(pg.mkPen(grey(self.theme), width=1, style=style or Qt.PenStyle.SolidLine))
        for i, item in enumerate(self._lines):
            colour = level_colour(i / (BINS - 1), self.theme)
            item.setPen(pg.mkPen(colour, width=1.5 if fine else 1))
        for item in (*self._grey.values(), *self._lines):
            item.opts["antialias"] = fine

    def highlight(self, path: Path | None) -> None:
        """Draw the line of a trial thick."""
        line = next((i for i, t in enumerate(self._trials()) if path and t.path == path), None)
        if line is None or not self._shown:
            self._thick.setData([], [])
        else:
            places = self._shown.places[line]
            self._thick.setData(np.arange(len(places)), places)

    def _trials(self) -> tuple[Trial, ...]:
        return self._shown.trials if self._shown else ()

    def trial_at(self, position: QPointF) -> Trial | None:
        """The trial of the nearest line."""
        view = self.getPlotItem().getViewBox()
        if not self._shown or not view.sceneBoundingRect().contains(position):
            return None
        point, height = view.mapSceneToView(position), 1 / view.viewPixelSize()[1]
        line = self._shown.nearest(point.x(), point.y(), self._spacing, height, REACH)
        return None if line is None else self._shown.trials[line]

    def resizeEvent(self, event) -> None:
        """Labels take as many rows as the new width needs."""
        super().resizeEvent(event)
        if hasattr(self, "_fitting"):  # called by the constructor of the base class
            self._fitting.start()

    def _draw_lines(self) -> None:
        assert self._shown is not None
        shown = self._shown
        inside, known = self.brush.chosen(shown), np.isfinite(shown.level)
        self._faint.setData(*_joined(shown.places[~inside]))
        bins = np.full(len(known), -1)
        bins[known] = np.round(shown.level[known] * (BINS - 1)).astype(int)
        bins[~inside] = -1
        for i, item in enumerate(self._lines):
            item.setData(*_joined(shown.places[bins == i]))
        states = [t.state if t.state in GREYED else None for t in shown.trials]
        for state, item in self._grey.items():
            chosen = inside & ~known & np.array([own == state for own in states], bool)
            item.setData(*_joined(shown.places[chosen]))

    def _draw_axes(self) -> None:
        assert self._shown is not None
        axes = self._shown.axes
        self._frame.setData(np.repeat(np.arange(len(axes)), 2), np.tile([0.0, 1.0], len(axes)))
        for text in self._texts:
            self.removeItem(text)
        self._texts = []
        fill = QColor(self.theme.background)
        fill.setAlpha(190)  # lines shine through it, and the text stays legible
        for i, axis in enumerate(axes):
            for place, words in axis.ticks:
                text = pg.TextItem(words, color=self.theme.foreground, anchor=(0, 0.5), fill=fill)
                font = text.textItem.font()
                font.setPointSizeF(7.5)
                text.setFont(font)
                text.setZValue(3)
                text.setPos(i, place)
                self.addItem(text, ignoreBounds=True)
                self._texts.append(text)
        self._fit()

    def _fit(self) -> None:
        """Place axes so that no label is cut off, and stagger labels that would touch."""
        if not self._shown:
            return
        axes, view = self._shown.axes, self.getPlotItem().getViewBox()
        bottom = self.getAxis("bottom")
        metrics = QFontMetricsF(bottom.font())
        widths = [metrics.horizontalAdvance(axis.label) + 2 * PAD for axis in axes]
        ticks = [metrics.horizontalAdvance(words) for _, words in axes[-1].ticks]
        left = min(widths[0] / 2, view.width() / 4)
        right = max(widths[-1] / 2, STRIP + 2 * PAD + max(ticks, default=0))
        self._spacing = max((view.width() - left - right) / max(len(axes) - 1, 1), 1.0)
        rows = 1 if max(widths) <= self._spacing else 2
        labels = [
            "\n" * (i % rows)
            + metrics.elidedText(axis.label, Qt.TextElideMode.ElideRight, rows * self._spacing - 2)
            for i, axis in enumerate(axes)
        ]
        bottom.setTicks([list(enumerate(labels))])
        bottom.setHeight(int(rows * metrics.height()) + 2 * PAD)
        self.setXRange(-left / self._spacing, len(axes) - 1 + right / self._spacing, padding=0)
        self.setYRange(-0.07, 1.07, padding=0)
        last = len(axes) - 1
        self._bar.setRect(last, 0, STRIP / self._spacing, 1)
        for text in self._texts:
            if text.pos().x() >= last:
                text.setPos(last + STRIP / self._spacing, text.pos().y())
        self._draw_ranges()

    # -- brushing -----------------------------------------------------------------------------

    def set_brush(self, brush: Brush) -> None:
        """Let the lines within some ranges stand out."""
        if brush == self.brush:
            return
        self.brush = brush
        if self._shown:
            self._draw_lines()
            self._draw_ranges()
        self.brushed.emit()

    def _draw_ranges(self) -> None:
        for item in self._ranges:
            self.removeItem(item)
        self._ranges = []
        for i, axis in enumerate(self._shown.axes if self._shown else ()):
            if axis.key in self.brush.ranges:
                low, high = self.brush.ranges[axis.key]
                half = NEAR / 2 / self._spacing
                item = QGraphicsRectItem(i - half, low, 2 * half, high - low)
                colour = QColor(self.theme.foreground)
                item.setPen(pg.mkPen(colour, width=1))
                colour.setAlpha(RANGE_ALPHA)
                item.setBrush(colour)
                item.setZValue(4)
                self.addItem(item, ignoreBounds=True)
                self._ranges.append(item)

    def _axis_at(self, position: QPointF) -> tuple[str, float] | None:
        """Key of the axis near a place of the widget, and the height there, 0..1."""
        if not self._shown:
            return None
        point = self.getViewBox().mapSceneToView(self.mapToScene(position.toPoint()))
        which = round(point.x())
        away = abs(point.x() - which) * self._spacing
        if not 0 <= which < len(self._shown.axes) or away > NEAR or not -0.1 < point.y() < 1.1:
            return None
        return self._shown.axes[which].key, min(max(point.y(), 0.0), 1.0)

    def mousePressEvent(self, event) -> None:
        """A drag may begin."""
        at = self._axis_at(event.position())
        self._dragged = (*at, event.position()) if at else None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event) -> None:
        """The range follows the mouse."""
        if self._dragged and event.buttons() & Qt.MouseButton.LeftButton:
            key, begin, place = self._dragged
            if abs(event.position().y() - place.y()) >= DRAG:
                point = self.getViewBox().mapSceneToView(
                    self.mapToScene(event.position().toPoint())
                )
                self.set_brush(self.brush.with_range(key, begin, min(max(point.y(), 0.0), 1.0)))
                return
        super().mouseMoveEvent(event)

    def has_range_at(self, position: QPointF) -> bool:
        """Whether there is an axis that has a range at a place of the widget."""
        at = self._axis_at(position)
        return bool(at) and self.brush.without(at[0]) != self.brush

    def mouseDoubleClickEvent(self, event) -> None:
        """All of an axis again."""
        at = self._axis_at(event.position())
        if at:
            self.set_brush(self.brush.without(at[0]))
        else:
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event) -> None:
        """Escape takes all ranges away."""
        if event.key() == Qt.Key.Key_Escape and self.brush.ranges:
            self.set_brush(Brush())
        else:
            super().keyPressEvent(event)


def _lines() -> pg.PlotCurveItem:
    item = pg.PlotCurveItem(connect="finite", antialias=True)
    # Pointing at another trial must not draw all the others again.
    item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
    return item


def _joined(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines `[lines, axes]` as one curve with gaps between them."""
    lines, axes = places.shape
    x = np.tile(np.arange(axes + 1, dtype=np.float64), lines)
    return x, np.column_stack([places, np.full(lines, np.nan)]).ravel()
