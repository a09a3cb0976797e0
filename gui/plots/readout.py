"""The matrix beside plots: curves down, runs across, exact values at the crosshair."""

import math
from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QColor, QKeyEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from gui.models.matrix import Matrix, matrix_of
from gui.models.panels import Panel
from gui.models.words import number
from gui.plots.icons import eye, swatch
from gui.theme import LIGHT, Theme

DIGITS = 6
DIGITS_OF_SEVERAL = 5
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
VALUE_WIDTH = 76  # pixels
NAME_LEAST, NAME_MOST, NAME_ROOM = 90, 180, 34  # pixels of names, and of what is beside one
FLAT = """
QHeaderView {{ background: {window}; }}
QHeaderView::section {{
    background: {window}; color: {foreground}; border: none; padding: 2px 5px;
}}
QHeaderView::section:hover {{ background: {grid}; }}
QTableCornerButton::section {{ background: {window}; border: none; }}
QTableView {{ background: {background}; }}
"""
NOT_FINITE = "not finite"
Index = QModelIndex | QPersistentModelIndex


class Readout(QWidget):
    """Names and values of curves; names and runs are switched off and on by a click.

    Args:
        switches: whether curves can be switched off.
        parent: its owner.
    """

    hidden_changed = Signal(object)  # frozenset of the names switched off
    runs_changed = Signal(object)  # frozenset of the runs switched off
    pointed = Signal(object)  # run and curve under the mouse, None for none

    def __init__(self, switches: bool, parent: QWidget | None = None):
        super().__init__(parent)
        self._switches = switches
        self._hidden: set[str] = set()
        self._hidden_runs: set[str] = set()
        self.where = QLabel()
        self.where.setWordWrap(True)
        self.where.setTextFormat(Qt.TextFormat.PlainText)
        self.model = MatrixModel(switches, self)
        self.table = MatrixView(self.model)
        self.table.down.sectionClicked.connect(self._switch_row)
        self.table.across.sectionClicked.connect(self._switch_column)
        self.table.switched.connect(self._switch_at)
        self.table.pointed.connect(self.pointed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.where)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.model.restyle(theme)
        self.table.restyle(theme)

    def show_panels(
        self,
        panels: Sequence[Panel],
        runs: Sequence[tuple[str, str]],
        off: Sequence[tuple[str, str]],
        never: Sequence[str],
    ) -> None:
        """List the curves of panels.

        Args:
            panels: what is drawn.
            runs: label and colour of the selected runs, also of those that were switched off.
            off: name and title of the curves that were switched off.
            never: terms of weight 0.
        """
        self._hidden_runs &= {run for run, _ in runs}
        matrix = matrix_of(panels, runs, off, never, self._hidden_runs)
        at = self.table.currentIndex()
        at = at.row(), at.column()
        self.model.show_matrix(matrix)
        self.table.fit(matrix)
        if at != (-1, -1) and not self.table.currentIndex().isValid():
            self.table.setCurrentIndex(self.model.index(*at))

    def show_at(self, x: float | None, where: str) -> None:
        """Show the values at an x, or the last ones."""
        self.where.setText(where)
        self.model.show_at(x)

    def switch(self, name: str, on: bool) -> None:
        """Draw a curve, or do not."""
        (self._hidden.discard if on else self._hidden.add)(name)
        self.hidden_changed.emit(frozenset(self._hidden))

    def switch_run(self, run: str, on: bool) -> None:
        """Draw a run, or do not."""
        (self._hidden_runs.discard if on else self._hidden_runs.add)(run)
        self.runs_changed.emit(frozenset(self._hidden_runs))

    def _switch_row(self, section: int) -> None:
        row = self.model.matrix.rows[section]
        if self._switches and row.on is not None:
            self.switch(row.name, not row.on)

    def _switch_column(self, section: int) -> None:
        column = self.model.matrix.columns[section]
        if self.model.several:
            self.switch_run(column.run, not column.on)

    def _switch_at(self, row: int, column: int, run: bool) -> None:
        """A key in a cell: its run, or its curve."""
        self._switch_column(column) if run else self._switch_row(row)


class MatrixModel(QAbstractTableModel):
    """What the table shows; a cell is made when it comes into sight.

    Args:
        switches: whether curves can be switched off.
        parent: its owner.
    """

    def __init__(self, switches: bool, parent: QWidget):
        super().__init__(parent)
        self.matrix = Matrix()
        self.theme = LIGHT
        self._switches = switches
        self._x: float | None = None

    @property
    def several(self) -> bool:
        """Whether there are several runs."""
        return len({column.run for column in self.matrix.columns}) > 1

    def show_matrix(self, matrix: Matrix) -> None:
        """Take new curves; the table is made anew where others are there."""
        same = (matrix.rows, matrix.columns) == (self.matrix.rows, self.matrix.columns)
        if not same:
            self.beginResetModel()
        self.matrix = matrix
        if not same:
            self.endResetModel()
        self._values_changed()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.beginResetModel()
        self.theme = theme
        self.endResetModel()

    def show_at(self, x: float | None) -> None:
        """Values at an x, or the last ones."""
        if x != self._x:
            self._x = x
            self._values_changed()
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, 0)

    def _values_changed(self) -> None:
        if self.matrix.rows and self.matrix.columns:
            last = self.index(len(self.matrix.rows) - 1, len(self.matrix.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: Index | None = None) -> int:
        """Curves."""
        return 0 if parent is not None and parent.isValid() else len(self.matrix.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Runs."""
        return 0 if parent is not None and parent.isValid() else len(self.matrix.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A value, and how it looks."""
        row, column = self.matrix.rows[index.row()], self.matrix.columns[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index.row(), index.column())
        if role == Qt.ItemDataRole.ForegroundRole:
            faint = not row.on or not column.on
            return QBrush(QColor(self.theme.muted if faint else self.theme.foreground))
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.title} of {column.run}"
        return None

    def _text(self, row: int, column: int) -> str:
        if self.matrix.rows[row].on is None:
            return "" if self.matrix.columns[column].validation else "off"
        value = self.matrix.value(row, column, self._x)
        if value is None:
            return ""
        if not math.isfinite(value) and self._x is None:
            return NOT_FINITE
        return number(value, DIGITS_OF_SEVERAL if self.several else DIGITS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Names, with a swatch and an eye."""
        across = orientation == Qt.Orientation.Horizontal
        if section >= len(self.matrix.columns if across else self.matrix.rows):
            return None
        return self._run(section, role) if across else self._name(section, role)

    def _run(self, section: int, role: int) -> object:
        column = self.matrix.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            if self.several:
                return f"valid. {column.run}" if column.validation else column.run
            return "valid." if column.validation else "last" if self._x is None else "here"
        if role == Qt.ItemDataRole.ToolTipRole:
            whose = f"validations of {column.run}" if column.validation else column.run
            return f"{whose}\na click hides or shows the run" if self.several else whose
        if role == Qt.ItemDataRole.DecorationRole and self.several:
            return eye(column.on, self.theme, self.theme.curve(column.colour))
        if role == Qt.ItemDataRole.TextAlignmentRole and not self.several:
            return RIGHT
        return None

    def _name(self, section: int, role: int) -> object:
        row = self.matrix.rows[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.ToolTipRole:
            if row.on is None:
                return f"the weight of {row.title} is 0"
            return f"{row.title}\na click hides or shows it" if self._switches else row.title
        if role == Qt.ItemDataRole.DecorationRole:
            return self._row_icon(section)
        if role == Qt.ItemDataRole.ForegroundRole and not row.on:
            return QBrush(QColor(self.theme.muted))
        return None

    def _row_icon(self, section: int) -> object:
        """A bit of the line where only curves differ, else an eye where they can be switched."""
        row = self.matrix.rows[section]
        curves = [self.matrix.curve(section, i) for i in range(len(self.matrix.columns))]
        found = next((curve for curve in curves if curve), None)
        if self._switches and row.on is not None:
            colour = self.theme.curve(found.colour) if found and not self.several else ""
            return eye(row.on, self.theme, colour)
        if found and not self.several:
            return swatch(found.colour, found.style, self.theme)
        return None


class _Header(QHeaderView):
    """A header that says over which section the mouse is."""

    hovered = Signal(int)  # -1 for none

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None):
        super().__init__(orientation, parent)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMouseTracking(True)

    def mouseMoveEvent(self, event) -> None:
        """Over a section."""
        super().mouseMoveEvent(event)
        self.hovered.emit(self.logicalIndexAt(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        """Over none."""
        super().leaveEvent(event)
        self.hovered.emit(-1)


class MatrixView(QTableView):
    """The table; what the mouse is over stands out in the plots."""

    pointed = Signal(object)  # run and curve, None for none
    switched = Signal(int, int, bool)  # row, column, and whether the run is meant

    def __init__(self, model: MatrixModel, parent: QWidget | None = None):
        super().__init__(parent)
        self._matrix = model
        self._fitted: tuple | None = None
        self.across = _Header(Qt.Orientation.Horizontal)
        self.down = _Header(Qt.Orientation.Vertical)
        self.setHorizontalHeader(self.across)
        self.setVerticalHeader(self.down)
        self.setModel(model)
        self.setAccessibleName("curves and their values")
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.down.setDefaultSectionSize(self.fontMetrics().height() + 7)
        self.across.setDefaultSectionSize(VALUE_WIDTH)
        self.entered.connect(lambda index: self._point(index.row(), index.column()))
        self.down.hovered.connect(lambda row: self._point(row, -1))
        self.across.hovered.connect(lambda column: self._point(-1, column))

    def fit(self, matrix: Matrix) -> None:
        """Columns as wide as there is room for, and no narrower than their numbers."""
        modes = QHeaderView.ResizeMode
        few = len(matrix.columns) <= 2
        mode = modes.Stretch if few else modes.Interactive
        longest = max(
            (self.fontMetrics().horizontalAdvance(r.title) for r in matrix.rows), default=0
        )
        self.down.setFixedWidth(min(max(longest + NAME_ROOM, NAME_LEAST), NAME_MOST))
        if not matrix.columns or (mode, len(matrix.columns)) == self._fitted:
            return
        self._fitted = mode, len(matrix.columns)
        self.across.setSectionResizeMode(mode)
        if not few:
            for column in range(len(matrix.columns)):
                self.across.resizeSection(column, VALUE_WIDTH)

    def restyle(self, theme: Theme) -> None:
        """Headers without the rims of buttons."""
        self.setStyleSheet(FLAT.format(**vars(theme)))

    def _point(self, row: int, column: int) -> None:
        matrix, several = self._matrix.matrix, self._matrix.several
        run = matrix.columns[column].run if several and 0 <= column < len(matrix.columns) else None
        name = matrix.rows[row].name if 0 <= row < len(matrix.rows) else None
        self.pointed.emit((run, name) if run or name else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Over nothing."""
        super().leaveEvent(event)
        self.pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space switches a curve, Shift+Space a run."""
        index = self.currentIndex()
        if event.key() == Qt.Key.Key_Space and index.isValid():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.switched.emit(index.row(), index.column(), shift)
        else:
            super().keyPressEvent(event)
