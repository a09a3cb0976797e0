"""The Configuration tab: every value of a run, beside those of others."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.configurations import ComparedKey, compare
from gui.models.followed import RunView
from gui.tabs.tab import Message, Tab
from gui.theme import LIGHT, Theme

FILTER_LETTERS = 34  # the filter's width
MAX_LETTERS = 200  # letters of a value: a file may hold any text


class ConfigurationTab(Tab):
    """Every value of the selected runs' config.yaml, by section; where they differ is marked."""

    title = "Configuration"

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self._runs: list[RunView] = []
        self._key: list[tuple] = []
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: key, what it does")
        self.filter.setMinimumWidth(FILTER_LETTERS * self.filter.fontMetrics().averageCharWidth())
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("filter the configuration")
        self.only = QCheckBox("only what &differs")
        self.tree = QTreeWidget()
        self.tree.setAlternatingRowColors(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName("configuration")
        self.bar_title = QLabel("configuration")
        self.bar_title.setTextFormat(Qt.TextFormat.PlainText)  # a run's file may name anything
        self.message = Message()
        self._stack = QStackedLayout()
        self._stack.addWidget(self.message)
        self._stack.addWidget(self.tree)
        bar = QHBoxLayout()
        bar.addWidget(self.bar_title)
        bar.addStretch(1)
        bar.addWidget(self.filter)
        bar.addWidget(self.only)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(bar)
        layout.addLayout(self._stack, 1)
        self.filter.textChanged.connect(self._fill)
        self.only.toggled.connect(self._fill)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self._fill()

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show the configurations of runs."""
        self._runs = [run for run in runs if run.configuration]
        self.message.setText(_why_empty(runs))
        key = [(run.path, id(run.configuration)) for run in self._runs]
        if key != self._key:
            self._key = key
            self._fill()

    def _fill(self) -> None:
        self.tree.clear()
        runs = self._runs
        self._stack.setCurrentWidget(self.tree if runs else self.message)
        for widget in (self.bar_title, self.filter, self.only):
            widget.setVisible(bool(runs))
        if not runs:
            return
        several, ours = len(runs) > 1, [run.localizes for run in runs]
        self.only.setText("only what &differs" if several else "only what is not &default")
        self.only.setVisible(several or any(ours))
        labels = [run.label for run in runs] if several else ["value"]
        self.tree.setHeaderLabels(["key", *labels, "default", "unit"])
        found = compare([run.configuration for run in runs], ours)
        for column in range(self.tree.columnCount()):  # of others' models, no default is known
            self.tree.setColumnHidden(column, column > len(labels) and not any(ours))
        marked = [entry for entry in found if (entry.differs if several else entry.changed)]
        headline = _headline(len(marked), len(found), several, any(ours))
        self.bar_title.setText(" · ".join([headline, *_origins(runs)]))
        text = self.filter.text().casefold()
        sections: dict[str, QTreeWidgetItem] = {}
        for entry in found:
            if self.only.isVisibleTo(self) and self.only.isChecked() and entry not in marked:
                continue
            if text and text not in f"{entry.path} {entry.sentence}".casefold():
                continue
            self._add(entry, entry in marked, sections)
        self.tree.expandAll()
        header = self.tree.header()
        for column in range(self.tree.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

    def _add(self, entry: ComparedKey, marked: bool, sections: dict[str, QTreeWidgetItem]) -> None:
        section, _, name = entry.path.rpartition(".")
        parent = self.tree.invisibleRootItem()
        if section:
            if section not in sections:
                sections[section] = QTreeWidgetItem(parent, [section])
            parent = sections[section]
        mark = "≠ " if marked else ""
        values = [_cut(value) for value in entry.values]
        row = QTreeWidgetItem(parent, [mark + name, *values, entry.default, entry.unit])
        row.setToolTip(0, f"{entry.path}\n{entry.sentence}".strip())
        if marked:
            bold = QFont(self.tree.font())
            bold.setBold(True)
            for column in range(len(entry.values) + 1):
                row.setFont(column, bold)
        for column in (len(entry.values) + 1, len(entry.values) + 2):
            row.setForeground(column, QColor(self.theme.muted))


def _why_empty(runs: Sequence[RunView]) -> str:
    """Why nothing is shown, and what to do."""
    if not runs:
        return (
            "Select a run at the left to see every value of its configuration, "
            "or several to see where they differ."
        )
    problem = next((run.problem for run in runs if run.problem), "")
    return problem or f"reading the configuration of {runs[0].label}"


def _headline(marked: int, found: int, several: bool, ours: bool) -> str:
    """How many values there are, and how many of them are marked."""
    if not several and not ours:
        return f"configuration: {found} values"
    words = "differ" if several else "are not the default"
    return f"configuration: {marked} of {found} values {words}"


def _origins(runs: Sequence[RunView]) -> list[str]:
    """The weights that runs began at, where they were not drawn from the seed."""
    several = len(runs) > 1
    return [
        f"{f'{run.label} ' if several else ''}began from {_cut(run.began_from)}"
        for run in runs
        if run.began_from
    ]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…"
