"""The line above plots: whose they are, and what was done to their range."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.models.panels import Panel, runs_of
from gui.theme import LIGHT, Theme

SWATCH, ROOM = 16.0, 6.0  # pixels
HEIGHT = 6  # pixels above and below the letters


class Header(QWidget):
    """Names of runs in the colours of their curves, and a note at the right.

    It paints by itself: a label asks its window for a new layout with every text.
    """

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.note = ""
        self._runs: dict[str, str] = {}
        self._lifted: str | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A line of letters."""
        return QSize(100, self.fontMetrics().height() + HEIGHT)

    def show_panels(self, panels: Sequence[Panel]) -> None:
        """Name the runs of panels."""
        runs = runs_of(panels)
        if runs != self._runs:
            self._runs = runs
            self.setToolTip("\n".join(runs))
            self.setAccessibleName(f"runs that are shown: {', '.join(runs)}")
            self.update()

    def lift(self, run: str | None) -> None:
        """Name a run before all others."""
        if run != self._lifted:
            self._lifted = run
            self.update()

    def tell(self, text: str) -> None:
        """A note at the right."""
        if text != self.note:
            self.note = text
            self.update()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The note, then as many names as have room."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        where = QRectF(self.rect()).adjusted(ROOM, 0, -ROOM, 0)
        painter.fillRect(self.rect(), QColor(self.theme.background))
        painter.setPen(QColor(self.theme.muted))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(where, right, self.note)
        taken = QFontMetricsF(self.font()).horizontalAdvance(self.note)
        self._paint_names(painter, where.adjusted(0, 0, -taken - 2 * ROOM, 0))
        painter.end()

    def _paint_names(self, painter: QPainter, where: QRectF) -> None:
        names = list(self._runs)
        if self._lifted in self._runs:
            names.remove(self._lifted)
            names.insert(0, self._lifted)
        metrics = QFontMetricsF(self._bold())
        for i, name in enumerate(names):
            rest = f"and {len(names) - i - 1} more"
            needs = 2 * ROOM + (metrics.horizontalAdvance(rest) if i < len(names) - 1 else 0)
            room = 0.6 * where.width() if i < len(names) - 1 else where.width() - SWATCH - ROOM
            text = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            takes = metrics.horizontalAdvance(text) + SWATCH + 3 * ROOM
            if i and takes + needs > where.width():
                painter.setPen(QColor(self.theme.muted))
                more = f"and {len(names) - i} more"
                painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, more)
                return
            self._paint_name(painter, where, name, text)
            where = where.adjusted(takes, 0, 0, 0)

    def _paint_name(self, painter: QPainter, where: QRectF, name: str, text: str) -> None:
        """A bit of the run's line, then its name."""
        if colour := self._runs[name]:
            painter.setPen(QPen(QColor(self.theme.curve(colour)), 2.5))
            middle = where.center().y()
            painter.drawLine(QLineF(where.left(), middle, where.left() + SWATCH, middle))
            where = where.adjusted(SWATCH + ROOM, 0, 0, 0)
        painter.setFont(
            self._bold() if name == self._lifted or len(self._runs) == 1 else self.font()
        )
        painter.setPen(QColor(self.theme.foreground))
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(self.font())

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font
