"""The dialog that chooses the columns of the table of runs."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.columns import KNOB, METRIC, OWN, column_of

SIZE = (680, 600)  # pixels: names and what they are, uncut
CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class ColumnsDialog(QDialog):
    """Every column there may be, in three groups; a filter finds one among hundreds.

    Args:
        chosen: keys of the columns that are shown.
        metrics: names of the metrics that runs have.
        knobs: dotted keys of configurations.
        parent: its window.

    Attributes:
        items: the row of every column, by its key.
    """

    def __init__(
        self,
        chosen: Sequence[str],
        metrics: Sequence[str],
        knobs: Sequence[str],
        parent: QWidget | None = None,
    ):
        super().__init__(parent)
        self.setWindowTitle("Columns of the table")
        self.resize(*SIZE)
        self._before = list(chosen)
        self.items: dict[str, QTreeWidgetItem] = {}
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: name, what it is")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("filter columns")
        self.filter.textChanged.connect(self._narrow)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["column", "what it is"])
        self.tree.setAccessibleName("columns")
        self._add("of every run", [column.key for column in OWN if column.key != "run"])
        self._add("metrics of the last validation", [METRIC + name for name in metrics])
        self._add("configuration", [KNOB + path for path in knobs])
        self.tree.expandAll()
        self.tree.resizeColumnToContents(0)
        buttons = QDialogButtonBox.StandardButton
        box = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.filter, self.tree, box):
            layout.addWidget(widget)

    @property
    def chosen(self) -> list[str]:
        """Keys of the columns: those that were shown in their order, then the new ones."""
        checked = [key for key, item in self.items.items() if item.checkState(0) == CHECKED]
        kept = [key for key in self._before if key in checked]
        return [*kept, *(key for key in checked if key not in kept)]

    def _add(self, title: str, keys: Sequence[str]) -> None:
        group = QTreeWidgetItem(self.tree, [title])
        for key in keys:
            column = column_of(key)
            if column is None:
                continue
            about = column.about.partition(";")[0]
            row = QTreeWidgetItem(group, [key.removeprefix(KNOB).removeprefix(METRIC), about])
            self.items[key] = row
            row.setCheckState(0, CHECKED if key in self._before else UNCHECKED)
        group.setHidden(not group.childCount())

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        for row in self.items.values():
            whole = f"{row.text(0)} {row.text(1)}".casefold()
            row.setHidden(not all(word in whole for word in words))
