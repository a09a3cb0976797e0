"""Which folders the window shows: opened by a dialog, recent ones, dropped ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu

from gui.models.places import OpenedPlaces, opened
from gui.window.remembered import recent_folders, remember_folder

if TYPE_CHECKING:
    from gui.window.window import MainWindow


class Folders(QObject):
    """Opens folders of runs, or runs, in a window.

    Args:
        window: the monitor's.
    """

    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self.window = window
        self.menu = QMenu("Open &recent", window)
        self.menu.aboutToShow.connect(self._fill)
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        for place in reversed(window.places):
            remember_folder(window.settings, place.absolute())

    def ask(self) -> None:
        """Ask for a folder, and open it."""
        here = str(self.window.places[0]) if self.window.places else ""
        name = QFileDialog.getExistingDirectory(self.window, "Folder of runs", here)
        if name:
            self.open([Path(name)])

    def open(self, paths: Sequence[Path]) -> None:
        """Show what is in folders; a folder that is none is named, and nothing changes."""
        wanted = list(paths)
        self.window.jobs.do(lambda: opened(wanted), self._take, self._refuse)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Folders that are dropped on the window are opened."""
        if isinstance(event, QDragEnterEvent) and _paths(event.mimeData()):
            event.acceptProposedAction()
            return True
        if type(event) is QDropEvent and (paths := _paths(event.mimeData())):
            self.open(paths)
            event.acceptProposedAction()
            return True
        return super().eventFilter(watched, event)

    def _take(self, places: OpenedPlaces) -> None:
        self.window.open_places(places.places, places.new_runs)
        for place in reversed(places.places):
            remember_folder(self.window.settings, place)
        if places.runs:
            self.window.choose(places.runs)

    def _refuse(self, error: Exception) -> None:
        self.window.notify(str(error), "red")

    def _fill(self) -> None:
        self.menu.clear()
        for i, folder in enumerate(recent_folders(self.window.settings), 1):
            text = f"&{i} {str(folder).replace('&', '&&')}"
            self.menu.addAction(text, lambda folder=folder: self.open([folder]))
        if self.menu.isEmpty():
            self.menu.addAction("none yet").setEnabled(False)


def _paths(data: QMimeData) -> list[Path]:
    """The files and folders among what is dragged over the window."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
