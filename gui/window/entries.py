"""Entries of menus: what they do, when they can, and why not otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence, QShortcut

from gui.models.followed import RunView

if TYPE_CHECKING:
    from gui.window.window import MainWindow

NO_RUN = "select a run first"


@dataclass(frozen=True)
class MenuEntry:
    """An action of a menu.

    Attributes:
        menu: where it stands.
        text: its label.
        keys: its shortcuts, the first shown.
        act: what it does.
        hindrance: why it cannot be done to a selected run, empty where it can; `None` where it
            needs none.
        begins: whether a line parts it from those above.
    """

    menu: str
    text: str
    keys: tuple[str, ...]
    act: Callable[[], None]
    hindrance: Callable[[RunView], str] | None = None
    begins: bool = False


class OfferedAction:
    """A menu's action, greyed with a reason where it cannot be done.

    The reason is its tooltip, and what the status line shows where its key is pressed all the same.

    Args:
        action: the action.
        entry: what it is made of.
        window: whose it is.
    """

    def __init__(self, action: QAction, entry: MenuEntry, window: "MainWindow"):
        self.action, self.entry, self._window = action, entry, window
        self.title = action.text().replace("&", "")
        self._reason = ""
        self._instead: QShortcut | None = None
        if entry.hindrance and entry.keys:
            self._instead = QShortcut(QKeySequence(entry.keys[0]), window)
            self._instead.setEnabled(False)  # two with one key, both enabled, would do nothing
            self._instead.activated.connect(self._say_why)

    def update(self, views: Sequence[RunView]) -> None:
        """Offer it if it can be done to any of the selected runs."""
        if self.entry.hindrance is None:
            return
        reasons = [self.entry.hindrance(view) for view in views] or [NO_RUN]
        possible = "" in reasons
        self.action.setEnabled(possible)
        if self._instead:
            self._instead.setEnabled(not possible)
        reason = "" if possible else reasons[0]
        if reason != self._reason:
            self._reason = reason
            self.action.setToolTip(reason or self.title)
            self.action.setStatusTip(reason)

    def _say_why(self) -> None:
        self._window.notify(f"{self.title.rstrip('…')}: {self._reason}", "amber")
