"""The list of keys under `?`, and the key of context menus."""

from collections.abc import Sequence

from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

# What the mouse and Qt's own widgets do.
ELSEWHERE = (
    ("Plots", "Zoom along x", "wheel"),
    ("Plots", "Move along x", "drag"),
    ("Plots", "Zoom into a box", "Shift with drag"),
    ("Plots", "One alone, and back", "double click, Enter, Escape"),
    ("Plots", "Values at a window", "point at it, Left, Right"),
    ("Plots", "Axes, copies, files", "right click"),
    ("Values", "Hide or show a term", "click on its name, Space"),
    ("Values", "Hide or show a run", "click on its name, Shift+Space"),
    ("Runs", "Choose several", "Ctrl or Shift with click or arrows"),
    ("Runs", "Go to its tabs", "Enter"),
    ("Runs", "Sort", "click on a column's header"),
    ("Plots", "What the right click offers", "Menu, Shift+F10"),
    ("Runs", "What the right click offers", "Menu, Shift+F10"),
    ("Runs", "Keep a note that was typed", "Ctrl+Enter"),
    ("Scene", "Epoch before or after", "Left, Right"),
)


def open_context_menu() -> None:
    """What a right click offers, where the keys go: Qt has the Menu key alone for it."""
    focus = QApplication.focusWidget()
    if focus is None:
        return
    at = focus.rect().center()
    if isinstance(focus, QAbstractItemView) and focus.currentIndex().isValid():
        at = focus.visualRect(focus.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, focus.mapToGlobal(at))
    QApplication.sendEvent(focus, event)


class KeysDialog(QDialog):
    """Every action with its keys.

    Args:
        rows: group, action and keys.
        parent: its window.
    """

    def __init__(self, rows: Sequence[tuple[str, str, str]], parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(460, 560)
        tree = QTreeWidget()
        tree.setHeaderLabels(["action", "keys"])
        tree.setUniformRowHeights(True)
        groups: dict[str, QTreeWidgetItem] = {}
        for group, action, keys in (*rows, *ELSEWHERE):
            parent_row = groups.get(group) or QTreeWidgetItem(tree, [group])
            groups[group] = parent_row
            QTreeWidgetItem(parent_row, [action, keys])
        tree.expandAll()
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(tree)
        layout.addWidget(buttons)
