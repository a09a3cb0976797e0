"""Plug-ins in the Launch tab: which are missing, and the dialog before their code is run."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.workers import Jobs
from ris_tf.config.declared import additions_of, declare
from ris_tf.errors import UserError
from ris_tf.registry import named_plugins


def missing(plugins: Sequence[str]) -> list[str]:
    """Those whose knobs are not declared in this process."""
    return [name for name in plugins if name not in named_plugins()]


def list_knobs(
    jobs: Jobs,
    plugins: Sequence[str],
    then: Callable[[], None],
    refused: Callable[[UserError], None],
) -> None:
    """Have forms show and check what plug-ins add to the schema.

    Args:
        jobs: runs the process that loads them.
        plugins: modules or files.
        then: called once it is declared here.
        refused: gets why they cannot be used.
    """

    def take(additions: dict[str, Any]) -> None:
        try:
            declare(additions)
        except UserError as error:
            refused(error)
        else:
            then()

    jobs.do(lambda: additions_of(plugins), take, refused)


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
