"""What `ris-tf localize` found in a file: its table and its picture."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from gui.models.words import number
from ris_tf.errors import UserError

MAX_ROWS = 2000  # in the table; the file has all
MAX_BYTES = 64_000_000
SIZE = (960, 640)
PICTURE_WIDTH = 920  # pixels at most
DIGITS = 5
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PositionsError(UserError):
    """The file of positions cannot be shown."""


@dataclass(frozen=True)
class Positions:
    """What was found.

    Attributes:
        path: the file.
        columns: their names.
        rows: a source each; the first `MAX_ROWS` of them.
        count: how many there are.
        picture: bytes of the PNG file, empty where there is none.
    """

    path: Path
    columns: list[str]
    rows: list[list[str]]
    count: int
    picture: bytes


def read_positions(path: Path) -> Positions:
    """The positions that were written to a .csv file, and the picture beside it.

    Raises:
        PositionsError: it cannot be read.
    """
    picture = path.with_suffix(".png")
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
        image = picture.read_bytes() if picture.is_file() else b""
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise PositionsError(problem, source=str(path)) from error
    columns, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    return Positions(path, columns, rows[:MAX_ROWS], len(rows), image)


class PositionsDialog(QDialog):
    """Shows them, beside the picture of the first scene.

    Args:
        positions: as they were read.
        parent: its owner.
    """

    def __init__(self, positions: Positions, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        shown = f"the first {MAX_ROWS:,} of " if positions.count > MAX_ROWS else ""
        self.setWindowTitle(f"{positions.path} · {shown}{positions.count:,} sources")
        self.resize(*SIZE)
        self.table = _table(positions)
        self.picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        image = QImage.fromData(positions.picture) if positions.picture else QImage()
        if not image.isNull():
            width = min(PICTURE_WIDTH, image.width())
            how = Qt.TransformationMode.SmoothTransformation
            self.picture.setPixmap(QPixmap.fromImage(image.scaledToWidth(width, how)))
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.picture)
        self.picture.setVisible(not image.isNull())


def _table(positions: Positions) -> QTableWidget:
    table = QTableWidget(len(positions.rows), len(positions.columns))
    table.setHorizontalHeaderLabels([name.replace("_", " ") for name in positions.columns])
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setAccessibleName("positions of the sources")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 6)
    for i, row in enumerate(positions.rows):
        for j, text in enumerate(row[: len(positions.columns)]):
            item = QTableWidgetItem(_short(text))
            item.setTextAlignment(RIGHT)
            item.setToolTip(text)
            table.setItem(i, j, item)
    table.resizeColumnsToContents()
    return table


def _short(text: str) -> str:
    try:
        return number(float(text), DIGITS)
    except ValueError:
        return text
