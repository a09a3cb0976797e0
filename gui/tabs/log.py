"""The Log tab: the end of what a run printed."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gui.models.followed import RunView
from gui.tabs.tab import Tab


class LogTab(Tab):
    """The end of a run's console.log, following it as long as its end is in sight."""

    title = "Log"

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._shown = ""
        self._path: Path | None = None
        self.heading = QLabel("console")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setUndoRedoEnabled(False)
        self.text.setAccessibleName("console output of the run")
        self.text.setPlaceholderText("nothing printed yet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.heading)
        layout.addWidget(self.text)

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show what the first run printed; called again whenever one of them changed."""
        run = runs[0] if runs else None
        text = run.console if run else ""
        self.heading.setText(f"console of {run.label}" if run else "console: select a run")
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
