"""The table of a search's trials."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui.models.trials import MEANINGS, state_text
from gui.models.words import duration, number
from ris_tf.search import (
    Choices,
    Row,
    Search,
    short_names,
    sorted_rows,
    value_text,
)

BEFORE = ("rank", "trial", "objective", "state")  # columns before the hyperparameters
AFTER = ("epochs", "time", "reason")  # and behind them
TEXTS = ("state", "reason")
TOOLTIPS = {
    "rank": "1 is the best; pruned and failed trials have none",
    "trial": "number of the trial, and of its folder",
    "objective": "lower is better; a pruned trial's is that of fewer epochs",
    "state": "what the trial is doing",
    "epochs": "epochs done",
    "time": "from its start to its end, or to now",
    "reason": "why it was pruned or failed",
}
DASH = "–"
MAX_WIDTH = 220  # pixels that a column takes by itself at most

Index = QModelIndex | QPersistentModelIndex


class TrialsModel(QAbstractTableModel):
    """Rows of trials for a Qt table, in the order that is asked for."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.columns: tuple[str, ...] = BEFORE + AFTER
        self.rows: list[Row] = []
        self._titles: dict[str, str] = {}
        self._tooltips: dict[str, str] = {}
        self._given: Sequence[Row] = []
        self._order = ("rank", False)

    def show_rows(self, search: Search, rows: Sequence[Row]) -> None:
        """Replace what is shown, best trial first in `rows`."""
        self._given = rows
        keys = tuple(search.space)
        columns = (*BEFORE, *keys, *AFTER)
        ordered = self._ordered()
        same = columns == self.columns and [r.trial.path for r in ordered] == [
            r.trial.path for r in self.rows
        ]
        if same:
            self.rows = ordered
            if ordered:
                last = self.index(len(ordered) - 1, len(columns) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.columns, self.rows = columns, ordered
        self._titles = dict(zip(keys, short_names(keys), strict=True))
        self._tooltips = TOOLTIPS | {key: _about(key, search) for key in keys}
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; trials without a value in it come last."""
        if not 0 <= column < len(self.columns):
            return
        self._order = (self.columns[column], order == Qt.SortOrder.DescendingOrder)
        self.beginResetModel()
        self.rows = self._ordered()
        self.endResetModel()

    def _ordered(self) -> list[Row]:
        return sorted_rows(self._given, *self._order)

    def row_of(self, path: Path | None) -> int | None:
        """Where a trial stands."""
        return next((i for i, row in enumerate(self.rows) if row.trial.path == path), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's)
        """Trials."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's)
        """Columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of columns; hyperparameters by their last words, in full in the tooltip."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles.get(column, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltips.get(column)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            reason = row.trial.reason
            meaning = MEANINGS[row.trial.state]
            return f"{meaning}: {reason}" if column == "state" and reason else reason or meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column in TEXTS else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


def _text(row: Row, column: str) -> str:
    trial = row.trial
    if column in trial.hyperparameters:
        return value_text(trial.hyperparameters[column])
    own = {
        "rank": str(row.rank) if row.rank else DASH,
        "trial": str(trial.number),
        "objective": number(row.objective),
        "state": state_text(row.trial),
        "epochs": f"{trial.epochs:,}",
        "time": DASH if math.isnan(row.seconds) else duration(row.seconds),
        "reason": trial.reason,
    }
    return own.get(column, DASH)


def _about(key: str, search: Search) -> str:
    """A hyperparameter's key, what is searched, and the configuration's own value."""
    entry = search.space[key]
    if isinstance(entry, Choices):
        what = "one of " + ", ".join(map(value_text, entry.values)) if entry.values else ""
    else:
        scale = ", log scale" if entry.log else ""
        what = f"{value_text(entry.least)} to {value_text(entry.most)}{scale}"
    own = f"configuration: {value_text(search.defaults[key])}" if key in search.defaults else ""
    return "\n".join(filter(None, (key, what, own)))


class TrialTable(QTableView):
    """The trials, sortable; emits which row is hovered or selected."""

    pointed = Signal(object)  # Path of the trial under the mouse, else of the selected one, or None
    chosen = Signal(object)  # Path of the trial that was double-clicked, or Enter pressed on

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.trials = TrialsModel(self)
        self.setModel(self.trials)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("trials of the search")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setResizeContentsPrecision(100)  # rows that widths are judged by
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.entered.connect(lambda index: self.pointed.emit(self._path(index.row())))
        self.doubleClicked.connect(lambda index: self._choose(index.row()))
        self._chosen: Path | None = None  # selected before the rows were sorted anew
        self.trials.modelAboutToBeReset.connect(self._remember)
        self.trials.modelReset.connect(self._select_again)
        self.selectionModel().selectionChanged.connect(lambda: self.pointed.emit(self.selected()))

    def show_rows(self, search: Search, rows: Sequence[Row]) -> None:
        """Show rows; selection and scroll position stay with their trial."""
        columns, before = self.trials.columns, len(self.trials.rows)
        place = self.verticalScrollBar().value()
        self.trials.show_rows(search, rows)
        self.verticalScrollBar().setValue(place)
        if columns != self.trials.columns or not before:
            self._fit()

    def _remember(self) -> None:
        self._chosen = self.selected()

    def _select_again(self) -> None:
        self.select(self._chosen, scroll=False)

    def selected(self) -> Path | None:
        """Folder of the selected trial."""
        rows = self.selectionModel().selectedRows()
        return self._path(rows[0].row()) if rows else None

    def select(self, path: Path | None, scroll: bool = True) -> None:
        """Select a trial, if it is there."""
        row = self.trials.row_of(path) if path else None
        if row is None:
            return
        at = self.trials.index(row, max(self.currentIndex().column(), 0))
        self.setCurrentIndex(at)
        if scroll:
            self.scrollTo(at)

    def keyPressEvent(self, event) -> None:
        """Enter chooses; `activated` is also emitted by a single click on some desktops."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event) -> None:
        """The selected trial is pointed at again."""
        super().leaveEvent(event)
        self.pointed.emit(self.selected())

    def _path(self, row: int) -> Path | None:
        return self.trials.rows[row].trial.path if 0 <= row < len(self.trials.rows) else None

    def _choose(self, row: int) -> None:
        path = self._path(row)
        if path:
            self.chosen.emit(path)

    def _fit(self) -> None:
        self.resizeColumnsToContents()
        for column in range(len(self.trials.columns) - 1):
            self.setColumnWidth(column, min(self.columnWidth(column), MAX_WIDTH))
