"""Painting a plot: axes, grid, marks, curves, title. The same on the screen, in pictures, on paper.

Everything is drawn in pixels, from values, into a rectangle: nothing has a bounding rectangle or a
transformation of its own that could be an old one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from gui.models.marks import Mark
from gui.models.panels import Curve, Panel
from gui.models.sight import RAW_RUNS, Drawn, Scale, Span, XView
from gui.models.ticks import Tick, ticks_of
from gui.plots.legend import paint_legend
from gui.plots.lines import DASHES, dashed, draw, segments
from gui.plots.look import BAND_SHARE, FADED_SHARE, RAW_SHARE, Look

MARKS = {"epoch": "#888888", "phase": "#CC79A7", "session": "#56B4E9", "dropped": "#D55E00"}
MAX_MARKS = 60  # vertical lines of a kind in sight; with more they are only clutter
TICK_LETTERS = "00.000"  # the y axis has room for this
LAST_LETTERS = "000"  # half of the last label of the x axis has room beside it
LEGEND_FROM = 28.0  # widths of letters that a plot with a legend has
TICK = 4.0  # pixels of a tick
ROOM = 4.0
LIFTED = 1.5  # width of a lifted curve over that of others
END_SIZE = 4.0  # pixels from the middle of a mark of divergence to its corners


@dataclass(frozen=True)
class Content:
    """What a plot shows.

    Attributes:
        panel: its title and curves.
        curves: these as far as they are in sight.
        x: the x axis.
        y_range: ends of the y axis, log10 of values where it is logarithmic.
        marks: vertical lines.
        lifted: run and curve that stand out, either `None` for any; `None` for all alike.
        label_x: whether the x axis has its name.
    """

    panel: Panel
    curves: Sequence[Drawn]
    x: XView
    y_range: Span
    marks: Sequence[Mark] = ()
    lifted: tuple[str | None, str | None] | None = None
    label_x: bool = True

    def is_lifted(self, curve: Curve) -> bool:
        """Whether a curve stands out, as all do where none is chosen."""
        if self.lifted is None:
            return True
        run, name = self.lifted
        return run in (None, curve.run) and name in (None, curve.name)


@dataclass(frozen=True)
class Frame:
    """Where the parts of a plot stand.

    Attributes:
        inner: within the axes.
        x: scale of the x axis.
        y: scale of the y axis.
    """

    inner: QRectF
    x: Scale
    y: Scale


def frame_of(rect: QRectF, content: Content, look: Look) -> Frame:
    """The parts of a plot in a rectangle."""
    small = look.metrics
    left = small.horizontalAdvance(TICK_LETTERS) + TICK + 2 * ROOM
    left += small.height() if content.panel.label else 0
    top = look.title_metrics.height() + 2 * ROOM
    bottom = small.height() * (2 if content.label_x else 1) + TICK + ROOM
    inner = rect.adjusted(left, top, -small.horizontalAdvance(LAST_LETTERS), -bottom)
    inner.setSize(inner.size().expandedTo(QRectF(0, 0, 8, 8).size()))
    x = content.x.scale(inner.left(), inner.right())
    return Frame(inner, x, Scale(*content.y_range, inner.bottom(), inner.top(), content.panel.log))


def paint_plot(painter: QPainter, rect: QRectF, content: Content, look: Look) -> Frame:
    """Paint a plot into a rectangle; returns where its parts stand."""
    frame = frame_of(rect, content, look)
    painter.fillRect(rect, QColor(look.theme.background))
    x_ticks, y_ticks = _ticks(frame, content, look)
    _paint_title(painter, rect, frame, content, look)
    painter.save()
    painter.setClipRect(frame.inner)
    _paint_grid(painter, frame, look, x_ticks, y_ticks)
    _paint_marks(painter, frame, content.marks)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not look.draft)
    _paint_levels(painter, frame, content.panel.levels, look)
    paint_curves(painter, frame, content, look)
    if frame.inner.width() > LEGEND_FROM * look.text:
        paint_legend(painter, frame.inner, content.panel, look)
    painter.restore()
    _paint_axes(painter, rect, frame, content, look, x_ticks, y_ticks)
    return frame


def _ticks(frame: Frame, content: Content, look: Look) -> tuple[list[Tick], list[Tick]]:
    small, inner = look.metrics, frame.inner
    letter, row = small.horizontalAdvance("0"), small.height()
    factor = 1.0 if frame.x.log else content.x.unit[0]
    x = ticks_of(
        frame.x.low, frame.x.high, inner.width(), lambda t: letter * len(t), frame.x.log, factor
    )
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
    diverged = sorted({drawn.curve.run for drawn in content.curves if drawn.ended})
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


def _paint_marks(painter: QPainter, frame: Frame, marks: Sequence[Mark]) -> None:
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
        painter.setPen(QPen(QColor(colour), 1, Qt.PenStyle.DotLine))
        at = frame.x.pixels(np.array(xs, np.float64))
        inner = frame.inner
        painter.drawLines([QLineF(x, inner.top(), x, inner.bottom()) for x in at.tolist()])


def _paint_levels(painter: QPainter, frame: Frame, levels: Sequence[float], look: Look) -> None:
    pen = QPen(QColor(look.theme.foreground), look.raw, Qt.PenStyle.DashLine)
    painter.setPen(pen)
    for y in frame.y.pixels(np.array(levels, np.float64)).tolist():
        if np.isfinite(y):
            painter.drawLine(QLineF(frame.inner.left(), y, frame.inner.right(), y))


def paint_curves(painter: QPainter, frame: Frame, content: Content, look: Look) -> None:
    """Bands, then raw values, then lines, dots and marks of divergence; the lifted ones last."""
    many = len({drawn.curve.run for drawn in content.curves}) > RAW_RUNS
    look = look.of_many if many else look
    ordered = sorted(content.curves, key=lambda drawn: content.is_lifted(drawn.curve))
    for drawn in ordered:
        _paint_band(painter, frame, drawn, look)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, look.fine_raw)
    for drawn in ordered:
        if drawn.raw and content.is_lifted(drawn.curve):
            colour = look.mixed(look.colour(drawn.curve.colour), RAW_SHARE)
            painter.setPen(QPen(colour, look.raw))
            draw(painter, segments(frame.x.pixels(drawn.raw[0]), frame.y.pixels(drawn.raw[1])))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not look.draft)
    for drawn in ordered:
        _paint_front(painter, frame, drawn, content, look, many)
    for drawn in ordered:
        if drawn.ended:
            _paint_end(painter, frame, drawn.ended, look)


def _paint_front(
    painter: QPainter, frame: Frame, drawn: Drawn, content: Content, look: Look, many: bool
) -> None:
    curve, lifted = drawn.curve, content.is_lifted(drawn.curve)
    colour = look.colour(curve.colour)
    many = many and not (lifted and content.lifted)
    if not lifted:
        colour = look.mixed(colour, FADED_SHARE)
    width = look.line * (LIFTED if lifted and content.lifted else 1.0)
    width = max(look.raw, 0.7 * width) if curve.points and curve.style == 0 else width
    x, y = frame.x.pixels(drawn.x), frame.y.pixels(drawn.y)
    pattern = () if look.draft else DASHES[curve.style % len(DASHES)]
    lines = dashed(x, y, tuple(width * part for part in pattern)) if pattern else segments(x, y)
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if pattern else Qt.PenCapStyle.SquareCap)
    painter.setPen(pen)
    if not (curve.points and many):
        draw(painter, lines)
    if curve.points:
        _paint_dots(painter, x, y, colour, look, rim=not many)


def _paint_dots(
    painter: QPainter, x: np.ndarray, y: np.ndarray, colour: QColor, look: Look, rim: bool
) -> None:
    fine = np.isfinite(x) & np.isfinite(y)
    x, y = x[fine], y[fine]
    # A dot is a round cap; its rim in the background's colour parts it from the curve below.
    rims = [(look.dot + 2, QColor(look.theme.background))] if rim else []
    for width, paint in (*rims, (look.dot, colour)):
        painter.setPen(QPen(paint, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        draw(painter, np.stack([x - 0.01, y, x + 0.01, y], axis=1))


def _paint_band(painter: QPainter, frame: Frame, drawn: Drawn, look: Look) -> None:
    if not drawn.band:
        return
    x = frame.x.pixels(drawn.band[0])
    lower, upper = (frame.y.pixels(values) for values in drawn.band[1:])
    fine = np.isfinite(x) & np.isfinite(lower) & np.isfinite(upper)
    there = zip(x[fine].tolist(), lower[fine].tolist(), strict=True)
    back = zip(x[fine][::-1].tolist(), upper[fine][::-1].tolist(), strict=True)
    colour = look.colour(drawn.curve.colour)
    colour.setAlphaF(BAND_SHARE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(*point) for point in (*there, *back)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_end(painter: QPainter, frame: Frame, ended: Span, look: Look) -> None:
    """A cross where values stopped being finite."""
    x = float(frame.x.pixels(np.array([ended[0]]))[0])
    y = float(frame.y.pixels(np.array([ended[1]]))[0])
    if not (np.isfinite(x) and np.isfinite(y)):
        return
    y = min(max(y, frame.inner.top() + END_SIZE), frame.inner.bottom() - END_SIZE)
    a = END_SIZE
    cross = np.array([[x - a, y - a, x + a, y + a], [x - a, y + a, x + a, y - a]])
    painter.setPen(QPen(QColor(look.theme.state("red")), 1.5 * look.line))
    draw(painter, cross)


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
