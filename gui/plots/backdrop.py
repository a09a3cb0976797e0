"""What lies behind the curves of a plot: grid lines, and the marks of epochs and phases."""

from collections.abc import Iterable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from gui.models.marks import Mark
from gui.theme import LIGHT, Theme

MAX_MARKS = 60  # vertical lines of a kind in sight; with more they are only clutter
COLOURS = {"epoch": "#888888", "phase": "#CC79A7", "session": "#56B4E9", "dropped": "#D55E00"}


class TickedAxis(pg.AxisItem):
    """An axis that remembers where its large ticks are; its own grid takes ten times as long."""

    def __init__(self, orientation: str):
        super().__init__(orientation)
        self.large: list[float] = []
        self.enableAutoSIPrefix(False)
        self.setStyle(maxTickLevel=0)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list:
        """As pyqtgraph has it."""
        levels = super().tickValues(minVal, maxVal, size)
        self.large = [float(value) for value in levels[0][1]] if levels else []
        return levels


class Backdrop(pg.GraphicsObject):
    """Grid lines and vertical marks, drawn as one item, however many there are.

    Args:
        left: the y axis, at whose ticks lines stand.
        bottom: the x axis, of this plot or of one below it.
    """

    def __init__(self, left: TickedAxis, bottom: TickedAxis):
        super().__init__()
        self.theme = LIGHT
        self.left, self.bottom = left, bottom
        self._marks: list[Mark] = []
        self._x = np.zeros(0)
        self.setZValue(-10)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.update()

    def show_marks(self, marks: Iterable[Mark]) -> None:
        """Replace the marks."""
        self._marks = sorted(marks, key=lambda mark: mark.x)
        self._x = np.array([mark.x for mark in self._marks])
        self.update()

    def near(self, x: float, reach: float) -> list[Mark]:
        """Marks within `reach` of an x."""
        begin, end = np.searchsorted(self._x, [x - reach, x + reach])
        return self._marks[begin:end]

    def boundingRect(self) -> QRectF:
        """All that is in sight."""
        return self.viewRect() or QRectF()

    def viewTransformChanged(self) -> None:
        """The lines span the view, whatever it is."""
        super().viewTransformChanged()
        self.prepareGeometryChange()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the grid, then the kinds of marks of which few enough are in sight."""
        del option, widget
        view = self.boundingRect()
        left, right, top, bottom = view.left(), view.right(), view.top(), view.bottom()
        _draw(painter, self.theme.grid, Qt.PenStyle.SolidLine, [
            *(QLineF(left, y, right, y) for y in self.left.large),
            *(QLineF(x, top, x, bottom) for x in self.bottom.large),
        ])  # fmt: skip
        begin, end = np.searchsorted(self._x, [left, right])
        in_sight = self._marks[begin:end]
        for kind, colour in COLOURS.items():
            xs = sorted({mark.x for mark in in_sight if mark.kind == kind})
            if len(xs) > MAX_MARKS and kind == "epoch":
                continue
            xs = xs[:: max(len(xs) // (4 * MAX_MARKS), 1)]
            lines = [QLineF(x, top, x, bottom) for x in xs]
            _draw(painter, colour, Qt.PenStyle.DotLine, lines)


def _draw(painter: QPainter, colour: str, style: Qt.PenStyle, lines: list[QLineF]) -> None:
    if lines:
        pen = QPen(QColor(colour), 1, style)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLines(lines)
