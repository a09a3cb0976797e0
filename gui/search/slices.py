"""Slices of a search: the objective against each hyperparameter, the most important first."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolTip, QWidget

from gui.models.trials import importance_words
from gui.search.plots import COLOURS, REACH, SYMBOLS, about_trial, grey
from gui.theme import LIGHT, Theme
from ris_tf.search import Axis, Importance, Parallel, Trial, TrialState, has_objective

MIN_WIDTH = 150  # pixels of a slice that can still be read
LOW = 130  # pixels of a slice with its title and axis: numbers in less lie over each other
MAX_COLUMNS = 8
MARGIN = 0.06  # of the axis, beside the outermost values
FAINT = 60  # of 255, of trials that are not brushed
LETTERS = 5  # of a choice's tick
DOT, RING = 6, 12  # pixels


class SlicesPlot(pg.GraphicsLayoutWidget):
    """A small plot for each hyperparameter, all with the same objective axis."""

    pointed = Signal(object)  # Path of the trial under the mouse, None for none
    picked = Signal(object)  # Path of the trial that was clicked

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme: Theme = LIGHT
        self._slices: list[_Slice] = []
        self._columns, self._low = 0, False
        self._under: Path | None = None
        self.setAccessibleName("objective against each hyperparameter")
        self.ci.layout.setSpacing(18)
        self.ci.layout.setContentsMargins(2, 2, 24, 2)
        self.scene().sigMouseMoved.connect(self._moved)
        self.scene().sigMouseClicked.connect(self._clicked)
        self._arranging = QTimer(self, singleShot=True, interval=0)
        self._arranging.timeout.connect(self._arrange)

    def plots(self) -> list[pg.PlotItem]:
        """The plots, for export."""
        return list(self._slices)

    def show_slices(
        self,
        shown: Parallel,
        importances: Sequence[Importance],
        log: bool,
        chosen: np.ndarray,
    ) -> None:
        """Draw trials.

        Args:
            shown: their places on the axes.
            importances: the order of the slices.
            log: whether the objective's axis is logarithmic.
            chosen: `[lines]` whether each is brushed.
        """
        axes = {axis.key: i for i, axis in enumerate(shown.axes)}
        ordered = [one for one in importances if one.key in axes]
        if len(ordered) != len(self._slices):
            self.ci.clear()
            self._slices = [_Slice() for _ in ordered]
            self._columns = 0
        for plot, one in zip(self._slices, ordered, strict=True):
            plot.show_slice(shown, axes[one.key], one, log, chosen, self.theme)
        self._arrange()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours; dots follow with the next trials."""
        self.theme = theme
        self.setBackground(theme.background)

    def highlight(self, path: Path | None) -> None:
        """Ring the dots of a trial."""
        for plot in self._slices:
            plot.highlight(path)

    def resizeEvent(self, event) -> None:
        """Another width may take another number of columns."""
        super().resizeEvent(event)
        if hasattr(self, "_arranging"):  # called by the constructor of the base class
            self._arranging.start()

    def leaveEvent(self, event) -> None:
        """Without a mouse nothing is pointed at."""
        super().leaveEvent(event)
        self._point_at(None)

    def _arrange(self) -> None:
        """As many columns as leave slices wide enough, rows balanced."""
        count = len(self._slices)
        fitting = min(max(self.width() // MIN_WIDTH, 1), MAX_COLUMNS, max(count, 1))
        rows = -(-count // fitting)
        columns = -(-count // rows) if rows else 1
        low = self.height() < LOW * rows
        if (columns, low) == (self._columns, self._low):
            return
        self._columns, self._low = columns, low
        for plot in self._slices:
            if plot.scene() is not None and plot in self.ci.items:
                self.ci.removeItem(plot)
        for i, plot in enumerate(self._slices):
            self.ci.addItem(plot, *divmod(i, columns))
            plot.getAxis("left").setStyle(showValues=i % columns == 0 and not low)
            plot.getAxis("left").setWidth(44 if i % columns == 0 else 6)
        for column in range(columns):
            self.ci.layout.setColumnStretchFactor(column, 1)

    def trial_at(self, position: QPointF) -> tuple["_Slice", Trial | None] | None:
        """The slice at a place of the scene, and the trial of the nearest dot."""
        for plot in self._slices:
            if plot.getViewBox().sceneBoundingRect().contains(position):
                return plot, plot.trial_at(position)
        return None

    def _moved(self, position: QPointF) -> None:
        at = self.trial_at(position)
        trial = at[1] if at else None
        self._point_at(trial.path if trial else None)
        words = about_trial(trial) if trial else (importance_words(at[0].importance) if at else "")
        QToolTip.showText(self.mapToGlobal(self.mapFromScene(position)), words, self)

    def _point_at(self, path: Path | None) -> None:
        if path != self._under:
            self._under = path
            self.pointed.emit(path)

    def _clicked(self, event) -> None:
        at = self.trial_at(event.scenePos())
        if at and at[1] and at[1].path:
            self.picked.emit(at[1].path)


class _Slice(pg.PlotItem):
    """Objectives against one hyperparameter."""

    importance = Importance("", "")

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self._trials: list[Trial] = []
        self._x = self._y = np.zeros(0)
        self.dots = pg.ScatterPlotItem(size=DOT)
        self._ring = pg.ScatterPlotItem(size=RING, brush=None)
        for item in (self.dots, self._ring):
            self.addItem(item, ignoreBounds=True)
        self.getAxis("left").enableAutoSIPrefix(False)
        self.getAxis("bottom").setStyle(
            tickLength=-3, hideOverlappingLabels=False, textFillLimits=[(0, np.inf)]
        )
        self.getAxis("left").setStyle(maxTickLevel=0)

    def show_slice(
        self, shown: Parallel, axis: int, one: Importance, log: bool, chosen: np.ndarray,
        theme: Theme,
    ) -> None:  # fmt: skip
        """Draw the trials that have an objective."""
        self.importance = one
        there = [
            i
            for i, trial in enumerate(shown.trials)
            if has_objective(trial) and np.isfinite(shown.places[i, axis])
        ]
        self._trials = [shown.trials[i] for i in there]
        self._x = shown.places[there, axis]
        objectives = np.array([trial.objective for trial in self._trials], np.float64)
        self._y = np.log10(objectives) if log else objectives
        self.dots.setData(x=self._x, y=self._y, **self._looks(chosen[there], theme))
        self._ring.setData([], [])
        self._ring.setPen(pg.mkPen(theme.foreground, width=2))
        self._label(shown.axes[axis], log, theme)
        self._fit(shown.axes[-1].high if shown.axes[-1].open else None, log)

    def _looks(self, chosen: np.ndarray, theme: Theme) -> dict[str, list]:
        """Symbol, pen and brush of each dot."""
        pens, brushes, symbols = [], [], []
        for trial, on in zip(self._trials, chosen, strict=True):
            finished = trial.state == TrialState.FINISHED
            colour = QColor(COLOURS["finished"][theme.dark]) if finished else grey(theme)
            colour.setAlpha(255 if on else FAINT)
            pens.append(pg.mkPen(colour))
            brushes.append(pg.mkBrush(colour if finished else None))
            symbols.append(SYMBOLS["finished" if finished else "pruned"])
        return {"pen": pens, "brush": brushes, "symbol": symbols}

    def _label(self, axis: Axis, log: bool, theme: Theme) -> None:
        one = self.importance
        known = one.share == one.share
        share = f"  {one.share:.0%}" if known else ""
        self.setTitle(axis.label + share, color=theme.foreground if one.certain else grey(theme),
                      size="8pt")  # fmt: skip
        self.getAxis("left").setLogMode(y=log)
        self.getAxis("bottom").setTicks([_ticks(axis)])
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(grey(theme))
            self.getAxis(side).setTextPen(theme.foreground)

    def _fit(self, cut: float | None, log: bool) -> None:
        self.setXRange(-MARGIN, 1 + MARGIN, padding=0)
        if not len(self._y):
            return
        low, high = float(self._y.min()), float(self._y.max())
        if cut is not None:  # single outliers would flatten the rest
            high = min(high, float(np.log10(cut)) if log and cut > 0 else cut)
        self.setYRange(low, max(high, low), padding=0.08)

    def highlight(self, path: Path | None) -> None:
        """Ring the dot of a trial."""
        at = [i for i, trial in enumerate(self._trials) if path and trial.path == path]
        self._ring.setData(self._x[at], self._y[at])

    def trial_at(self, position: QPointF) -> Trial | None:
        """The trial of the nearest dot."""
        point = self.getViewBox().mapSceneToView(position)
        width, height = self.getViewBox().viewPixelSize()
        away = np.hypot((self._x - point.x()) / width, (self._y - point.y()) / height)
        if not len(away) or away.min() > REACH:
            return None
        return self._trials[int(away.argmin())]


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    """Those that have room: both ends, or all of a few short choices."""
    if not axis.categories:
        return [*axis.ticks[:1], *axis.ticks[1:][-1:]]
    ticks = [(place, words if len(words) <= LETTERS else words[: LETTERS - 1] + "…")
             for place, words in axis.ticks]  # fmt: skip
    few = len(ticks) <= 3
    return ticks if few else [ticks[0], ticks[-1]]
