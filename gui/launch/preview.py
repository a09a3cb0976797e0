"""What the Launch tab would start, as a command, with the buttons that copy it and start it."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

COMMAND_LINES = 2


class CommandPreview(QWidget):
    """A command to be read, copied or started; or why there is none."""

    started = Signal()
    copied = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("the same as a command")
        height = self.text.fontMetrics().lineSpacing() * COMMAND_LINES + 14
        self.text.setFixedHeight(height)
        self.copy = QPushButton("&Copy")
        self.start = QPushButton("&Start")
        self.start.setShortcut("Ctrl+Return")
        self.name("run")
        buttons = QVBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addWidget(self.start)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.text, 1)
        line.addLayout(buttons)
        self.copy.clicked.connect(self._copy)
        self.start.clicked.connect(self.started)

    def name(self, what: str) -> None:
        """Name what is started: a run or a search."""
        self.start.setToolTip(f"start the {what} (Ctrl+Return)")

    def show_command(self, text: str, problem: str) -> None:
        """Show a command, or in its place why there is none."""
        self.text.setPlainText(text)
        self.text.setPlaceholderText(problem)
        self.copy.setEnabled(bool(text))
        self.start.setEnabled(bool(text))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copied.emit()
