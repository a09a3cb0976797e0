"""Small pictures: a bit of a curve's line, and an eye for what is shown or hidden."""

from functools import lru_cache

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

from gui.plots.lines import DASHES
from gui.theme import Theme

SIZE = 16  # pixels


@lru_cache(maxsize=256)
def swatch(colour: str, style: int, theme: Theme) -> QIcon:
    """A bit of the line as it is drawn."""
    image, painter = _begin()
    pen = QPen(QColor(theme.curve(colour)), 2)
    pattern = DASHES[style % len(DASHES)]
    if pattern:
        pen.setDashPattern(list(pattern))
    painter.setPen(pen)
    painter.drawLine(QPointF(0, SIZE / 2), QPointF(SIZE, SIZE / 2))
    painter.end()
    return QIcon(image)


@lru_cache(maxsize=256)
def eye(on: bool, theme: Theme, colour: str = "") -> QIcon:
    """An eye, in a curve's colour where it stands for one; crossed out where that is hidden."""
    image, painter = _begin()
    ink = QColor(colour) if colour and on else QColor(theme.muted)
    painter.setPen(QPen(ink, 1.6))
    outline = QPainterPath(QPointF(1, 8))
    outline.quadTo(QPointF(8, 1), QPointF(15, 8))
    outline.quadTo(QPointF(8, 15), QPointF(1, 8))
    painter.drawPath(outline)
    if on:
        painter.setBrush(ink)
        painter.drawEllipse(QRectF(5.7, 5.7, 4.6, 4.6))
    else:
        painter.drawLine(QLineF(2, 14, 14, 2))
    painter.end()
    return QIcon(image)


def _begin() -> tuple[QPixmap, QPainter]:
    image = QPixmap(2 * SIZE, 2 * SIZE)
    image.setDevicePixelRatio(2)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return image, painter
