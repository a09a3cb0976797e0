"""What people note about runs: titles, pins, tags, notes; out of sight, or into the trash."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QFile
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMessageBox

from gui.models.index import RunRow
from gui.window.asking import agreed, text_of
from ris_tf.errors import UserError
from ris_tf.runlog import Remarks, RunError, read_remarks, tags_of, write_remarks

if TYPE_CHECKING:
    from gui.window.window import MainWindow

NAMED = 5  # runs that a question names


class Noting:
    """Changes what is noted about the selected runs; another thread writes it.

    Args:
        window: whose table they are selected in.
    """

    def __init__(self, window: "MainWindow"):
        self.window = window

    def rename(self) -> None:
        """Ask for a title; the folder keeps its name, which a process may be working in."""
        for row in self._rows()[:1]:
            title, fine = QInputDialog.getText(
                self.window,
                "Rename",
                f"Title of {row.name} (empty: its folder's name):",
                QLineEdit.EchoMode.Normal,
                row.title,
            )
            if fine:
                title = title.strip()
                self._change([row], title="" if title == row.name else title)

    def pin(self) -> None:
        """Keep the selected runs above all others, or let them go."""
        rows = self._rows()
        self._change(rows, pinned=not all(row.remarks.pinned for row in rows))

    def tag(self) -> None:
        """Ask for tags."""
        rows = self._rows()
        known = ", ".join(dict.fromkeys(tag for row in rows for tag in row.remarks.tags))
        text, fine = QInputDialog.getText(
            self.window, "Tags", f"Tags of {_names(rows)}, separated by commas:",
            QLineEdit.EchoMode.Normal, known,
        )  # fmt: skip
        if fine and rows:
            self._change(rows, tags=tags_of(text))

    def note(self) -> None:
        """Ask for a note."""
        for row in self._rows()[:1]:
            label = f"Note about {row.title}"
            text, fine = text_of(self.window, "Note", label, row.remarks.note)
            if fine:
                self._change([row], note=text.strip())

    def archive(self) -> None:
        """Put the selected runs out of sight, or back."""
        rows = self._rows()
        away = not all(row.remarks.archived for row in rows)
        words = "archived; the filter archived:yes shows them" if away else "back in the table"
        self._change(rows, words, archived=away)

    def trash(self) -> None:
        """Ask, then move the folders of the selected runs to the system's trash."""
        rows = [row for row in self._rows() if not may_not_go(row)]
        if not rows:
            return
        size = "its folder" if len(rows) == 1 else f"{len(rows)} folders"
        question = f"Move {_names(rows)} to the system's trash?"
        loss = (
            f"That is {size} with checkpoints, logs and samples; the trash gives it back until it "
            "is emptied."
        )
        if agreed(self.window, "Move to the trash", question, loss):
            for row in rows:
                self._do(lambda path=row.path: _to_trash(path), f"{row.title}: in the trash")

    def _rows(self) -> list[RunRow]:
        rows = self.window.runs.rows
        return [rows[path] for path in self.window.runs.selected if path in rows]

    def _change(self, rows: Sequence[RunRow], words: str = "noted", **changes: Any) -> None:
        for row in rows:
            self._do(lambda path=row.path: _write(path, changes), f"{row.title}: {words}")

    def _do(self, act: Callable[[], None], done: str) -> None:
        def then(_: object) -> None:
            self.window.notify(done)
            self.window.scan()

        def refused(error: UserError) -> None:
            QMessageBox.warning(self.window, "ris-gui", str(error))

        self.window.jobs.do(act, then, refused)


def may_not_go(row: RunRow) -> str:
    """Why a run may not go to the trash; empty where it may."""
    alive = row.state in ("running", "stalled", "stopping")
    return f"{row.title} is {row.state}: stop it first" if alive else ""


def _write(run: Path, changes: dict[str, Any]) -> None:
    """Change what is noted now, whoever noted it."""
    remarks: Remarks = replace(read_remarks(run), **changes)
    write_remarks(run, remarks)


def _to_trash(run: Path) -> None:
    moved = QFile.moveToTrash(str(run.absolute()))
    if not (moved[0] if isinstance(moved, tuple) else moved):
        remedy = f"delete it with rm -r {run}, or archive it"
        raise RunError("the system has no trash for its disk", source=str(run), remedy=remedy)


def _names(rows: Sequence[RunRow]) -> str:
    names = [row.title for row in rows[:NAMED]]
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return ", ".join(names) + more
