"""How much each hyperparameter explains, as bars, with the mark of what chance does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolTip, QWidget

from gui.models.trials import IMPORTANCE, importance_words
from gui.search.plots import COLOURS, grey
from gui.theme import LIGHT, Theme
from ris_tf.search import Importance
from ris_tf.search.importance import FEWEST

THICK = 0.62  # of the distance between bars
LABEL_LETTERS = 16
TITLE = "explained alone (%)"


class ImportancePlot(pg.PlotWidget):
    """A bar a hyperparameter, the one that explains most on top."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme: Theme = LIGHT
        self._shown: list[Importance] = []
        self.setAccessibleName(TITLE)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getPlotItem().layout.setContentsMargins(2, 2, 8, 2)
        self.getViewBox().invertY(True)
        self.getAxis("left").setStyle(tickLength=0)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self._bars = {
            certain: pg.BarGraphItem(**_bars(np.zeros(0), np.zeros(0))) for certain in (True, False)
        }
        self._chance = pg.PlotCurveItem(connect="pairs")
        for item in (*self._bars.values(), self._chance):
            self.addItem(item, ignoreBounds=True)
        self.scene().sigMouseMoved.connect(self._moved)

    def show_importances(self, shown: Sequence[Importance]) -> None:
        """Draw them."""
        self._shown = list(shown)
        unknown = bool(shown) and not any(np.isfinite(one.share) for one in shown)
        title = f"{TITLE}, from {FEWEST} trials on" if unknown else TITLE
        self.setTitle(title, color=self.theme.foreground, size="9pt")
        rows = np.arange(len(shown), dtype=np.float64)
        self.getAxis("left").setTicks([[(i, _cut(one.label)) for i, one in enumerate(shown)]])
        shares = np.nan_to_num([100 * one.share for one in shown])
        certain = np.array([one.certain for one in shown], bool)
        for which, item in self._bars.items():
            rows_of = rows[certain == which]
            item.setOpts(**_bars(rows_of, shares[certain == which]), brush=self._colour(which))
        chances = np.repeat([100 * one.chance for one in shown], 2)
        ends = np.repeat(rows, 2) + np.tile([-0.45, 0.45], len(rows))
        known = np.isfinite(chances)
        self._chance.setData(chances[known], ends[known])
        self.setYRange(-0.6, max(len(rows), 1) - 0.4, padding=0)
        most = max(float(np.max(shares, initial=0)), float(np.max(chances[known], initial=0)), 20.0)
        self.setXRange(0, min(1.1 * most, 102.0), padding=0)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.setBackground(theme.background)
        for name in ("left", "bottom"):
            self.getAxis(name).setPen(theme.grid)
            self.getAxis(name).setTextPen(theme.foreground)
        self._chance.setPen(pg.mkPen(theme.foreground, width=2))
        self.show_importances(self._shown)

    def _colour(self, certain: bool) -> QColor:
        return QColor(COLOURS["finished"][self.theme.dark]) if certain else grey(self.theme)

    def _moved(self, position: QPointF) -> None:
        row = round(self.getViewBox().mapSceneToView(position).y())
        words = importance_words(self._shown[row]) if 0 <= row < len(self._shown) else ""
        place = self.mapToGlobal(self.mapFromScene(position))
        QToolTip.showText(place, f"<p>{words}.</p><p>{IMPORTANCE}</p>" if words else "", self)


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_LETTERS else text[: LABEL_LETTERS - 1] + "…"


def _bars(rows: np.ndarray, shares: np.ndarray) -> dict[str, Any]:
    return {"x0": np.zeros(len(rows)), "y": rows, "height": THICK, "width": shares, "pen": None}
