"""Painting curves: all that share a pen in one go, so that fifty cost hardly more than ten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.models.panels import Curve
from gui.models.sight import RAW_RUNS, Drawn, Span
from gui.plots.content import Content, Frame
from gui.plots.lines import DASHES, dashed, draw, draw_squares, segments
from gui.plots.look import BAND_SHARE, FADED_SHARE, RAW_SHARE, Look

LIFTED = 1.5  # width of a lifted curve over that of others
BEHIND_DOTS = 0.7  # width of a line that joins dots over that of others
RIM = 2.0  # pixels by which a dot's rim is wider than the dot
JOINED_RUNS = 24  # among more, dots have no lines between them
END_SIZE = 4.0  # pixels from the middle of a mark of divergence to its corners


@dataclass(frozen=True)
class Stroke:
    """What curves have in common that are drawn in one go.

    Attributes:
        colour: of the curves.
        share: of it, the rest is background.
        width: of lines, in pixels.
        style: which dashes.
        dot: diameter of dots on the line, 0 without.
        rim: whether dots have one.
        joins: whether there is a line.
    """

    colour: str
    share: float
    width: float
    style: int = 0
    dot: float = 0.0
    rim: bool = False
    joins: bool = True

    def paint(self, look: Look) -> QColor:
        """The colour that is seen."""
        colour = look.colour(self.colour)
        return look.mixed(colour, self.share) if self.share < 1 else colour


def paint_curves(painter: QPainter, frame: Frame, content: Content, look: Look) -> None:
    """Bands, then raw values, then lines, dots and marks of divergence; the lifted ones last."""
    curves = content.sight.curves
    runs = len({drawn.curve.run for drawn in curves})
    many = runs > RAW_RUNS
    look = look.of_many if many else look
    order = sorted(range(len(curves)), key=lambda i: content.is_lifted(curves[i].curve))
    for i in order:
        _paint_band(painter, frame, curves[i], look)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, look.fine_raw)
    for drawn in (curves[i] for i in order if content.is_lifted(curves[i].curve)):
        if drawn.raw:
            _set_pen(painter, Stroke(drawn.curve.colour, RAW_SHARE, look.raw), look)
            draw(painter, segments(frame.x.pixels(drawn.raw[0]), frame.y.pixels(drawn.raw[1])))
    # While many curves move, ragged edges are not seen; they take half of the time to smooth.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not (look.draft and many))
    _paint_fronts(painter, frame, content, look, order, runs)
    for drawn in curves:
        if drawn.ended:
            _paint_end(painter, frame, drawn.ended, look)


def _paint_fronts(
    painter: QPainter,
    frame: Frame,
    content: Content,
    look: Look,
    order: Sequence[int],
    runs: int,
) -> None:
    """Lines and dots: neighbours that share a pen together, in pixels once for all of them."""
    sight = content.sight
    x, y = frame.x.pixels(sight.x), frame.y.pixels(sight.y)
    begins, ends = [0, *(sight.ends[:-1] + 1).tolist()], sight.ends.tolist()
    known: dict[tuple, Stroke] = {}
    strokes = []
    for curve in (drawn.curve for drawn in sight.curves):
        style = 0 if look.draft else curve.style
        key = curve.colour, style, curve.points, content.is_lifted(curve)
        if key not in known:
            known[key] = _stroke(curve, content, look, runs)
        strokes.append(known[key])
    for stroke, neighbours in _neighbours(order, strokes):
        begin, end = begins[neighbours[0]], ends[neighbours[-1]]
        if stroke.joins and DASHES[stroke.style % len(DASHES)]:
            for i in neighbours:
                _paint_dashes(painter, stroke, x[begins[i] : ends[i]], y[begins[i] : ends[i]], look)
        elif stroke.joins:
            _set_pen(painter, stroke, look)
            draw(painter, segments(x[begin:end], y[begin:end]))
        if stroke.dot:
            _paint_dots(painter, frame, stroke, x[begin:end], y[begin:end], look)


def _neighbours(
    order: Sequence[int], strokes: Sequence[Stroke]
) -> Iterator[tuple[Stroke, list[int]]]:
    """Curves that follow each other and share a stroke."""
    found: list[int] = []
    for i in order:
        if found and (strokes[i] is not strokes[found[-1]] or i != found[-1] + 1):
            yield strokes[found[-1]], found
            found = []
        found.append(i)
    if found:
        yield strokes[found[-1]], found


def _stroke(curve: Curve, content: Content, look: Look, runs: int) -> Stroke:
    """How a curve is drawn in front.

    Args:
        curve: which.
        content: of its plot.
        look: of all curves.
        runs: how many there are: dots of many have no rims, and of very many no lines.
    """
    lifted = content.is_lifted(curve)
    chosen = lifted and content.lifted is not None
    width = look.line * (LIFTED if chosen else 1.0)
    if curve.points and curve.style == 0:
        width = max(look.raw, BEHIND_DOTS * width)
    return Stroke(
        curve.colour,
        1.0 if lifted else FADED_SHARE,
        width,
        0 if look.draft else curve.style,
        look.dot if curve.points else 0.0,
        rim=chosen or runs <= RAW_RUNS,
        joins=chosen or runs <= JOINED_RUNS or not curve.points,
    )


def _set_pen(painter: QPainter, stroke: Stroke, look: Look) -> None:
    pen = QPen(stroke.paint(look), stroke.width)
    # Caps are what is seen of a value alone; between dashes there must be none.
    dashes = DASHES[stroke.style % len(DASHES)]
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if dashes else Qt.PenCapStyle.SquareCap)
    pen.setCosmetic(look.draft)
    painter.setPen(pen)


def _paint_dashes(
    painter: QPainter, stroke: Stroke, x: np.ndarray, y: np.ndarray, look: Look
) -> None:
    _set_pen(painter, stroke, look)
    lengths = (stroke.width * part for part in DASHES[stroke.style % len(DASHES)])
    draw(painter, dashed(x, y, tuple(lengths)))


def _paint_dots(
    painter: QPainter, frame: Frame, stroke: Stroke, x: np.ndarray, y: np.ndarray, look: Look
) -> None:
    """Dots of validations, with a rim in the background's colour that parts them from the curve.

    Those at the edge of what is in sight are whole, others are left out.
    """
    inner, reach = frame.inner, stroke.dot / 2 + RIM
    fine = (x >= inner.left() - 1) & (x <= inner.right() + 1)  # not where it is not finite
    fine &= (y >= inner.top() - 1) & (y <= inner.bottom() + 1)
    x, y, colour = x[fine], y[fine], stroke.paint(look)
    painter.save()
    painter.setClipRect(inner.adjusted(-reach, -reach, reach, reach))
    _dots(painter, stroke, x, y, look, colour)
    painter.restore()


def _dots(
    painter: QPainter, stroke: Stroke, x: np.ndarray, y: np.ndarray, look: Look, colour: QColor
) -> None:
    if not stroke.rim and not look.fine_raw:
        draw_squares(painter, x, y, stroke.dot, colour)  # of three pixels, none is round
        return
    rims = [(stroke.dot + RIM, QColor(look.theme.background))] if stroke.rim else []
    for width, paint in (*rims, (stroke.dot, colour)):
        # A dot is a round cap.
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
