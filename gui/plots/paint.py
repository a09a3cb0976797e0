"""Painting a plot: axes, grid, marks, curves, title. The same on the screen, in pictures, on paper.

Everything is drawn in pixels, from values, into a rectangle: nothing has a bounding rectangle or a
transformation of its own that could be an old one.
"""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui.models.marks import Mark
from gui.models.sight import Scale
from gui.models.ticks import Tick, ticks_of
from gui.plots.content import ROOM, TICK, Content, Frame, frame_of
from gui.plots.legend import paint_legend
from gui.plots.look import Look
from gui.plots.strokes import paint_curves

MARKS = {"epoch": "#888888", "phase": "#CC79A7", "session": "#56B4E9", "dropped": "#D55E00"}
EPOCH_SHARE = 0.5  # of their colour: there is one for every epoch
MAX_MARKS = 60  # vertical lines of a kind in sight; with more they are only clutter
LEGEND_FROM = 28.0  # widths of letters that a plot with a legend has


def paint_plot(painter: QPainter, rect: QRectF, content: Content, look: Look) -> Frame:
    """Paint a plot into a rectangle; returns where its parts stand."""
    frame = frame_of(rect, content, look)
    painter.fillRect(rect, QColor(look.theme.background))
    x_ticks, y_ticks = _ticks(frame, content, look)
    _paint_title(painter, rect, frame, content, look)
    painter.save()
    painter.setClipRect(frame.inner)
    _paint_grid(painter, frame, look, x_ticks, y_ticks)
    _paint_marks(painter, frame, content.marks, look)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_levels(painter, frame, content.panel.levels, look)
    paint_curves(painter, frame, content, look)
    if frame.inner.width() > LEGEND_FROM * look.text:
        paint_legend(painter, frame.inner, content.panel, look, _fuller_above(frame, content))
    painter.restore()
    _paint_axes(painter, rect, frame, content, look, x_ticks, y_ticks)
    return frame


def _fuller_above(frame: Frame, content: Content) -> bool:
    """Whether more of the curves are in the upper right corner than in the lower one."""
    middle = frame.inner.center()
    y = frame.y.pixels(content.sight.y)[frame.x.pixels(content.sight.x) > middle.x()]
    y = y[(y >= frame.inner.top()) & (y <= frame.inner.bottom())]
    return bool(2 * np.count_nonzero(y < middle.y()) > len(y))


def _ticks(frame: Frame, content: Content, look: Look) -> tuple[list[Tick], list[Tick]]:
    small, inner = look.metrics, frame.inner
    letter, row = small.horizontalAdvance("0"), small.height()
    factor = 1.0 if frame.x.log else content.x.unit[0]
    x = ticks_of(
        frame.x.low, frame.x.high, inner.width(), lambda t: letter * len(t), frame.x.log, factor,
        content.x.counts,
    )  # fmt: skip
    y = ticks_of(frame.y.low, frame.y.high, inner.height(), lambda _: row, frame.y.log)
    return x, y


def _place(scale: Scale, at: float) -> float:
    """Pixel of a tick, which stands at log10 of its value where the axis is logarithmic."""
    return scale.begin + (at - scale.low) / (scale.high - scale.low) * (scale.end - scale.begin)


def _paint_title(
    painter: QPainter, rect: QRectF, frame: Frame, content: Content, look: Look
) -> None:
    where = QRectF(
        frame.inner.left(), rect.top(), frame.inner.width(), frame.inner.top() - rect.top()
    )
    align = Qt.AlignmentFlag.AlignVCenter
    diverged = sorted({drawn.curve.run for drawn in content.sight.curves if drawn.ended})
    if diverged:
        painter.setFont(look.small)
        painter.setPen(QColor(look.theme.state("red")))
        text = "✕ not finite" if len(diverged) == 1 else f"✕ {len(diverged)} runs not finite"
        painter.drawText(where, align | Qt.AlignmentFlag.AlignRight, text)
        where.setWidth(max(where.width() - look.metrics.horizontalAdvance(text) - ROOM, 1))
    painter.setFont(look.large)
    painter.setPen(QColor(look.theme.foreground))
    title = look.title_metrics.elidedText(
        content.panel.title, Qt.TextElideMode.ElideRight, where.width()
    )
    painter.drawText(where, align | Qt.AlignmentFlag.AlignLeft, title)


def _paint_grid(
    painter: QPainter, frame: Frame, look: Look, x_ticks: list[Tick], y_ticks: list[Tick]
) -> None:
    painter.setPen(QPen(QColor(look.theme.grid), 1))
    inner = frame.inner
    xs = [round(_place(frame.x, tick.at)) + 0.5 for tick in x_ticks]
    ys = [round(_place(frame.y, tick.at)) + 0.5 for tick in y_ticks]
    painter.drawLines([
        *(QLineF(x, inner.top(), x, inner.bottom()) for x in xs),
        *(QLineF(inner.left(), y, inner.right(), y) for y in ys),
    ])  # fmt: skip


def _paint_marks(painter: QPainter, frame: Frame, marks: Sequence[Mark], look: Look) -> None:
    """Vertical lines of the kinds of which few enough are in sight."""
    if not marks:
        return
    low, high = frame.x.value(frame.x.begin), frame.x.value(frame.x.end)
    in_sight = [mark for mark in marks if low <= mark.x <= high]
    for kind, colour in MARKS.items():
        xs = sorted({mark.x for mark in in_sight if mark.kind == kind})
        if not xs or (len(xs) > MAX_MARKS and kind == "epoch"):
            continue
        xs = xs[:: max(len(xs) // (4 * MAX_MARKS), 1)]
        paint = QColor(colour)
        paint = look.mixed(paint, EPOCH_SHARE) if kind == "epoch" else paint
        painter.setPen(QPen(paint, 1, Qt.PenStyle.DotLine))
        at = frame.x.pixels(np.array(xs, np.float64))
        inner = frame.inner
        painter.drawLines([QLineF(x, inner.top(), x, inner.bottom()) for x in at.tolist()])


def _paint_levels(painter: QPainter, frame: Frame, levels: Sequence[float], look: Look) -> None:
    pen = QPen(QColor(look.theme.foreground), look.raw, Qt.PenStyle.DashLine)
    painter.setPen(pen)
    for y in frame.y.pixels(np.array(levels, np.float64)).tolist():
        if np.isfinite(y):
            painter.drawLine(QLineF(frame.inner.left(), y, frame.inner.right(), y))


def _paint_axes(
    painter: QPainter, rect: QRectF, frame: Frame, content: Content, look: Look,
    x_ticks: list[Tick], y_ticks: list[Tick],
) -> None:  # fmt: skip
    inner, row = frame.inner, look.metrics.height()
    painter.setFont(look.small)
    painter.setPen(QPen(QColor(look.theme.muted), 1))
    left, bottom = round(inner.left()) - 0.5, round(inner.bottom()) + 0.5
    painter.drawLines([
        QLineF(left, inner.top(), left, bottom), QLineF(left, bottom, inner.right(), bottom),
    ])  # fmt: skip
    for tick in y_ticks:
        y = _place(frame.y, tick.at)
        where = QRectF(rect.left(), y - row / 2, left - TICK - rect.left(), row)
        painter.drawText(
            where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tick.text
        )
    for tick in x_ticks:
        x = _place(frame.x, tick.at)
        where = QRectF(x - inner.width() / 2, bottom + TICK / 2, inner.width(), row)
        painter.drawText(
            where, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, tick.text
        )
    if content.label_x:
        where = QRectF(inner.left(), bottom + TICK / 2 + row, inner.width(), row)
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, content.x.title)
    _paint_label(painter, rect, frame, content.panel.label, row)


def _paint_label(painter: QPainter, rect: QRectF, frame: Frame, label: str, row: float) -> None:
    """The name of the y axis, upwards."""
    if not label:
        return
    painter.save()
    painter.translate(rect.left() + ROOM / 2, frame.inner.center().y())
    painter.rotate(-90)
    length = frame.inner.height()
    text = QFontMetricsF(painter.font()).elidedText(label, Qt.TextElideMode.ElideRight, length)
    painter.drawText(QRectF(-length / 2, 0, length, row), Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
