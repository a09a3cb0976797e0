"""Questions that the window asks: before what cannot be undone, and for a text of several lines."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QInputDialog,
    QMessageBox,
    QPlainTextEdit,
    QWidget,
)

ASK_AGAIN = "ask before closing"


def agreed(parent: QWidget, title: str, question: str, consequence: str) -> bool:
    """Ask before something that cannot be undone; Enter and Escape do nothing.

    Args:
        parent: the window.
        title: what is about to be done, in a word.
        question: what is done to which runs.
        consequence: what that takes away.
    """
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.warning(
        parent, title, f"{question}\n\n{consequence}", buttons.Yes | buttons.Cancel, buttons.Cancel
    )
    return answer == buttons.Yes


def agreed_to_take_over(parent: QWidget, name: str, owner: str) -> bool:
    """Ask before a run or search is taken from a process that may live on another machine.

    Args:
        parent: the window.
        name: of the run or search.
        owner: what is known of that process.
    """
    consequence = (
        "Take it over only if that process is gone: this machine cannot see it. If it still works, "
        "both write into one folder until it notices, and what it learned since its last "
        "checkpoint is lost. If you do not know, look on that machine, or wait: after ten "
        "minutes of silence nothing needs to be taken over."
    )
    return agreed(parent, "Take over", f"Take {name} over? {owner}.", consequence)


def agreed_to_close(parent: QWidget, settings: QSettings | None, alive: Sequence[Path]) -> bool:
    """Ask before the window closes, unless nothing goes on or nobody wants to be asked.

    Args:
        parent: the window.
        settings: where it is remembered that nobody wants to be asked.
        alive: runs that go on without it.
    """
    if not alive or (settings and settings.value(ASK_AGAIN) == "no"):
        return True
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    count = "1 run goes" if len(alive) == 1 else f"{len(alive)} runs go"
    box.setText(f"{count} on without the window.")
    names = ", ".join(path.name for path in alive)
    box.setInformativeText(f"{names}\n\nOpen the window again to watch, or stop them first.")
    again = QCheckBox("Do not ask again", box)
    box.setCheckBox(again)
    close = box.addButton("Close, let them run", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    closes = box.clickedButton() is close
    if closes and again.isChecked() and settings:
        settings.setValue(ASK_AGAIN, "no")
    box.deleteLater()
    return closes


def text_of(parent: QWidget, title: str, label: str, text: str) -> tuple[str, bool]:
    """Ask for a text of several lines; whether it was given.

    Tab leaves the field and Ctrl+Enter agrees, so that a keyboard is enough.

    Args:
        parent: the window.
        title: of the dialog.
        label: what to type.
        text: what there is so far.
    """
    dialog = QInputDialog(parent)
    dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
    dialog.setWindowTitle(title)
    dialog.setLabelText(f"{label} (Ctrl+Enter keeps it)")
    dialog.setTextValue(text)
    for field in dialog.findChildren(QPlainTextEdit):
        field.setTabChangesFocus(True)
    for keys in ("Ctrl+Return", "Ctrl+Enter"):
        QShortcut(QKeySequence(keys), dialog, dialog.accept)
    fine = dialog.exec() == QDialog.DialogCode.Accepted
    given = dialog.textValue()
    dialog.deleteLater()
    return given, fine
