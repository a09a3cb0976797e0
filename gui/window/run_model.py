"""The table of runs for Qt: rows and columns of `gui.models`, nothing of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from gui.models.columns import BY_KEY, Column
from gui.models.index import RunRow
from gui.models.run_tree import Node, RunGroup, RunTree
from gui.models.words import MEANINGS
from gui.theme import LIGHT

PATH = Qt.ItemDataRole.UserRole
Roles = Qt.ItemDataRole
Index = QModelIndex | QPersistentModelIndex
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
SWATCH, RIM = 12, 1.5  # pixels
PIN = "★"
AT_A_TIME = 500  # rows that a view is given before somebody scrolls to the last of them
FEW_ROWS = 200  # that are refreshed one by one
ROOT = QModelIndex()


class RunsModel(QAbstractItemModel):
    """Runs and the groups that they lie in, in the order that they are given.

    Attributes:
        columns: from left to right; the first is the name's.
        theme: colours.
    """

    def __init__(self, columns: Sequence[Column], parent: QObject | None = None):
        super().__init__(parent)
        self._tree = RunTree.of([])
        # Rows that views know of each group: they look at each, sixty thousand take a second.
        self._given: defaultdict[str | None, int] = defaultdict(lambda: AT_A_TIME)
        self.columns = list(columns)
        self.theme = LIGHT
        self._bold = QFont()
        self._bold.setBold(True)
        self._swatches: dict[Path, QIcon] = {}
        self._group_rows: frozenset[int] = frozenset()

    def show_tree(self, tree: RunTree, columns: Sequence[Column]) -> bool:
        """Show what is given; whether that is more than other values in the same cells."""
        same = list(columns) == self.columns and tree.shape == self._tree.shape
        if same:
            before, self._tree = self.nodes, tree
            self._refresh_what_changed(before)
            return False
        self.beginResetModel()
        self._tree, self.columns = tree, list(columns)
        self._group_rows = frozenset(tree.groups.values())
        self.endResetModel()
        return True

    @property
    def nodes(self) -> list[Node]:
        """What stands in the table."""
        return self._tree.nodes

    def refresh(self) -> None:
        """All cells may have other values; those out of sight cost nothing."""
        last = len(self.columns) - 1
        if self.nodes:
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, last))
        for i in self._tree.groups.values():
            parent = self.index(i, 0)
            end = self.rowCount(parent) - 1
            self.dataChanged.emit(self.index(0, 0, parent), self.index(end, last, parent))

    def _refresh_what_changed(self, before: Sequence[Node]) -> None:
        """The same runs stand where they stood; those that are other objects have other values.

        One signal for all rows would have the view look at each of thousands.
        """
        changed = [
            i for i, (old, new) in enumerate(zip(before, self.nodes, strict=True))
            if old is not new and (isinstance(new, RunRow) or old != new) and i < self.rowCount()
        ]  # fmt: skip
        if len(changed) > FEW_ROWS:
            self.refresh()
            return
        last = len(self.columns) - 1
        for i in changed:
            index = self.index(i, 0)
            self.dataChanged.emit(index, self.index(i, last))
            if end := self.rowCount(index):
                self.dataChanged.emit(self.index(0, 0, index), self.index(end - 1, last, index))

    def show_swatches(self, colours: Mapping[Path, str]) -> None:
        """Mark runs with the colours of their curves."""
        self._swatches = {path: _swatch(self.theme.curve(c)) for path, c in colours.items()}
        self.refresh()

    def index_of(self, path: Path) -> QModelIndex:
        """Where a run stands; invalid where it is not shown."""
        if path not in self._tree.places:
            return QModelIndex()
        row, inside = self._tree.places[path]
        return self.createIndex(row, 0, inside)

    def index_of_group(self, name: str) -> QModelIndex:
        """Where a group stands; invalid where it is not shown."""
        return (
            self.index(self._tree.groups[name], 0) if name in self._tree.groups else QModelIndex()
        )

    def node(self, index: Index) -> Node | None:
        """What stands at a place."""
        if not index.isValid():
            return None
        inside = index.internalId()
        if not inside:
            return self.nodes[index.row()] if index.row() < len(self.nodes) else None
        group = self.nodes[inside - 1]
        assert isinstance(group, RunGroup)
        return group.rows[index.row()]

    # -- what Qt asks for ---------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = ROOT) -> QModelIndex:
        """A place."""
        # Asked for every row when there are others: of an invalid parent, the row is -1.
        return self.createIndex(row, column, parent.row() + 1)

    def parent(self, index: Index = ROOT) -> QModelIndex:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The group that a place lies in."""
        inside = index.internalId() if index.isValid() else 0
        return self.createIndex(inside - 1, 0, 0) if inside else QModelIndex()

    def rowCount(self, parent: Index = ROOT) -> int:
        """Runs and groups, or the runs of a group."""
        return min(self._length(parent), self._given[self._name(parent)])

    def _length(self, parent: Index) -> int:
        """Rows that there are, asked for or not."""
        if not parent.isValid():
            return len(self.nodes)
        node = self.node(parent) if parent.column() == 0 else None
        return len(node.rows) if isinstance(node, RunGroup) else 0

    def _name(self, parent: Index) -> str | None:
        """A group's name, `None` at the top."""
        node = self.node(parent)
        return node.name if isinstance(node, RunGroup) else None

    def give_more(self, last: Index) -> None:
        """Give the view some more rows if this is the last that it knows of its group.

        Not Qt's `fetchMore`: a tree calls that after each, until there are no more.
        """
        parent = last.parent()
        if last.row() + 1 == self.rowCount(parent):
            self._give(parent, self.rowCount(parent) + AT_A_TIME)

    def _give(self, parent: QModelIndex, rows: int) -> None:
        begin, end = self.rowCount(parent), min(rows, self._length(parent))
        if end > begin:
            self.beginInsertRows(parent, begin, end - 1)
            self._given[self._name(parent)] = end
            self.endInsertRows()

    def reach(self, path: Path) -> None:
        """Give the view a run's row, wherever it stands."""
        index = self.index_of(path)
        if index.isValid():
            self._give(index.parent(), index.row() + 1)

    def given(self, path: Path) -> QModelIndex:
        """Where a run stands that the view knows; invalid where it is not shown, or farther down.

        What is selected moves down while others are read: the view need not follow it.
        """
        index = self.index_of(path)
        known = index.isValid() and index.row() < self.rowCount(index.parent())
        return index if known else QModelIndex()

    def hasChildren(self, parent: Index = ROOT) -> bool:
        """Whether it is a group; asked for every row when there are others, so it is quick."""
        at = parent.row()
        if at < 0:
            return bool(self.nodes)
        return at in self._group_rows and not parent.internalId()

    def columnCount(self, parent: Index = ROOT) -> int:
        """Columns."""
        del parent
        return len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Roles.DisplayRole
    ) -> Any:
        """Titles and what they mean."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Roles.TextAlignmentRole:
            return LEFT if column.aligned_left else RIGHT
        return {Roles.DisplayRole: column.title, Roles.ToolTipRole: column.about}.get(Roles(role))

    def data(self, index: Index, role: int = Roles.DisplayRole) -> Any:
        """A cell."""
        node = self.node(index)
        if node is None or not index.column() < len(self.columns):
            return None
        column = self.columns[index.column()]
        if role == Roles.DisplayRole:
            return _text(node, column)
        if role == Roles.TextAlignmentRole:
            return LEFT if column.aligned_left else RIGHT
        if isinstance(node, RunGroup):
            if role == Roles.ToolTipRole:
                return node.about
            return self._bold if role == Roles.FontRole and column.key == "run" else None
        return self._of_run(node, column, role)

    def _of_run(self, row: RunRow, column: Column, role: int) -> Any:
        if role == PATH:
            return str(row.path)
        if role == Roles.ToolTipRole:
            return _about(row, column)
        if role == Roles.DecorationRole and column.key == "run":
            return self._swatches.get(row.path)
        if role == Roles.ForegroundRole and column.key == "state":
            return QColor(self.theme.state(row.state))
        if role == Roles.AccessibleTextRole:
            return f"{column.title} {column.cell(row)}"
        return None


def _text(node: Node, column: Column) -> str:
    if isinstance(node, RunRow):
        pin = f"{PIN} " if column.key == "run" and node.remarks.pinned else ""
        return pin + column.cell(node)
    if column.key == "run":
        return node.title
    value = column.total_of(node.rows)
    text = str if column.key == "state" else column.text
    return "" if value is None else text(value)


def _about(row: RunRow, column: Column) -> str:
    if column.key == "state":
        why = row.problem or (row.summary.reason if row.summary else "")
        return f"{MEANINGS.get(row.state, '')}\n{why}".strip()
    if column.key == "run":
        tags = ", ".join(row.remarks.tags)
        return "\n".join(filter(None, (str(row.path), row.remarks.note, tags and f"tags: {tags}")))
    return column.cell(row) if column.key in BY_KEY and column.aligned_left else ""


def _swatch(colour: str) -> QIcon:
    """A dot of a colour, with a rim that sets it off from a selection of the same.

    No square: in a table that would be a box to be checked.
    """
    image = QPixmap(SWATCH, SWATCH)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for fill, rim in ((QColor(Qt.GlobalColor.white), 0.0), (QColor(colour), RIM)):
        painter.setBrush(fill)
        painter.drawEllipse(QRectF(rim, rim, SWATCH - 2 * rim, SWATCH - 2 * rim))
    painter.end()
    icon = QIcon(image)
    icon.addPixmap(image, QIcon.Mode.Selected)  # else it takes on the selection's colour
    return icon
