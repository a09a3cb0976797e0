"""Plots as pictures for reports: white, with the names of their runs, drawn anew at their size."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from PySide6.QtCore import QBuffer, QByteArray, QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QImageWriter,
    QPaintDevice,
    QPainter,
    QPen,
)

from gui.plots.look import PAPER, Look

WIDTH, HEIGHT = 800.0, 500.0  # of a plot
SEVERAL = (660.0, 400.0)  # of each of several
COLUMNS = 2
MARGIN = 10.0
SCALE = 2.0  # pixels of an image for each of these
SWATCH = 24.0
ROOM = 8.0


class Picture(Protocol):
    """A plot that can be painted anywhere."""

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def runs(self) -> dict[str, str]:
        """Names of the runs it shows with their colours, empty where these differ by curve."""
        ...

    def paint(self, painter: QPainter, rect: QRectF, look: Look) -> None:
        """Paint it into a rectangle."""
        ...


def image_of(plots: Sequence[Picture], look: Look = PAPER) -> QImage:
    """Plots as an image, names of runs above.

    Args:
        plots: one, or several in two columns.
        look: letters and lines.
    """
    size = _size(plots, look)
    image = QImage((size * SCALE).toSize(), QImage.Format.Format_RGB32)
    image.fill(QColor(look.theme.background))
    with _painting(image) as painter:
        painter.scale(SCALE, SCALE)
        _paint(painter, plots, size, look)
    return image


def png_of(plots: Sequence[Picture]) -> bytes:
    """Plots as a PNG file."""
    data = QBuffer()
    data.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(data, QByteArray(b"png")).write(image_of(plots))
    return bytes(data.data().data())


def svg_of(plots: Sequence[Picture]) -> bytes:
    """Plots as an SVG file."""
    from PySide6.QtSvg import QSvgGenerator

    data, drawing, size = QBuffer(), QSvgGenerator(), _size(plots, PAPER)
    drawing.setOutputDevice(data)
    drawing.setSize(size.toSize())
    drawing.setViewBox(QRectF(QPointF(), size))
    drawing.setTitle(", ".join(plot.title for plot in plots))
    with _painting(drawing) as painter:
        _paint(painter, plots, size, PAPER)
    return bytes(data.data().data())


def _cell(plots: Sequence[Picture]) -> QSizeF:
    return QSizeF(*SEVERAL) if len(plots) > 1 else QSizeF(WIDTH, HEIGHT)


def _runs(plots: Sequence[Picture]) -> dict[str, str]:
    """All runs of the plots, each with the first colour that it alone has in one of them."""
    found: dict[str, str] = {}
    for plot in plots:
        for run, colour in plot.runs.items():
            found[run] = found.get(run) or colour
    return found


def _size(plots: Sequence[Picture], look: Look) -> QSizeF:
    cell, columns = _cell(plots), min(len(plots), COLUMNS)
    width = columns * cell.width() + 2 * MARGIN
    rows = -(-len(plots) // COLUMNS)
    header = _header_height(_runs(plots), width - 2 * MARGIN, look)
    return QSizeF(width, header + rows * cell.height() + 2 * MARGIN)


def _paint(painter: QPainter, plots: Sequence[Picture], size: QSizeF, look: Look) -> None:
    painter.fillRect(QRectF(QPointF(), size), QColor(look.theme.background))
    runs, cell = _runs(plots), _cell(plots)
    top = MARGIN + _header_height(runs, size.width() - 2 * MARGIN, look)
    for run, at in _entries(runs, size.width() - 2 * MARGIN, look):
        _paint_entry(painter, run, runs[run], at + QPointF(MARGIN, MARGIN), look)
    for i, plot in enumerate(plots):
        row, column = divmod(i, COLUMNS)
        corner = QPointF(MARGIN + column * cell.width(), top + row * cell.height())
        plot.paint(painter, QRectF(corner, cell), look)


def _entries(runs: Mapping[str, str], width: float, look: Look) -> Iterator[tuple[str, QPointF]]:
    """Where each run's name stands, line by line."""
    metrics = look.metrics
    x = y = 0.0
    for run, colour in runs.items():
        takes = metrics.horizontalAdvance(run) + 2 * ROOM + (SWATCH + ROOM if colour else 0)
        if x and x + takes > width:
            x, y = 0.0, y + metrics.height()
        yield run, QPointF(x, y)
        x += takes


def _header_height(runs: Mapping[str, str], width: float, look: Look) -> float:
    lines = {at.y() for _, at in _entries(runs, width, look)}
    return len(lines) * look.metrics.height() + ROOM if lines else 0.0


def _paint_entry(painter: QPainter, run: str, colour: str, at: QPointF, look: Look) -> None:
    """A bit of the run's line, and its name."""
    metrics = look.metrics
    middle = at.y() + metrics.height() / 2
    if colour:
        painter.setPen(QPen(look.colour(colour), look.line))
        painter.drawLine(QLineF(at.x(), middle, at.x() + SWATCH, middle))
        at = at + QPointF(SWATCH + ROOM, 0)
    painter.setFont(look.small)
    painter.setPen(QColor(look.theme.foreground))
    where = QRectF(at, QSizeF(metrics.horizontalAdvance(run) + 1, metrics.height()))
    painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, run)


@contextmanager
def _painting(device: QPaintDevice) -> Iterator[QPainter]:
    painter = QPainter(device)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    try:
        yield painter
    finally:
        painter.end()
