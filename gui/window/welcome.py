"""What stands in the window where there is no run yet."""

from collections.abc import Sequence
from os.path import abspath
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.theme import ICON

WIDTH = 380  # pixels of the column
SIDE = 72  # pixels of the picture
LARGER = 1.5
DEMO = "the configuration quickstart: a network that fits a laptop, a few minutes"


class Welcome(QWidget):
    """Three ways to a first run."""

    demo_asked = Signal()
    new_asked = Signal()
    folder_asked = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        picture.setPixmap(QIcon(str(ICON)).pixmap(QSize(SIDE, SIDE)))
        picture.setMinimumHeight(SIDE + 8)
        title = QLabel("No run here yet", alignment=Qt.AlignmentFlag.AlignCenter)
        large = QFont(self.font())
        large.setPointSizeF(large.pointSizeF() * LARGER)
        large.setBold(True)
        title.setFont(large)
        self.place = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.place.setWordWrap(True)
        self.place.setTextFormat(Qt.TextFormat.PlainText)
        self.demo = QPushButton("&Train the demo")
        self.demo.setToolTip(DEMO)
        self.demo.setAccessibleDescription(DEMO)
        self.demo.setDefault(True)
        self.new = QPushButton("&Configure a new run…")
        self.open = QPushButton("&Open another folder of runs…")
        about = QLabel(
            "Runs of ris-tf train, tune and your own models appear here by themselves.\n"
            "A folder that is dropped on the window is opened.",
            alignment=Qt.AlignmentFlag.AlignCenter,
        )
        about.setWordWrap(True)
        about.setForegroundRole(self.foregroundRole())
        column = QWidget()
        column.setFixedWidth(WIDTH)
        inner = QVBoxLayout(column)
        inner.setSpacing(10)
        for widget in (picture, title, self.place, self.demo, self.new, self.open, about):
            inner.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(column, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self.demo.clicked.connect(self.demo_asked)
        self.new.clicked.connect(self.new_asked)
        self.open.clicked.connect(self.folder_asked)

    def show_places(self, places: Sequence[Path]) -> None:
        """Name the folders that are watched, in full: a program's own folder is easily mistaken."""
        self.place.setText("in " + " and ".join(map(abspath, places)))
