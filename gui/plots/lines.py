"""Lines by the thousand, drawn as single segments: Qt is far quicker with them than with paths."""

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from shiboken6 import wrapInstance  # pyright: ignore[reportAttributeAccessIssue]

# Lengths of dashes and gaps in widths of the line: solid, dashed, dotted, both.
DASHES = ((), (5.0, 3.0), (1.5, 2.0), (6.0, 2.5, 1.5, 2.5))
PIECE = 1.5  # pixels between the points of a dashed line
LONGEST = 40_000  # pixels of a line that is still drawn in dashes
HALF_DOT = 0.75  # pixels to both sides of a value that stands alone


def segments(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`[m, 4]` lines between neighbours; a value alone among those not finite is a short one.

    Args:
        x: `[n]` pixels.
        y: `[n]` pixels, not finite where the line is broken.
    """
    fine = np.isfinite(x) & np.isfinite(y)
    joined = fine[:-1] & fine[1:]
    lines = np.empty((max(len(x) - 1, 0), 4))
    lines[:, 0], lines[:, 1], lines[:, 2], lines[:, 3] = x[:-1], y[:-1], x[1:], y[1:]
    if len(x) > 1 and joined.all():
        return lines
    lines = lines[joined]
    alone = fine.copy()
    alone[:-1] &= ~joined
    alone[1:] &= ~joined
    if not alone.any():
        return lines
    x, y = x[alone], y[alone]
    return np.concatenate([lines, np.stack([x - HALF_DOT, y, x + HALF_DOT, y], axis=1)])


def dashed(x: np.ndarray, y: np.ndarray, pattern: tuple[float, ...]) -> np.ndarray:
    """`[m, 4]` lines that leave gaps out.

    Args:
        x: `[n]` pixels.
        y: `[n]` pixels.
        pattern: lengths of dash, gap, dash... in pixels.
    """
    fine = np.isfinite(x) & np.isfinite(y)
    lengths = np.where(fine[:-1] & fine[1:], np.hypot(np.diff(x), np.diff(y)), 0.0)
    along = np.concatenate([[0.0], np.cumsum(np.nan_to_num(lengths))])
    if not 0 < along[-1] < LONGEST:
        return segments(x, y)
    at = np.arange(0.0, along[-1] + PIECE, PIECE)
    broken = np.where(fine, 0.0, np.nan)
    path = [np.interp(at, along, np.nan_to_num(values)) for values in (x, y)]
    gap = np.interp(at, along, broken)
    ends = np.cumsum(pattern)
    drawn = np.searchsorted(ends, at % ends[-1], "right") % 2 == 0
    return segments(path[0], np.where(drawn & ~np.isnan(gap), path[1], np.nan))


def draw(painter: QPainter, lines: np.ndarray) -> None:
    """Draw lines with the painter's pen.

    Args:
        painter: ready to draw.
        lines: `[m, 4]` pixels.
    """
    if not len(lines):
        return
    # QLineF is four doubles: Qt reads them where numpy has them, without an object for each.
    held = np.ascontiguousarray(lines, np.float64)
    painter.drawLines(wrapInstance(held.ctypes.data, QLineF), len(held))  # pyright: ignore


def draw_squares(
    painter: QPainter, x: np.ndarray, y: np.ndarray, side: float, colour: QColor
) -> None:
    """Draw squares whole pixels wide, far quicker than dots.

    Args:
        painter: ready to draw.
        x: `[n]` of their middles in pixels.
        y: `[n]`.
        side: their width.
        colour: of all of them.
    """
    if not len(x):
        return
    corners = np.rint(np.stack([x, y], axis=1) - side / 2)
    held = np.ascontiguousarray(np.concatenate([corners, np.full_like(corners, side)], axis=1))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRects(wrapInstance(held.ctypes.data, QRectF), len(held))  # pyright: ignore
    painter.restore()
