"""A row for each command that runs: what it does, how far it is, and a button that ends it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QVBoxLayout, QWidget

from gui.evaluation.running import Running, RunningCommands

STEPS = 1000
BAR_WIDTH = 240  # pixels


class ProgressStrip(QWidget):
    """What runs, and the last that ended.

    Args:
        commands: those that run.
        parent: its owner.
    """

    def __init__(self, commands: RunningCommands, parent: QWidget | None = None):
        super().__init__(parent)
        self._commands = commands
        self._rows: dict[Running, _Row] = {}
        self.ended = QLabel()
        self.ended.setTextFormat(Qt.TextFormat.PlainText)
        self.ended.setWordWrap(True)
        self.ended.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ended.hide()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.ended)
        commands.changed.connect(self._show)
        commands.ended.connect(self._show_end)

    def _show(self) -> None:
        for running in [r for r in self._rows if r not in self._commands.commands]:
            row = self._rows.pop(running)
            self._layout.removeWidget(row)
            row.deleteLater()
        for running in self._commands.commands:
            if running not in self._rows:
                self._rows[running] = _Row(running, self._commands)
                self._layout.addWidget(self._rows[running])
                self.ended.hide()
            self._rows[running].update_state()

    def _show_end(self, running: Running) -> None:
        self.ended.setText(running.words)
        self.ended.setToolTip(running.command.text)
        self.ended.show()


class _Row(QWidget):
    def __init__(self, running: Running, commands: RunningCommands):
        super().__init__()
        self._running = running
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setToolTip(running.command.text)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(BAR_WIDTH)
        self.bar.setAccessibleName(f"progress of {running.title}")
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.clicked.connect(lambda: commands.cancel(running))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.cancel)

    def update_state(self) -> None:
        """Show how far it is now."""
        share = self._running.share
        self.bar.setRange(0, STEPS if share is not None else 0)
        self.bar.setValue(round(STEPS * share) if share is not None else 0)
        self.words.setText(self._running.words)
        self.cancel.setEnabled(not self._running.cancelled)
