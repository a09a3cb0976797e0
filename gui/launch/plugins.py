"""Plug-ins in the Launch tab: their knobs, and the question before their code is run."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.models.settings import Settings
from gui.processes import knobs_with


def settings_with(path: Path, plugins: Sequence[str]) -> Settings:
    """A configuration file to be edited, with the knobs of plug-ins; for another thread.

    Raises:
        UserError: the file, or one of the plug-ins, cannot be used.
    """
    return Settings.load(path, knobs_with(plugins) if plugins else ())


def agreed_to(plugins: Sequence[str], parent: QWidget) -> bool:
    """Whether the person wants to run the code that a run's folder names."""
    buttons = QMessageBox.StandardButton
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setStandardButtons(buttons.Yes | buttons.Cancel)
    box.setTextFormat(Qt.TextFormat.PlainText)  # it quotes what others wrote
    names = ", ".join(plugins)
    box.setText(f"This run was started with the plug-ins {names}.\n\nRun their code again?")
    answer = box.exec()
    box.deleteLater()
    return answer == buttons.Yes
