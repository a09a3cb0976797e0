"""What every tab can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from gui.models.followed import RunView
from gui.theme import Theme
from gui.workers import Poller

LINE_LENGTH = 72  # letters of a message's line


@runtime_checkable
class ShowsSearch(Protocol):
    """A tab that shows a search, also where none of its trials is selected."""

    def show_search(self, path: Path) -> None:
        """Show the search in a folder until a run is selected."""


class Message(QLabel):
    """A text in the middle of an empty tab: in short lines, selectable, never marked up.

    Args:
        text: at first.
        parent: its owner.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None):
        super().__init__(text, parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)  # it may quote what a file holds
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines stay short in a wide window."""
        super().resizeEvent(event)
        side = max((self.width() - LINE_LENGTH * self.fontMetrics().averageCharWidth()) // 2, 0)
        if side != self.contentsMargins().left():
            self.setContentsMargins(side, 0, side, 0)


class Tab(QWidget):
    """A view of the selected runs.

    Class attributes:
        title: what it is called.
    """

    title = ""
    save_wanted = Signal(str)  # title of a plot that is to be saved to a file

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show runs; called again whenever one of them changed."""

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours, where the palette is not enough."""

    def readers(self) -> dict[str, Poller]:
        """Threads that read or write for it, by what they work on; the window watches them."""
        return {}

    def is_read(self) -> bool:
        """Whether it shows all that it wants to read."""
        return True

    def close_down(self) -> None:
        """The window closes: stop the readers."""
        for reader in self.readers().values():
            reader.stop()

    def plots(self) -> list[Any]:
        """Plots that can be exported: each a `gui.plots.picture.Picture`, or one of pyqtgraph."""
        return []

    def table(self, title: str | None) -> str:
        """Every value behind the plot of a title, or behind all, as CSV; empty if there is none."""
        del title
        return ""

    def state(self) -> dict[str, str]:
        """Choices to be remembered."""
        return {}

    def restore(self, state: dict[str, str]) -> None:
        """Make the choices again."""
