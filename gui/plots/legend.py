"""Which curve is which, within a plot that has several: names by colour, runs by their dashes."""

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui.models.panels import Panel
from gui.plots.lines import DASHES
from gui.plots.look import Look

ENTRIES = 14  # more would hide the curves
SWATCH, ROOM = 2.0, 0.5  # in heights of a line of letters
Entry = tuple[str, str, int]  # name, colour, style


def entries_of(panel: Panel) -> list[Entry]:
    """Names of curves where there are several, and of runs where their dashes differ."""
    lines = [curve for curve in panel.curves if not curve.points] or list(panel.curves)
    names = {curve.name: (curve.colour, curve.style) for curve in reversed(lines)}
    if len(names) < 2:
        return []
    runs = {curve.run: curve.style for curve in reversed(lines)}
    found = [(name, *names[name]) for name in dict.fromkeys(curve.name for curve in lines)]
    if len(set(runs.values())) > 1:
        found = [(name, colour, 0) for name, colour, _ in found]
        found += [(run, "", runs[run]) for run in dict.fromkeys(curve.run for curve in lines)]
    return found if len(found) <= ENTRIES else []


def paint_legend(
    painter: QPainter, inner: QRectF, panel: Panel, look: Look, below: bool = False
) -> None:
    """Paint it into a right corner of a plot.

    Args:
        painter: ready to draw.
        inner: within the axes of the plot.
        panel: what it shows.
        look: letters and lines.
        below: whether that is the lower corner, since curves are in the upper one.
    """
    entries = entries_of(panel)
    if not entries:
        return
    metrics = look.metrics
    row = metrics.height()
    width = max(metrics.horizontalAdvance(name) for name, _, _ in entries)
    width = min(width + (SWATCH + 3 * ROOM) * row, inner.width() / 2)
    height = min(len(entries) * row + ROOM * row, inner.height())
    top = inner.bottom() - height if below else inner.top()
    box = QRectF(inner.right() - width, top, width, height)
    back = QColor(look.theme.background)
    back.setAlphaF(0.8)
    painter.fillRect(box, back)
    painter.setFont(look.small)
    for i, (name, colour, style) in enumerate(entries):
        top = box.top() + (i + ROOM / 2) * row
        if top + row > inner.bottom():
            return
        _paint_entry(painter, QPointF(box.left() + ROOM * row, top), box, name, look)
        pen = QPen(look.colour(colour) if colour else QColor(look.theme.muted), look.line)
        if pattern := DASHES[style % len(DASHES)]:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern(list(pattern))
        painter.setPen(pen)
        left, middle = box.left() + ROOM * row, top + row / 2
        painter.drawLine(QLineF(left, middle, left + SWATCH * row, middle))


def _paint_entry(painter: QPainter, at: QPointF, box: QRectF, name: str, look: Look) -> None:
    metrics = look.metrics
    row = metrics.height()
    left = at.x() + (SWATCH + ROOM) * row
    room = box.right() - left
    painter.setPen(QColor(look.theme.foreground))
    text = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
    painter.drawText(QRectF(left, at.y(), room, row), Qt.AlignmentFlag.AlignVCenter, text)
