"""What stands beside the table of runs, its tabs, and where on the screen the window stands."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.tabs import TABS


class Pages(QStackedWidget):
    """The views of the selected runs; or, where there is no run, what to do about it.

    Args:
        views: from top to bottom; the last takes the room.
        welcome: what stands there without a run.
    """

    def __init__(self, views: Sequence[QWidget], welcome: QWidget):
        super().__init__()
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in views:
            layout.addWidget(widget, int(widget is views[-1]))
        self.addWidget(page)
        self.addWidget(welcome)

    def show_views(self, shown: bool) -> None:
        """The views, or the welcome."""
        self.setCurrentIndex(0 if shown else 1)


def make_tab(name: str, page: QWidget, runs_dir: Path) -> Any:
    """The tab of a name, of its own class, in its page; its module is loaded only now.

    Args:
        name: one of `TABS`.
        page: what it fills.
        runs_dir: the folder that gets new runs.
    """
    module, of = TABS[name]
    kind = getattr(import_module(module), of)
    tab = kind(runs_dir) if name == "launch" else kind()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(tab)
    return tab


def fit_screen(window: QWidget) -> None:
    """Make room for the frame of a window, and move what sticks out into the screen."""
    if window.isMaximized() or window.isFullScreen():
        return
    room, frame = window.screen().availableGeometry(), window.frameGeometry()
    if frame.width() > room.width() or frame.height() > room.height():
        width = window.width() - max(frame.width() - room.width(), 0)
        height = window.height() - max(frame.height() - room.height(), 0)
        window.resize(width, height)
        frame = window.frameGeometry()
    x = min(max(frame.x(), room.x()), room.right() + 1 - frame.width())
    y = min(max(frame.y(), room.y()), room.bottom() + 1 - frame.height())
    window.move(max(x, room.x()), max(y, room.y()))
