"""Questions that the window asks: before what cannot be undone, and for a text of several lines."""

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QInputDialog, QMessageBox, QPlainTextEdit, QWidget


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
