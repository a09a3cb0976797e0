"""What is on the screen: in how many columns of a plot a curve's colour is where its data are."""

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

NEAR = 3  # pixels up or down from where a value stands
ALIKE = 90.0  # distance of colours, of 441 from black to white


def screen(widget) -> np.ndarray:
    """`[height, width, 3]` pixels of a widget as they are on the screen, not painted anew."""
    for _ in range(3):  # a size leads to another arrangement, and that to other pictures
        QApplication.processEvents()
    window = widget.window()
    pixels = pixels_of(window.screen().grabWindow(window.winId()))
    at = widget.mapTo(window, QPoint(0, 0))
    return pixels[at.y() : at.y() + widget.height(), at.x() : at.x() + widget.width()]


def pixels_of(picture) -> np.ndarray:
    """`[height, width, 3]` of a pixmap."""
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    return pixels.astype(float)


def coverage(plot, run: str | None = None) -> float:
    """Share of the columns between a plot's first and last value in sight that have its line.

    Args:
        plot: on the screen.
        run: of which run; the first curve unless given.
    """
    pixels = screen(plot)
    frame = plot.frame
    ends = frame.x.value(frame.x.begin), frame.x.value(frame.x.end)
    assert np.allclose(ends, plot.view.range), "the picture is of another range"
    curve = next(d for d in plot._curves if run in (None, d.curve.run) and not d.curve.points)
    x, y = frame.x.pixels(curve.x), frame.y.pixels(curve.y)
    fine = np.isfinite(x) & np.isfinite(y)
    assert fine.any(), "no data in sight"
    begin, end = max(x[fine].min(), frame.inner.left()), min(x[fine].max(), frame.inner.right())
    columns = np.arange(int(begin) + 2, int(end) - 2)
    assert len(columns) > 5, "no data in sight"
    columns = columns[~_under_dots(columns, plot)]
    heights = np.interp(columns + 0.5, x[fine], y[fine])
    # Another curve, drawn later, may cover it.
    theme, drawn = plot.look.theme, plot._curves[plot._curves.index(curve) :]
    colours = {QColor(theme.curve(other.curve.colour)).getRgb()[:3] for other in drawn}
    found = [
        _has(pixels[:, column], height, colours)
        for column, height in zip(columns, heights, strict=True)
    ]
    inside = (heights > frame.inner.top()) & (heights < frame.inner.bottom())
    return float(np.mean(np.array(found)[inside])) if inside.any() else 0.0


def _under_dots(columns: np.ndarray, plot) -> np.ndarray:
    """Columns in which a dot of a validation, which has a rim, may cover a line."""
    dots = [plot.frame.x.pixels(d.x) for d in plot._curves if d.curve.points]
    at = np.concatenate([np.zeros(0), *dots])
    return (np.abs(columns[:, None] + 0.5 - at) < plot.look.dot).any(axis=1)


def _has(column: np.ndarray, height: float, colours: set) -> bool:
    near = column[max(int(height) - NEAR, 0) : int(height) + NEAR + 1]
    return any(
        bool((np.linalg.norm(near - np.array(colour), axis=1) < ALIKE).any()) for colour in colours
    )


def wheel(widget, notches: int, share: float = 0.5, modifiers=Qt.KeyboardModifier.NoModifier):
    """Turn the wheel over a widget, upwards for a number above 0."""
    at = QPointF(share * widget.width(), widget.height() / 2)
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
