"""The table of an evaluation: every estimator on all scenes, to be switched off in the plots."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from gui.models.evaluations import SHOWN, Line, cells_of
from gui.theme import LIGHT, Theme

SWATCH = 18  # pixels
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
DASHES = (
    Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine,
)  # fmt: skip
ABOUT = {
    "recall_direction": "sources that an estimate is within 5 degrees of",
    "recall_position": "sources that an estimate is within 5 degrees and 1 m of",
    "precision": "estimates that are within 5 degrees of a source",
    "count_accuracy": "scenes whose number of sources is right",
    "azimuth_over_bound": "median error over the bound's standard deviation: 0.67 is efficient",
    "milliseconds": "time a scene, on the machine that it was evaluated on",
}
ERROR = "root mean square error of the sources found within 5 degrees"


class EvaluationTable(QTreeWidget):
    """A row for each line of the plots."""

    switched = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self._switched_over: set[str] = set()  # keys of lines that are not as at first
        self._shape: tuple | None = None
        self._lines: list[Line] = []
        self._rows: list[QTreeWidgetItem] = []
        self.setColumnCount(1 + len(SHOWN))
        self.setHeaderLabels(["estimator", *(column.title for column in SHOWN)])
        for i, column in enumerate(SHOWN, 1):
            about = ABOUT.get(column.name, ABOUT["azimuth_over_bound"] if "bound" in column.name
                              else ERROR)  # fmt: skip
            self.headerItem().setToolTip(i, about)
            self.headerItem().setTextAlignment(i, RIGHT)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.setAccessibleName("estimators and their metrics on all scenes")
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.itemChanged.connect(lambda row, column: self._switched())

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours with the next lines."""
        self.theme, self._shape = theme, None

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines; nothing is made anew while they are the same."""
        shape = tuple((line.key, line.runs, line.colour, id(line.rows[0])) for line in lines)
        if shape == self._shape:
            return
        self._shape, self._lines = shape, list(lines)
        several = len({run for line in lines for run in line.runs}) > 1
        self.blockSignals(True)
        self.clear()
        self._rows = [self._add(line, several) for line in lines]
        self.blockSignals(False)
        for column in range(self.columnCount()):
            self.resizeColumnToContents(column)

    def _add(self, line: Line, several: bool) -> QTreeWidgetItem:
        row = QTreeWidgetItem(self, [line.title(several)])
        row.setToolTip(0, line.title(True))
        row.setIcon(0, _swatch(self.theme.curve(line.colour), line.style))
        on = self.is_on(line)
        row.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        for i, (value, whole) in enumerate(cells_of(line), 1):
            row.setText(i, value)
            row.setToolTip(i, f"{whole} (95 % confidence)" if whole != value else whole)
            row.setTextAlignment(i, RIGHT)
        return row

    def is_on(self, line: Line) -> bool:
        """Whether a line is to be drawn."""
        return line.at_first != (line.key in self._switched_over)

    def _switched(self) -> None:
        for row, line in zip(self._rows, self._lines, strict=True):
            on = row.checkState(0) == Qt.CheckState.Checked
            over = on != line.at_first
            (self._switched_over.add if over else self._switched_over.discard)(line.key)
        self.switched.emit()


def _swatch(colour: str, style: int) -> QIcon:
    """A bit of the line as it is drawn."""
    image = QPixmap(2 * SWATCH, 2 * SWATCH)
    image.setDevicePixelRatio(2)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 2.5, DASHES[style % len(DASHES)]))
    painter.drawLine(QPointF(0, SWATCH / 2), QPointF(SWATCH, SWATCH / 2))
    painter.end()
    return QIcon(image)
