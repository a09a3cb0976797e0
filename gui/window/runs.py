"""The table of runs at the left: what is found, filtered, sorted and chosen in it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QStackedLayout, QVBoxLayout, QWidget

from gui.models.columns import AT_FIRST, BY_KEY, KNOB, column_of
from gui.models.index import RunRow
from gui.models.listing import Order, OrderedListing
from gui.models.run_filter import HELP, RunFilter
from gui.models.run_tree import RunGroup, RunTree
from gui.theme import LIGHT, Theme
from gui.window.run_model import PATH, RunsModel
from gui.window.run_view import RunsView
from gui.workers import Jobs

MAX_SELECTED = 50  # runs read at once
FEW = 2000  # runs that are filtered and sorted within a frame
HEADER_ROOM = 24  # pixels beside a column's title, the arrow of the sorting among them


class RunsPanel(QWidget):
    """The table with its filter.

    Attributes:
        rows: every run, by its path.
        states: how many runs are in which state.
        names: how many runs have which folder name.
        order: how they are arranged; another object after every change.
        jobs: arranges many runs in a thread.
        context_menu: what a right click on a run offers.
    """

    chosen = Signal(object)  # list[Path] of the runs selected
    activated = Signal(object)  # Path of a run on which Enter was pressed
    search_chosen = Signal(object)  # Path of a search whose row was selected, or None
    knobs_wanted = Signal(bool)  # whether configurations are needed for what is shown
    columns_asked = Signal()  # a person wants to choose columns

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.rows: Mapping[Path, RunRow] = {}
        # Counted once: they may be thousands.
        self.states: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.context_menu: QMenu | None = None
        self._colours: dict[Path, str] = {}
        self._chosen: list[Path] = []
        self._group: str | None = None  # whose row is selected
        self._rebuilding = False
        self._gone: dict[Path, RunRow] = {}  # chosen runs whose folders went away
        self._filter = RunFilter("")
        self._sort = ("started", True)
        self.order = Order(self._filter, BY_KEY["started"], True)
        self.jobs = Jobs(self)
        self.columns = [BY_KEY[key] for key in AT_FIRST]
        self.model = RunsModel(self.columns, self)
        self.table = RunsView(self.model)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: name, state:failed, learning_rate<1e-3")
        self.filter.setToolTip(HELP)
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("filter runs")
        self.filter.setAccessibleDescription(HELP)
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
        self._widen({})
        self._connect()

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._apply_filter)
        self.filter.returnPressed.connect(self.table.setFocus)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.model.rowsInserted.connect(self._select_given)
        self.table.installEventFilter(self)
        for view in (self.table, self.table.names):
            view.customContextMenuRequested.connect(lambda at, view=view: self._menu(view, at))
            view.header().sectionClicked.connect(self._sort_by)
            view.header().customContextMenuRequested.connect(lambda at: self.columns_asked.emit())

    # -- what is shown ------------------------------------------------------------------------

    def show_listing(self, ordered: OrderedListing, nothing: str) -> None:
        """Show runs.

        Args:
            ordered: all of them, in the order of the table when they were read.
            nothing: the message where there are none.
        """
        self.message.setText(nothing)
        now, before = ordered.listing.rows, self.rows
        # The row of a selected run stays, though its folder went away.
        self._gone = {p: before[p] for p in self._chosen if p not in now and p in before}
        self.rows = {**now, **self._gone} if self._gone else now
        self.states = ordered.listing.states + Counter(row.state for row in self._gone.values())
        self.names = ordered.listing.names
        self._stack.setCurrentIndex(1 if self.rows else 0)
        if ordered.order is self.order and not self._gone:
            self._show_tree(ordered.tree)
        else:
            self.rebuild()

    def rebuild(self) -> None:
        """Filter and sort anew; selection, folders and place stay as they were.

        Of many runs, in a thread: the table is as it was until that is done.
        """
        column = column_of(self._sort[0]) or BY_KEY["started"]
        self.order = order = Order(self._filter, column, self._sort[1])
        rows = self.rows
        if len(rows) <= FEW:
            self._show_tree(order.tree(rows.values()))
            return
        self.jobs.do(
            lambda: order.tree(rows.values()) if order is self.order else None,
            # Of a listing that came meanwhile, what the table shows is already in order.
            lambda tree: (
                self._show_tree(tree) if order is self.order and rows is self.rows else None
            ),
            lambda error: None,
        )

    def _show_tree(self, tree: RunTree) -> None:
        place = self.table.verticalScrollBar().value()
        current = self.table.currentIndex().data(PATH)
        columns = [old.key for old in self.model.columns]
        self._rebuilding = True
        if self.model.show_tree(tree, self.columns):
            self.table.unfold(list(tree.groups), len(tree.places) > FEW)
            self._select_chosen(Path(current) if current else None)
            self.table.verticalScrollBar().setValue(place)
        self._rebuilding = False
        if columns != [new.key for new in self.columns]:
            self.table.show_first_column()
        keys = [new.key for new in self.columns]
        order = Qt.SortOrder.DescendingOrder if self._sort[1] else Qt.SortOrder.AscendingOrder
        at = keys.index(self._sort[0]) if self._sort[0] in keys else -1
        self.table.show_sorting(at, order)

    def _select_chosen(self, current: Path | None) -> None:
        """Select what is chosen, as far as it is shown."""
        flags = QItemSelectionModel.SelectionFlag
        selection = QItemSelection()
        indexes = [self.model.given(path) for path in self._chosen]
        if self._group is not None:
            indexes.append(self.model.index_of_group(self._group))
        for index in (index for index in indexes if index.isValid()):
            selection.select(index, index)
        model = self.table.selectionModel()
        model.select(selection, flags.ClearAndSelect | flags.Rows)
        at = self.model.given(current) if current else None
        if at is not None and at.isValid():
            model.setCurrentIndex(at, flags.NoUpdate)

    def _select_given(self) -> None:
        """Mark what is chosen among rows that the view has only now, as after scrolling."""
        self._rebuilding = True
        self._select_chosen(None)
        self._rebuilding = False

    def choose_columns(self, keys: Sequence[str]) -> None:
        """Show other columns; the name is always the first."""
        wanted = ["run", *(key for key in keys if key != "run")]
        widths = self._widths()
        self.columns = [column for key in wanted if (column := column_of(key))]
        self.rebuild()
        self._widen(widths)
        self._ask_for_knobs()

    def _ask_for_knobs(self) -> None:
        of_columns = any(column.key.startswith(KNOB) for column in self.columns)
        self.knobs_wanted.emit(of_columns or self._filter.needs_knobs)

    def show_colours(self, colours: Mapping[Path, str]) -> None:
        """Mark runs with the colours of their curves; a run alone needs no mark."""
        self._colours = dict(colours) if len(colours) > 1 else {}
        self.model.show_swatches(self._colours)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = self.model.theme = theme
        self.model.show_swatches(self._colours)

    # -- what is chosen -----------------------------------------------------------------------

    @property
    def selected(self) -> list[Path]:
        """Runs chosen, in the order of the table, as many as are read at once."""
        return self._chosen[:MAX_SELECTED]

    @property
    def not_shown(self) -> int:
        """Runs chosen beyond those."""
        return max(len(self._chosen) - MAX_SELECTED, 0)

    @property
    def hidden(self) -> list[Path]:
        """Runs chosen that the filter hides."""
        return [path for path in self._chosen if not self.model.index_of(path).isValid()]

    def select(self, paths: Sequence[Path]) -> None:
        """Choose runs; a filter that hides them is cleared."""
        self._chosen, self._group = list(paths), None
        if any(not self.model.index_of(path).isValid() for path in paths):
            self.filter.clear()
        for path in paths[:MAX_SELECTED]:
            self.model.reach(path)
        self._rebuilding = True
        self._select_chosen(paths[0] if paths else None)
        self._rebuilding = False
        if len(paths) == 1:
            self.table.scrollTo(self.model.index_of(paths[0]))
        self._announce()

    def _selected(self) -> None:
        if self._rebuilding:
            return
        rows = self.table.selectionModel().selectedRows()
        indexes = sorted(rows, key=self._place)
        self._chosen = [Path(path) for index in indexes if (path := index.data(PATH))]
        groups = [node for index in rows if isinstance(node := self.model.node(index), RunGroup)]
        self._group = groups[0].name if groups and not self._chosen else None
        self._announce()

    def _announce(self) -> None:
        self.chosen.emit(self.selected)
        group = self.model.node(self.model.index_of_group(self._group or ""))
        search = None
        if isinstance(group, RunGroup) and group.is_search:
            search = group.rows[0].path.parent
        self.search_chosen.emit(search)
        QTimer.singleShot(0, self._prune)

    @staticmethod
    def _place(index: Any) -> tuple[int, int]:
        """Where a row stands from the top."""
        inside = index.parent()
        return (inside.row(), index.row()) if inside.isValid() else (index.row(), -1)

    def _prune(self) -> None:
        """Drop the rows of runs that are gone, now that they are not selected."""
        gone = [path for path in self._gone if path not in self._chosen]
        if gone:
            self._gone = {p: row for p, row in self._gone.items() if p not in gone}
            self.rows = {p: row for p, row in self.rows.items() if p not in gone}
            self.rebuild()

    # -- what a person does -------------------------------------------------------------------

    def _apply_filter(self, words: str) -> None:
        """Show other rows; runs that were chosen stay so, in sight or not."""
        self._filter = RunFilter(words)
        self._ask_for_knobs()
        self.rebuild()
        self._stack.setCurrentIndex(1 if self.rows else 0)

    def _sort_by(self, section: int) -> None:
        key = self.columns[section].key
        self._sort = key, not self._sort[1] if self._sort[0] == key else False
        self.rebuild()

    def eventFilter(self, watched, event) -> bool:
        """Enter acts on the run, or the search, under the cursor."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            node = self.model.node(self.table.currentIndex())
            if self.selected:
                self.activated.emit(self.selected[0])
            elif isinstance(node, RunGroup):
                self._group = node.name
                self._announce()
            return True
        return super().eventFilter(watched, event)

    def _menu(self, view: QWidget, position: QPoint) -> None:
        if self.context_menu:
            self.context_menu.popup(view.mapToGlobal(position))

    # -- what is remembered -------------------------------------------------------------------

    def state(self) -> str:
        """Columns in their order, widths, sorting and folded folders."""
        header = self.table.header()
        order = sorted(range(len(self.columns)), key=header.visualIndex)
        document = {
            "columns": [self.columns[i].key for i in order],
            "widths": self._widths(),
            "sort": self._sort,
            "folded": sorted(self.table.folded),
        }
        return json.dumps(document)

    def restore(self, state: str) -> None:
        """Columns, widths and sorting as they were; a text of another origin changes nothing."""
        try:
            document = json.loads(state)
            key, descending = document["sort"]
            self._sort = str(key), bool(descending)
            self.table.folded = set(map(str, document["folded"]))
            self.choose_columns([str(key) for key in document["columns"]])
            self._widen({str(key): int(width) for key, width in document["widths"].items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            return

    def _widths(self) -> dict[str, int]:
        header = self.table.header()
        shown = self.model.columns
        return {column.key: header.sectionSize(i) for i, column in enumerate(shown)}

    def _widen(self, widths: Mapping[str, int]) -> None:
        for i, column in enumerate(self.columns):
            title = self.fontMetrics().horizontalAdvance(column.title) + HEADER_ROOM
            self.table.header().resizeSection(i, widths.get(column.key, max(column.width, title)))
