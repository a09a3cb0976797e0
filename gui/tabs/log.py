"""The Log tab: the end of what a run printed."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gui.models.followed import RunView
from gui.tabs.tab import Tab


class LogTab(Tab):
    """The end of a run's console.log, following it as long as its end is in sight.

    Of several selected runs one is chosen.
    """

    title = "Log"

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._shown = ""
        self._path: Path | None = None
        self._runs: list[RunView] = []
        self.heading = QLabel("console")
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.which = QComboBox()
        self.which.setAccessibleName("whose console output")
        self.which.hide()
        self.which.currentIndexChanged.connect(self._show)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setUndoRedoEnabled(False)
        self.text.setAccessibleName("console output of the run")
        self.text.setPlaceholderText("nothing printed yet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        top = QHBoxLayout()
        top.addWidget(self.heading)
        top.addWidget(self.which)
        top.addStretch(1)
        layout.addLayout(top)
        layout.addWidget(self.text)

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show what the chosen one printed; called again whenever one of them changed."""
        self._runs = list(runs)
        self._offer([(run.label, str(run.path)) for run in runs])
        self._show()

    def _offer(self, runs: list[tuple[str, str]]) -> None:
        """The selected runs to choose from; the chosen one stays so while it is selected."""
        if runs == [
            (self.which.itemText(i), self.which.itemData(i)) for i in range(self.which.count())
        ]:
            return
        chosen = self.which.currentData()
        self.which.blockSignals(True)
        self.which.clear()
        for label, path in runs:
            self.which.addItem(label, path)
        self.which.setCurrentIndex(max(self.which.findData(chosen), 0 if runs else -1))
        self.which.blockSignals(False)
        self.which.setVisible(len(runs) > 1)

    def _show(self) -> None:
        chosen = self.which.currentData()
        run = next((run for run in self._runs if str(run.path) == chosen), None)
        text = run.console if run else ""
        name = "" if not run or len(self._runs) > 1 else run.label
        self.heading.setText(f"console of {name}".rstrip() if run else "console: select a run")
        if text == self._shown:
            return
        other, self._path = run is None or run.path != self._path, run.path if run else None
        bar = self.text.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 2
        if self._shown and text.startswith(self._shown):
            cursor = QTextCursor(self.text.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(self._shown) :])
        else:
            place = bar.value()
            self.text.setPlainText(text)
            follows |= other
            bar.setValue(place)
        self._shown = text
        if follows:
            bar.setValue(bar.maximum())
