"""What the plots of a search share, and the one of the best so far."""

from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor, QPainterPath, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem, QToolTip, QWidget

from gui.models.words import number
from gui.theme import LIGHT, Theme
from ris_tf.search import Best, Trial
from ris_tf.search.median import Band

SHADE = 70  # of 255
BAND = "median rule"
REACH = 8  # pixels from a line within which it is pointed at
SYMBOLS = {"finished": "o", "pruned": "t", "failed": "x"}
COLOURS = {"finished": ("#0072B2", "#56B4E9"), "failed": ("#D55E00", "#ff8a3d")}  # light, dark


def grey(theme: Theme) -> QColor:
    """For what is less important, still distinct from the background."""
    return QColor("#8b939c" if theme.dark else "#7b838c")


def about_trial(trial: Trial) -> str:
    """The tooltip of a trial."""
    reason = f"\n{trial.reason}" if trial.reason else ""
    objective = f", objective {number(trial.objective)}" if trial.counts else ""
    return f"trial {trial.number}, {trial.state}{objective}{reason}"


class WholeNumbers(pg.AxisItem):
    """An axis of counts: no ticks between whole numbers."""

    def tickSpacing(self, minVal, maxVal, size):
        """Spacings of at least 1."""
        spacings = super().tickSpacing(minVal, maxVal, size)
        return [(space, offset) for space, offset in spacings if space >= 1] or [(1, 0)]


class SearchPlot(pg.PlotWidget):
    """What both plots share: colours, and a trial that is pointed at."""

    pointed = Signal(object)  # Path of the trial under the mouse, None for none
    picked = Signal(object)  # Path of the trial that was clicked

    def __init__(self, title: str, parent: QWidget | None = None, **options):
        super().__init__(parent, **options)
        self.title = title
        self.theme = LIGHT
        self.setAccessibleName(title)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getPlotItem().layout.setContentsMargins(2, 2, 8, 2)
        self._under: Path | None = None
        self.scene().sigMouseMoved.connect(self._moved)
        self.scene().sigMouseClicked.connect(self._clicked)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.setBackground(theme.background)
        self.setTitle(self.title, color=theme.foreground, size="9pt")
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(theme.grid)
            axis.setTextPen(theme.foreground)
            if axis.labelText:
                axis.setLabel(axis.labelText, color=theme.foreground, **{"font-size": "8pt"})

    def trial_at(self, position: QPointF) -> Trial | None:
        """The trial that is drawn at a place of the scene."""
        raise NotImplementedError

    def leaveEvent(self, event) -> None:
        """Without a mouse nothing is pointed at."""
        super().leaveEvent(event)
        self._point_at(None)

    def _moved(self, position: QPointF) -> None:
        trial = self.trial_at(position)
        self._point_at(trial.path if trial else None)
        place = self.mapToGlobal(self.mapFromScene(position))
        QToolTip.showText(place, about_trial(trial) if trial else "", self)

    def _point_at(self, path: Path | None) -> None:
        if path != self._under:
            self._under = path
            self.pointed.emit(path)

    def _clicked(self, event) -> None:
        trial = self.trial_at(event.scenePos())
        if trial and trial.path:
            self.picked.emit(trial.path)


class BestPlot(SearchPlot):
    """Objective of each trial as dots, the best so far as a step line."""

    def __init__(self, parent: QWidget | None = None):
        axes = {"bottom": WholeNumbers("bottom")}
        super().__init__("best so far", parent, axisItems=axes)
        self._best: Best | None = None
        self.setLabel("left", "objective, lower is better")
        self.getAxis("left").enableAutoSIPrefix(False)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.showGrid(x=True, y=True, alpha=0.25)
        self._band = QGraphicsPathItem()
        self._band.setPen(pg.mkPen(None))
        self._band.setZValue(-5)
        self.addItem(self._band, ignoreBounds=True)
        self._faint = self.plot([], [], pen=None, symbol="o", symbolSize=8)
        self._line = self.plot([], [])
        self._dots = {
            state: self.plot([], [], pen=None, symbol=symbol, symbolSize=8)
            for state, symbol in SYMBOLS.items()
        }
        self._ring = self.plot([], [], pen=None, symbol="o", symbolSize=15, symbolBrush=None)

    def show_best(self, best: Best, brushed: frozenset[Path] | None = None) -> None:
        """Draw trials.

        Args:
            best: the plot.
            brushed: folders of the trials that stand out; `None` for all.
        """
        self._best = best
        self.setLogMode(x=False, y=best.log)
        self._line.setData(best.x, best.y)
        self._band.setPath(_path(best.band, best.log))
        faint: list[tuple[float, float]] = []
        for state, item in self._dots.items():
            dots = best.dots[state]
            out = np.array(
                [brushed is not None and t.path not in brushed for t in dots.trials], bool
            )
            item.setData(dots.x[~out], dots.y[~out])
            faint += zip(dots.x[out].tolist(), dots.y[out].tolist(), strict=True)
        self._faint.setData([x for x, _ in faint], [y for _, y in faint])
        self._ring.setData([], [])
        self._legend()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().restyle(theme)
        self._line.setPen(pg.mkPen(theme.foreground, width=2))
        self._ring.setSymbolPen(pg.mkPen(theme.foreground, width=2))
        self._band.setBrush(self._shade())
        self._faint.setSymbolBrush(self._shade())
        self._faint.setSymbolPen(pg.mkPen(None))
        for state, item in self._dots.items():
            colour = self._colour(state)
            item.setSymbolPen(pg.mkPen(colour if state != "finished" else theme.background))
            item.setSymbolBrush(None if state == "pruned" else colour)
        self._legend()

    def _shade(self) -> QColor:
        """Of the band, and of what does not stand out."""
        colour = grey(self.theme)
        colour.setAlpha(SHADE)
        return colour

    def _colour(self, state: str) -> QColor:
        return QColor(COLOURS[state][self.theme.dark]) if state in COLOURS else grey(self.theme)

    def _legend(self) -> None:
        """The axis' name is the legend, too: in the plot, a box would hide dots."""
        signs = {"finished": "●", "pruned": "▽", "failed": "✖"}
        words = [
            f'<span style="color: {self._colour(state).name()}">{signs[state]}</span> {state}'
            for state, dots in (self._best.dots if self._best else {}).items()
            if len(dots.x)
        ]
        if self._best and len(self._best.band.x):
            words.append(f'<span style="color: {grey(self.theme).name()}">■</span> {BAND}')
        text = "&nbsp;&nbsp;&nbsp; ".join(["trial", *words])
        self.setLabel("bottom", text, color=self.theme.foreground, **{"font-size": "8pt"})
        self.getAxis("bottom").resizeEvent()  # centres the name, which pyqtgraph does only then

    def highlight(self, path: Path | None) -> None:
        """Ring the dot of a trial."""
        found = [
            (dots.x[i], dots.y[i])
            for dots in (self._best.dots.values() if self._best and path else ())
            for i, trial in enumerate(dots.trials)
            if trial.path == path
        ]
        self._ring.setData([x for x, _ in found], [y for _, y in found])

    def trial_at(self, position: QPointF) -> Trial | None:
        """The trial of the nearest dot."""
        view = self.getPlotItem().getViewBox()
        if not self._best or not view.sceneBoundingRect().contains(position):
            return None
        point, (width, height) = view.mapSceneToView(position), view.viewPixelSize()
        nearest, trial = 1.0, None
        for dots in self._best.dots.values():
            y = np.log10(dots.y) if self._best.log else dots.y
            away = np.hypot((dots.x - point.x()) / width, (y - point.y()) / height) / REACH
            if len(away) and away.min() < nearest:
                nearest, trial = float(away.min()), dots.trials[int(away.argmin())]
        return trial


def _path(band: Band, log: bool) -> QPainterPath:
    """The band as the axes have it."""
    path = QPainterPath()
    if len(band.x) < 2 or (log and band.low.min() <= 0):
        return path
    low, high = (np.log10(y) if log else y for y in (band.low, band.high))
    x, y = np.concatenate([band.x, band.x[::-1]]), np.concatenate([low, high[::-1]])
    path.addPolygon(QPolygonF([QPointF(*at) for at in zip(x.tolist(), y.tolist(), strict=True)]))
    path.closeSubpath()
    return path
