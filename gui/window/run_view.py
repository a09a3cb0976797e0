"""The view of the table of runs: its first column stays in sight, its folders stay as they were."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeView, QWidget

from gui.models.run_tree import RunGroup
from gui.window.run_model import RunsModel

INDENTATION = 14  # pixels of the runs in a folder


class NamesView(QTreeView):
    """The first column, which shows a selection that is made in the view below it."""

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Paint anew; Qt's own would lay out thousands of rows at once, not when it gets to it."""
        del selected, deselected
        self.viewport().update()


class RunsView(QTreeView):
    """A tree with one column that is not scrolled sideways: a second view lies above it.

    Args:
        model: the runs.
        parent: its owner.

    Attributes:
        folded: folders that a person has folded; they stay so whatever is filtered meanwhile.
        opened: folders that a person has opened; where there are many runs, the others are folded.
    """

    def __init__(self, model: RunsModel, parent: QWidget | None = None):
        super().__init__(parent)
        self.folded: set[str] = set()
        self.opened: set[str] = set()
        self._model, self._unfolding, self._many = model, False, False
        self.setModel(model)
        self._prepare(self)
        self.names = NamesView(self)  # the first column, above the rest
        self.names.setModel(model)
        self.names.setSelectionModel(self.selectionModel())
        self._prepare(self.names)
        self._freeze()
        self.setAccessibleName("runs")

    def _prepare(self, view: QTreeView) -> None:
        modes = QAbstractItemView
        view.setSelectionMode(modes.SelectionMode.ExtendedSelection)
        view.setEditTriggers(modes.EditTrigger.NoEditTriggers)
        view.setVerticalScrollMode(modes.ScrollMode.ScrollPerPixel)
        view.setUniformRowHeights(True)
        view.setAllColumnsShowFocus(True)
        view.setAlternatingRowColors(True)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setIndentation(INDENTATION)
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = view.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(True)
        header.setFirstSectionMovable(False)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.expanded.connect(lambda index: self._fold(index, False))
        view.collapsed.connect(lambda index: self._fold(index, True))

    def _freeze(self) -> None:
        never = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.names.setFrameShape(QFrame.Shape.NoFrame)
        self.names.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.names.setHorizontalScrollBarPolicy(never)
        self.names.setVerticalScrollBarPolicy(never)
        self.names.setMouseTracking(True)
        mine, theirs = self.verticalScrollBar(), self.names.verticalScrollBar()
        mine.valueChanged.connect(theirs.setValue)
        theirs.valueChanged.connect(mine.setValue)
        mine.valueChanged.connect(self._ask_for_more)
        self.header().sectionResized.connect(self._resized)
        self.names.header().sectionResized.connect(
            lambda section, before, now: section == 0 and self.header().resizeSection(0, now)
        )
        self.show_first_column()

    def show_first_column(self) -> None:
        """Give the view above its one column, after the columns have changed."""
        for section in range(1, self._model.columnCount()):
            self.names.setColumnHidden(section, True)
        self._resized(0, 0, self.header().sectionSize(0))

    def show_sorting(self, section: int, order: Qt.SortOrder) -> None:
        """Mark the column that rows are sorted by; an arrow only."""
        for view in (self, self.names):
            view.header().setSortIndicator(section, order)

    def unfold(self, groups: Sequence[str], many: bool) -> None:
        """Open folders, except those that a person has folded; of many, those that one opened."""
        self._many, self._unfolding = many, True
        for name in groups:
            index = self._model.index_of_group(name)
            opened = name in self.opened if many else name not in self.folded
            for view in (self, self.names):
                view.setExpanded(index, opened)
        self._unfolding = False

    def _fold(self, index: QModelIndex, folded: bool) -> None:
        node = self._model.node(index)
        if self._unfolding or not isinstance(node, RunGroup):
            return
        (self.folded.add if folded else self.folded.discard)(node.name)
        (self.opened.discard if folded else self.opened.add)(node.name)
        self.unfold([node.name], self._many)  # in the other view, too

    def _ask_for_more(self) -> None:
        """Have the model give rows below the last that it gave, where that is in sight."""
        index = self.indexAt(QPoint(0, 0))
        visible: list[QPersistentModelIndex] = []
        while index.isValid() and self.visualRect(index).top() < self.viewport().height():
            visible.append(QPersistentModelIndex(index))
            index = self.indexBelow(index)
        for row in visible:
            self._model.give_more(row)

    def _resized(self, section: int, before: int, now: int) -> None:
        del before
        if section == 0:
            self.names.header().resizeSection(0, now)
            self._place()

    def _place(self) -> None:
        """Lay the first column over its own place."""
        edge = self.frameWidth()
        height = self.viewport().height() + self.header().height()
        width = min(self.header().sectionSize(0), self.viewport().width())
        self.names.setGeometry(edge, edge, width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The first column follows."""
        super().resizeEvent(event)
        self._place()

    def updateGeometries(self) -> None:
        """The first column follows scroll bars that come and go."""
        super().updateGeometries()
        if hasattr(self, "names"):
            self._place()

    def scrollTo(self, index: QModelIndex, hint=QAbstractItemView.ScrollHint.EnsureVisible) -> None:
        """Never sideways for the first column, which is in sight."""
        place = self.horizontalScrollBar().value()
        super().scrollTo(index, hint)
        if index.column() == 0:
            self.horizontalScrollBar().setValue(place)
