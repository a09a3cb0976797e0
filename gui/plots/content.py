"""What a plot shows, and where its parts stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from gui.models.marks import Mark
from gui.models.panels import Curve, Panel
from gui.models.sight import Scale, Sight, Span, XView
from gui.plots.look import Look

TICK_LETTERS = "00.000"  # the y axis has room for this
LAST_LETTERS = "000"  # half of the last label of the x axis has room beside it
TICK = 4.0  # pixels of a tick
ROOM = 4.0


@dataclass(frozen=True)
class Content:
    """What a plot shows.

    Attributes:
        panel: its title and curves.
        sight: these as far as they are in sight.
        x: the x axis.
        y_range: ends of the y axis, log10 of values where it is logarithmic.
        marks: vertical lines.
        lifted: run and curve that stand out, either `None` for any; `None` for all alike.
        label_x: whether the x axis has its name.
    """

    panel: Panel
    sight: Sight
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


def inner_of(rect: QRectF, look: Look, label_x: bool) -> QRectF:
    """What is within the axes of a plot in a rectangle."""
    small = look.metrics
    # Room for a name of the y axis, also where there is none: axes stand below each other.
    left = small.horizontalAdvance(TICK_LETTERS) + small.height() + TICK + 2 * ROOM
    top = look.title_metrics.height() + 2 * ROOM
    bottom = small.height() * (2 if label_x else 1) + TICK + ROOM
    inner = rect.adjusted(left, top, -small.horizontalAdvance(LAST_LETTERS), -bottom)
    inner.setSize(inner.size().expandedTo(QRectF(0, 0, 8, 8).size()))
    return inner


def frame_of(rect: QRectF, content: Content, look: Look) -> Frame:
    """The parts of a plot in a rectangle."""
    inner = inner_of(rect, look, content.label_x)
    x = content.x.scale(inner.left(), inner.right())
    return Frame(inner, x, Scale(*content.y_range, inner.bottom(), inner.top(), content.panel.log))
