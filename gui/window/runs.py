"""The table of runs at the left: states, progress, losses; what is chosen is shown at the right."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QByteArray,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QIcon,
    QKeyEvent,
    QPainter,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from gui.models.index import RunRow
from gui.models.words import MARKS, MEANINGS, duration, moment, number
from gui.theme import LIGHT, Theme

PATH, SORT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
COLUMNS = ("run", "state", "done", "epoch", "best", "last", "dropped", "started", "took")
TOOLTIPS = {
    "state": "running, stalled (alive but silent), finished, stopped, failed, lost (process gone)",
    "done": "share of all windows",
    "best": "lowest validation loss",
    "last": "last validation loss",
    "dropped": "windows that were dropped because something was not finite",
    "took": "time in training, pauses between sessions left out",
}
NARROW = {"run": 160, "state": 84, "done": 46, "epoch": 60, "best": 66, "last": 66}
MAX_SELECTED = 50  # runs read at once
SWATCH = 12  # pixels


class RunsPanel(QWidget):
    """The table with its filter."""

    chosen = Signal(object)  # list[Path] of the runs selected
    activated = Signal(object)  # Path of a run on which Enter was pressed

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.rows: dict[Path, RunRow] = {}
        self.context_menu: QMenu | None = None
        self._items: dict[Path, list[QStandardItem]] = {}
        self._groups: dict[str, QStandardItem] = {}
        self._colours: dict[Path, str] = {}
        self._filtered_out: list[Path] = []  # chosen runs that the filter hides
        self._filtering = False
        self._present: set[Path] = set()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: name or state")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("filter runs")
        self._model = QStandardItemModel(0, len(COLUMNS), self)
        self._model.setHorizontalHeaderLabels(list(COLUMNS))
        for column, name in enumerate(COLUMNS):
            self._model.horizontalHeaderItem(column).setToolTip(TOOLTIPS.get(name, name))
        self._sorted = _Filter(self)
        self._sorted.setSourceModel(self._model)
        self.table = self._make_table()
        self.message = QLabel("Looking for runs…", alignment=Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.message)
        self._stack.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 0, 6)
        layout.addWidget(self.filter)
        layout.addLayout(self._stack, 1)
        self.filter.textChanged.connect(self._apply_filter)
        self.filter.returnPressed.connect(self.table.setFocus)

    def _make_table(self) -> QTreeView:
        table = QTreeView()
        table.setModel(self._sorted)
        table.setSortingEnabled(True)
        table.sortByColumn(COLUMNS.index("started"), Qt.SortOrder.DescendingOrder)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setUniformRowHeights(True)
        table.setAllColumnsShowFocus(True)
        table.setAlternatingRowColors(True)
        table.setAccessibleName("runs")
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._menu)
        table.setIndentation(14)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = table.header()
        header.setSectionsMovable(True)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, name in enumerate(COLUMNS):
            header.resizeSection(column, NARROW.get(name, 80))
        header.resizeSection(COLUMNS.index("started"), 120)
        table.selectionModel().selectionChanged.connect(self._selected)
        table.installEventFilter(self)
        return table

    def show_rows(self, rows: Sequence[RunRow], nothing: str) -> None:
        """Show runs.

        Args:
            rows: all of them.
            nothing: the message where there are none.
        """
        self.message.setText(nothing)
        self._stack.setCurrentIndex(1 if rows or self.selected else 0)
        now = {row.path: row for row in rows}
        self._present = set(now)
        # The row of a selected run stays, though its folder went away.
        now |= {p: row for p, row in self.rows.items() if p not in now and p in self.selected}
        for path in self.rows.keys() - now.keys():
            self._remove(path)
        self._sorted.setDynamicSortFilter(False)  # sort once, not with every row
        for row in rows:
            if self.rows.get(row.path) is not row:
                self._show(row)
        self.rows = now
        self._sorted.setDynamicSortFilter(True)

    @property
    def selected(self) -> list[Path]:
        """Runs chosen, in the order of the table, as many as are read at once."""
        return self._chosen()[:MAX_SELECTED]

    @property
    def not_shown(self) -> int:
        """Runs chosen beyond those."""
        return max(len(self._chosen()) - MAX_SELECTED, 0)

    def _chosen(self) -> list[Path]:
        indexes = self.table.selectionModel().selectedRows()
        paths = [index.data(PATH) for index in sorted(indexes, key=lambda index: index.row())]
        return [Path(path) for path in paths if path] + self._filtered_out

    def select(self, paths: Sequence[Path]) -> None:
        """Choose runs."""
        self.filter.clear()
        self.table.selectionModel().clearSelection()
        self._select(paths)
        if len(paths) == 1:
            self.table.setCurrentIndex(self._index_of(paths[0]))
            self.table.scrollTo(self._index_of(paths[0]))

    def show_colours(self, colours: Mapping[Path, str]) -> None:
        """Mark runs with the colours of their curves; a run alone needs no mark."""
        self._colours = dict(colours) if len(colours) > 1 else {}
        for path, items in self._items.items():
            colour = self._colours.get(path)
            if colour or not items[0].icon().isNull():
                items[0].setIcon(_swatch(self.theme.curve(colour)) if colour else QIcon())

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        for row in self.rows.values():
            self._show(row)
        self.show_colours(self._colours)

    def state(self) -> QByteArray:
        """Widths, order and sorting of the columns."""
        return self.table.header().saveState()

    def restore(self, state: QByteArray) -> None:
        """Widths, order and sorting as they were."""
        self.table.header().restoreState(state)

    def eventFilter(self, watched, event) -> bool:
        """Enter acts on the run under the cursor."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected:
            self.activated.emit(self.selected[0])
            return True
        return super().eventFilter(watched, event)

    def _show(self, row: RunRow) -> None:
        if row.path not in self._items:
            items = [QStandardItem() for _ in COLUMNS]
            items[0].setData(str(row.path), PATH)
            for item in items[2:]:
                item.setTextAlignment(RIGHT)
            self._items[row.path] = items
            self._parent(row.group).appendRow(items)
        items = self._items[row.path]
        for item, (text, sort) in zip(items, _cells(row), strict=True):
            if item.text() != text:
                item.setText(text)
            if item.data(SORT) != sort:
                item.setData(sort, SORT)
        items[1].setForeground(QColor(self.theme.state(row.state)))
        why = row.problem or (row.summary.reason if row.summary else "")
        items[1].setToolTip(f"{MEANINGS.get(row.state, '')}\n{why}".strip())
        items[0].setToolTip(str(row.path))

    def _parent(self, group: str) -> QStandardItem:
        """The row of a folder that holds runs, such as a search."""
        if not group:
            return self._model.invisibleRootItem()
        if group not in self._groups:
            item = QStandardItem(f"{group}/")
            item.setData(group, SORT)
            item.setSelectable(False)
            rest = [QStandardItem() for _ in COLUMNS[1:]]
            for cell in rest:
                cell.setSelectable(False)
            self._model.invisibleRootItem().appendRow([item, *rest])
            self._groups[group] = item
            self.table.setExpanded(self._sorted.mapFromSource(item.index()), True)
        return self._groups[group]

    def _remove(self, path: Path) -> None:
        items = self._items.pop(path)
        parent = items[0].parent() or self._model.invisibleRootItem()
        parent.removeRow(items[0].row())
        for group, item in list(self._groups.items()):
            if not item.hasChildren():
                self._model.removeRow(item.row())
                del self._groups[group]

    def _selected(self) -> None:
        if not self._filtering:
            self._filtered_out = []
            self.chosen.emit(self.selected)
            QTimer.singleShot(0, self._prune)

    def _prune(self) -> None:
        """Drop the rows of runs that are gone, now that they are not selected."""
        for path in [p for p in self.rows if p not in self._present and p not in self.selected]:
            self._remove(path)
            del self.rows[path]

    def _apply_filter(self, words: str) -> None:
        """Show other rows; runs that were chosen stay so, in sight or not."""
        chosen = self._chosen()
        self._filtering = True
        self._sorted.setFilterFixedString(words)
        self._filtered_out = [path for path in chosen if not self._index_of(path).isValid()]
        self._select(path for path in chosen if path not in self._filtered_out)
        self._filtering = False

    def _index_of(self, path: Path) -> QModelIndex:
        """Where a run stands in the table; invalid where it is filtered out."""
        if path not in self._items:
            return QModelIndex()
        return self._sorted.mapFromSource(self._items[path][0].index())

    def _select(self, paths: Iterable[Path]) -> None:
        flags = QItemSelectionModel.SelectionFlag
        for path in paths:
            index = self._index_of(path)
            self.table.selectionModel().select(index, flags.Select | flags.Rows)

    def _menu(self, position) -> None:
        if self.context_menu:
            self.context_menu.popup(self.table.viewport().mapToGlobal(position))


class _Filter(QSortFilterProxyModel):
    """Sorts by the values behind the texts, and finds rows by name or state."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setSortRole(SORT)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setRecursiveFilteringEnabled(True)
        self.setAutoAcceptChildRows(True)

    def filterAcceptsRow(self, row, parent) -> bool:
        """Whether the name or the state has the text."""
        text = self.filterRegularExpression().pattern()
        model = self.sourceModel()
        wanted = self.filterRegularExpression()
        if not text:
            return True
        texts = (model.index(row, column, parent).data() or "" for column in (0, 1))
        return any(wanted.match(cell).hasMatch() for cell in texts)


def _cells(row: RunRow) -> list[tuple[str, object]]:
    """Text and sorting value of every column."""
    summary = row.summary
    mark = (f"{MARKS.get(row.state, '')} {row.state}", row.state)
    started = (moment(row.created), row.created)
    if summary is None:
        return [(row.name, row.name), mark, *[("", -1.0)] * 5, started, ("", -1.0)]
    share = summary.step / summary.windows if summary.windows else 0.0
    unsure = "" if row.complete else "…"
    return [
        (row.name, row.name),
        mark,
        (f"{min(share, 1):.0%}", share),
        (f"{summary.epoch}/{summary.epochs or '?'}", float(summary.epoch)),
        (number(summary.best_loss, 4) + unsure, _last(summary.best_loss)),
        (number(summary.last_loss, 4), _last(summary.last_loss)),
        (f"{summary.skipped:,}" + unsure, float(summary.skipped)),
        started,
        (duration(summary.seconds) + unsure, summary.seconds),
    ]


def _swatch(colour: str) -> QIcon:
    """A square of a colour, with a rim that sets it off from a selection of the same."""
    image = QPixmap(SWATCH, SWATCH)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.fillRect(1, 1, SWATCH - 2, SWATCH - 2, QColor(colour))
    painter.end()
    icon = QIcon(image)
    icon.addPixmap(image, QIcon.Mode.Selected)  # else it takes on the selection's colour
    return icon


def _last(value: float) -> float:
    """Sorting value of a loss: runs without one come last."""
    return value if value == value else float("inf")  # noqa: PLR0124 (NaN)
