"""Gradient norms of the layers over time, as a picture with axes and a bar of colours."""

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.models.layers import LayerImage
from gui.models.sight import Scale, XView
from gui.models.ticks import ticks_of
from gui.plots.look import SCREEN, Look
from gui.theme import Theme

TITLE = "gradient norm by layer, log10"
NAMES_SHARE = 0.22  # of the width, at most, that names take
NAMES_MOST = 170.0  # pixels
BAR = 12.0  # width of the bar of colours
BAR_ROOM = 52.0
ROOM = 4.0
MIN_HEIGHT = 150
# Matplotlib's viridis, every 17th of its 256 colours: perceptually even, safe for the colour-blind.
VIRIDIS = (
    "440154", "481a6c", "472f7d", "414487", "39568c", "31688e", "2a788e", "23888e",
    "1f988b", "22a884", "35b779", "54c568", "7ad151", "a5db36", "d2e21b", "fde725",
)  # fmt: skip


def colours() -> np.ndarray:
    """`[256]` uint32 colours from the least to the largest."""
    points = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in VIRIDIS], np.float64)
    at = np.linspace(0, len(points) - 1, 256)
    red, green, blue = (
        np.interp(at, np.arange(len(points)), points[:, i]).round().astype(np.uint32)
        for i in range(3)
    )
    return np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue


class LayerPlot(QWidget):
    """The picture of one run's layers."""

    title = TITLE

    def __init__(self, view: XView, parent: QWidget | None = None):
        super().__init__(parent)
        self.view = view
        self.look: Look = SCREEN
        self.image: LayerImage | None = None
        self.run, self.colour = "", ""
        self._pixels: QImage | None = None
        self._levels = (0.0, 1.0)
        self._palette = colours()
        self.setMinimumHeight(MIN_HEIGHT)
        self.setAccessibleName(TITLE)

    @property
    def runs(self) -> dict[str, str]:
        """The run that it is of."""
        return {self.run: self.colour} if self.run else {}

    def sizeHint(self) -> QSize:
        """The splitter gives it more."""
        return QSize(320, MIN_HEIGHT)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.look = SCREEN.in_theme(theme)
        self.update()

    def show_image(self, image: LayerImage, run: str, colour: str) -> None:
        """Show norms of a run."""
        self.image, self.run, self.colour = image, run, colour
        self.setToolTip(run)
        finite = image.decades[np.isfinite(image.decades)]
        low, high = (finite.min(), finite.max()) if len(finite) else (-1.0, 0.0)
        self._levels = float(low), float(max(high, low + 1e-3))
        self._pixels = self._coloured(image.decades)
        self.update()

    def _coloured(self, decades: np.ndarray) -> QImage:
        low, high = self._levels
        share = np.nan_to_num((decades - low) / (high - low))
        places = (255 * np.clip(share, 0, 1)).astype(np.intp)
        pixels = np.where(np.isfinite(decades), self._palette[places], np.uint32(0))
        height, width = pixels.shape
        held = np.ascontiguousarray(pixels, np.uint32)
        return QImage(held.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32).copy()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it as it is."""
        painter = QPainter(self)
        self.paint(painter, QRectF(self.rect()), self.look, self.title)
        painter.end()

    def paint(self, painter: QPainter, rect: QRectF, look: Look, title: str = TITLE) -> None:
        """Paint it anywhere."""
        painter.fillRect(rect, QColor(look.theme.background))
        if self.image is None or self._pixels is None:
            return
        small, row = look.metrics, look.metrics.height()
        names = min(NAMES_SHARE * rect.width(), NAMES_MOST * look.text / SCREEN.text)
        longest = max(map(small.horizontalAdvance, self.image.layers), default=0.0)
        left = min(names, longest) + 2 * ROOM
        top = look.title_metrics.height() + 2 * ROOM
        inner = rect.adjusted(left, top, -BAR_ROOM - BAR, -2 * row - 2 * ROOM)
        inner.setSize(inner.size().expandedTo(QRectF(0, 0, 8, 8).size()))
        painter.setFont(look.large)
        painter.setPen(QColor(look.theme.foreground))
        painter.drawText(
            QPointF(inner.left(), rect.top() + top - 2 * ROOM), f"{title} · {self.run}"
        )
        painter.setFont(look.small)
        self._paint_pixels(painter, inner)
        self._paint_names(painter, rect, inner, look)
        self._paint_x(painter, inner, look)
        self._paint_bar(painter, inner, look)

    def _paint_pixels(self, painter: QPainter, inner: QRectF) -> None:
        assert self.image and self._pixels
        scale = self.view.scale(inner.left(), inner.right())
        begin, end = scale.pixels(np.array(self.image.ends)).tolist()
        painter.save()
        painter.setClipRect(inner)
        if np.isfinite(begin) and np.isfinite(end):
            painter.drawImage(QRectF(begin, inner.top(), end - begin, inner.height()), self._pixels)
        painter.restore()

    def _paint_names(self, painter: QPainter, rect: QRectF, inner: QRectF, look: Look) -> None:
        """Names of as many layers as have room."""
        assert self.image
        metrics, layers = look.metrics, self.image.layers
        row, each = metrics.height(), inner.height() / max(len(layers), 1)
        every = max(-int(-row // each), 1)
        painter.setPen(QColor(look.theme.muted))
        room = inner.left() - rect.left() - 2 * ROOM
        for i in range(0, len(layers), every):
            # The end of a path is its most specific part.
            text = metrics.elidedText(layers[i], Qt.TextElideMode.ElideLeft, room)
            middle = inner.top() + (i + 0.5) * each
            where = QRectF(rect.left() + ROOM, middle - row / 2, room, row)
            painter.drawText(
                where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )

    def _paint_x(self, painter: QPainter, inner: QRectF, look: Look) -> None:
        metrics, scale = look.metrics, self.view.scale(inner.left(), inner.right())
        factor = 1.0 if scale.log else self.view.unit[0]
        letter = metrics.horizontalAdvance("0")
        ticks = ticks_of(
            scale.low, scale.high, inner.width(), lambda t: letter * len(t), scale.log, factor
        )
        row, align = metrics.height(), Qt.AlignmentFlag.AlignCenter
        for tick in ticks:
            x = scale.begin + (tick.at - scale.low) / (scale.high - scale.low) * inner.width()
            painter.drawLine(QLineF(x, inner.bottom(), x, inner.bottom() + ROOM))
            where = QRectF(x - 50, inner.bottom() + ROOM, 100, row)
            painter.drawText(where, align, tick.text)
        where = QRectF(inner.left(), inner.bottom() + ROOM + row, inner.width(), row)
        painter.drawText(where, align, self.view.title)

    def _paint_bar(self, painter: QPainter, inner: QRectF, look: Look) -> None:
        """The bar of colours with its labels."""
        bar = QRectF(inner.right() + 2 * ROOM, inner.top(), BAR, inner.height())
        column = self._palette[::-1].copy()
        painter.drawImage(
            bar, QImage(column.tobytes(), 1, 256, 4, QImage.Format.Format_ARGB32).copy()
        )
        metrics = look.metrics
        scale = Scale(*self._levels, bar.bottom(), bar.top())
        row = metrics.height()
        painter.setPen(QPen(QColor(look.theme.muted), 1))
        for tick in ticks_of(*self._levels, bar.height(), lambda _: row):
            y = float(scale.pixels(np.array([tick.at]))[0])
            where = QRectF(bar.right() + ROOM, y - row / 2, BAR_ROOM, row)
            painter.drawText(
                where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, tick.text
            )
