"""The list beside plots: every curve with its exact value at the crosshair, to be switched off."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.marks import value_at
from gui.models.panels import Curve, Panel
from gui.models.words import number
from gui.plots.plot import STYLES
from gui.theme import LIGHT, Theme

SWATCH = 14  # pixels
DIGITS = 6
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
NAME = Qt.ItemDataRole.UserRole


class Readout(QWidget):
    """Names and values of curves.

    Args:
        switches: whether curves can be switched off.
        parent: its owner.
    """

    hidden_changed = Signal(object)  # frozenset of the names switched off

    def __init__(self, switches: bool, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self._switches = switches
        self._hidden: set[str] = set()
        self._curves: list[Curve] = []
        self._validations: dict[tuple[str, str], Curve] = {}
        self._rows: list[QTreeWidgetItem] = []
        self._x: float | None = None
        self.where = QLabel()
        self.where.setWordWrap(True)
        self.where.setTextFormat(Qt.TextFormat.PlainText)
        self.list = QTreeWidget()
        self.list.setColumnCount(3)
        self.list.setHeaderLabels(["curve", "last", "valid."])
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.list.setAccessibleName("curves and their values")
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.itemChanged.connect(self._switched)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.where)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self._rows, self._curves = [], []

    def show_panels(
        self, panels: Sequence[Panel], hidden: Sequence[tuple[str, str]], off: Sequence[str]
    ) -> None:
        """List the curves of panels.

        Args:
            panels: what is drawn.
            hidden: name and title of what was switched off.
            off: terms of weight 0.
        """
        drawn = [curve for panel in panels for curve in panel.curves]
        lines = {(c.run, c.name) for c in drawn if not c.points}
        # A metric is of validations alone, and has a row of its own.
        curves = [c for c in drawn if not c.points or (c.run, c.name) not in lines]
        dots = [c for c in drawn if c.points and (c.run, c.name) in lines]
        self._validations = {(c.run, c.name): c for c in dots}
        self.list.setColumnHidden(2, not self._validations)
        before = [(c.name, c.run, c.colour, c.style) for c in self._curves]
        now = [(c.name, c.run, c.colour, c.style) for c in curves]
        self._curves = curves
        if now != before or len(self._rows) != len(curves) + len(hidden) + len(off):
            self._list(curves, hidden, off)
        self._fill()

    def _list(
        self, curves: Sequence[Curve], hidden: Sequence[tuple[str, str]], off: Sequence[str]
    ) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        several = len({curve.run for curve in curves}) > 1
        self._rows = []
        for curve in curves:
            text = f"{curve.name} · {curve.run}" if several else curve.name
            row = self._row(text, curve.name, True)
            row.setIcon(0, _swatch(curve, self.theme))
        for name, title in hidden:
            self._row(title, name, False)
        for term in off:
            row = self._row(term, "", None)
            row.setText(1, "off")
            row.setToolTip(0, f"the weight of {term} is 0")
            for column in (0, 1):
                row.setForeground(column, QColor(self.theme.muted))
        self.list.blockSignals(False)

    def _row(self, text: str, name: str, on: bool | None) -> QTreeWidgetItem:
        row = QTreeWidgetItem(self.list, [text, "", ""])
        row.setData(0, NAME, name)
        row.setToolTip(0, text)
        for column in (1, 2):
            row.setTextAlignment(column, RIGHT)
        if self._switches and on is not None:
            row.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._rows.append(row)
        return row

    def show_at(self, x: float | None, where: str) -> None:
        """Show the values at an x, or the last ones."""
        self._x = x
        self.where.setText(where)
        self.list.headerItem().setText(1, "last" if x is None else "here")
        self._fill()

    def _fill(self) -> None:
        self.list.blockSignals(True)
        for row, curve in zip(self._rows, self._curves, strict=False):
            row.setText(1, self._value(curve))
            validation = self._validations.get((curve.run, curve.name))
            row.setText(2, self._value(validation) if validation else "")
        self.list.blockSignals(False)

    def _value(self, curve: Curve) -> str:
        """At the crosshair, or the last."""
        if self._x is not None:
            return number(value_at(curve, self._x), DIGITS)
        return number(float(curve.y[-1]), DIGITS) if len(curve.y) else ""

    def _switched(self, row: QTreeWidgetItem) -> None:
        name = row.data(0, NAME)
        if row.checkState(0) == Qt.CheckState.Checked:
            self._hidden.discard(name)
        else:
            self._hidden.add(name)
        self.hidden_changed.emit(frozenset(self._hidden))


def _swatch(curve: Curve, theme: Theme) -> QIcon:
    """A bit of the line as it is drawn."""
    image = QPixmap(2 * SWATCH, 2 * SWATCH)
    image.setDevicePixelRatio(2)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(theme.curve(curve.colour))
    middle = SWATCH / 2
    painter.setPen(QPen(colour, 2, STYLES[curve.style % len(STYLES)]))
    painter.drawLine(QPointF(0, middle), QPointF(SWATCH, middle))
    painter.end()
    return QIcon(image)
