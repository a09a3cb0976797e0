"""What the plots of a search share, and the one of the best so far."""

from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolTip, QWidget

from gui.models.words import number
from gui.theme import LIGHT, Theme
from ris_tf.search import Best, Trial

REACH = 8  # pixels from a line within which it is pointed at
SYMBOLS = {"finished": "o", "pruned": "t", "failed": "x"}
COLOURS = {"finished": ("#0072B2", "#56B4E9"), "failed": ("#D55E00", "#ff8a3d")}  # light, dark


def grey(theme: Theme) -> QColor:
    """For what is less important, still distinct from the background."""
    return QColor("#8b939c" if theme.dark else "#7b838c")


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

    def about(self, trial: Trial) -> str:
        """The tooltip of a trial."""
        reason = f"\n{trial.reason}" if trial.reason else ""
        objective = f", objective {number(trial.objective)}" if trial.counts else ""
        return f"trial {trial.number}, {trial.state}{objective}{reason}"

    def leaveEvent(self, event) -> None:
        """Without a mouse nothing is pointed at."""
        super().leaveEvent(event)
        self._point_at(None)

    def _moved(self, position: QPointF) -> None:
        trial = self.trial_at(position)
        self._point_at(trial.path if trial else None)
        place = self.mapToGlobal(self.mapFromScene(position))
        QToolTip.showText(place, self.about(trial) if trial else "", self)

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
        self._line = self.plot([], [])
        self._dots = {
            state: self.plot([], [], pen=None, symbol=symbol, symbolSize=8)
            for state, symbol in SYMBOLS.items()
        }
        self._ring = self.plot([], [], pen=None, symbol="o", symbolSize=15, symbolBrush=None)

    def show_best(self, best: Best) -> None:
        """Draw trials."""
        self._best = best
        self.setLogMode(x=False, y=best.log)
        self._line.setData(best.x, best.y)
        for state, item in self._dots.items():
            item.setData(best.dots[state].x, best.dots[state].y)
        self._ring.setData([], [])
        self._legend()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().restyle(theme)
        self._line.setPen(pg.mkPen(theme.foreground, width=2))
        self._ring.setSymbolPen(pg.mkPen(theme.foreground, width=2))
        for state, item in self._dots.items():
            colour = self._colour(state)
            item.setSymbolPen(pg.mkPen(colour if state != "finished" else theme.background))
            item.setSymbolBrush(None if state == "pruned" else colour)
        self._legend()

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
