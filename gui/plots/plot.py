"""A plot of a panel on the screen: mouse and wheel move along x, y follows what is in sight."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui.models.marks import Mark
from gui.models.panels import Curve, Panel, runs_of
from gui.models.sheaf import Sheaf, sheaf_of
from gui.models.sight import Drawn, Sight, Span, XView, drawn, fitted
from gui.plots.choice import Choice
from gui.plots.content import Content, Frame, inner_of
from gui.plots.look import SCREEN, Look
from gui.plots.paint import paint_plot
from gui.theme import Theme

NOTCH = 0.8  # width of the range after a notch of the wheel over that before
NOTCH_UNITS = 120.0  # of Qt for a notch
DRAG = 4  # pixels that a mouse moves at least in a drag
NEAR = 7.0  # pixels from a curve within which it is pointed at
DRAFT = 0.5  # points of a smooth curve for each pixel, while it moves
KEY_STEP = 0.01  # of the range that a key moves the crosshair by
Lifted = tuple[str | None, str | None]


class PanelPlot(QWidget):
    """A plot that shows a panel.

    What it shows is kept as a picture until something changes: the crosshair costs nothing.

    Args:
        view: the x range, shared by all plots of a grid.
        parent: its owner.
    """

    zoomed = Signal(object)  # x range that was asked for, None for everything
    crossed = Signal(object)  # x of the mouse, None when it leaves
    pointed = Signal(object)  # run and curve under the mouse, None for none
    enlarged = Signal()  # asked for by a double click or Enter
    left = Signal()  # Escape
    menu_wanted = Signal(object)  # QPoint on the screen

    def __init__(self, view: XView, parent: QWidget | None = None):
        super().__init__(parent)
        self.view = view
        self.panel: Panel | None = None
        self.marks: Sequence[Mark] = ()
        self.look: Look = SCREEN
        self.clip = False
        self.choice = Choice()
        self.lifted: Lifted | None = None
        self.label_x = True
        self.frame: Frame | None = None
        self._y_range: Span | None = None
        self._curves: Sequence[Drawn] = ()
        self._sheaf: tuple[tuple[Curve, ...], Sheaf | None] | None = None
        self._picture: QPixmap | None = None
        self._draft = False
        self._cross: float | None = None
        self._pressed: tuple[QPointF, Frame] | None = None
        self._box: QRectF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # -- what it shows ------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What it is called."""
        return self.panel.title if self.panel else ""

    @property
    def runs(self) -> dict[str, str]:
        """Runs with their colours."""
        return runs_of([self.panel]) if self.panel else {}

    @property
    def span(self) -> Span | None:
        """x range that was zoomed into; `None` for everything."""
        return self.view.span

    @property
    def shown(self) -> Panel | None:
        """The panel with what was chosen in the menu."""
        if self.panel is None or self.choice.log is None:
            return self.panel
        return replace(self.panel, log=self.choice.log)

    @property
    def y_range(self) -> Span:
        """Ends of the y axis, log10 of values where it is logarithmic; as last drawn."""
        return self._y_range or (0.0, 1.0)

    def show_panel(self, panel: Panel, marks: Sequence[Mark], look: Look) -> None:
        """Show a panel in place of the one before."""
        before = self.shown
        self.panel, self.marks, self.look = panel, marks, look
        if not before or (before.title, before.log) != (panel.title, self._log):
            self._y_range = None
            self.setAccessibleName(panel.title)
        self.draw()

    @property
    def _log(self) -> bool:
        return bool(self.shown and self.shown.log)

    def choose(self, choice: Choice) -> None:
        """Take what was chosen in the menu."""
        if choice.log != self.choice.log:
            self._y_range = None
        self.choice = choice
        self.draw()

    def cross(self, x: float | None) -> None:
        """Put the crosshair at an x, or take it away."""
        if x != self._cross:
            self._cross = x
            self.update()

    def draw(self, draft: bool = False) -> None:
        """Something changed: draw anew when it is next in sight, quickly while it moves."""
        self._picture, self._draft = None, draft
        self.update()

    def content(self, rect: QRectF, look: Look) -> Content | None:
        """What it shows in a rectangle."""
        panel = self.shown
        if panel is None:
            return None
        sight = self._sight(
            panel, inner_of(rect, look, self.label_x).width() * (DRAFT if look.draft else 1)
        )
        self._curves, self._y_range = sight.curves, self._fit(sight, panel)
        return Content(
            panel, sight, self.view, self._y_range, self.marks, self.lifted, self.label_x
        )

    def _sight(self, panel: Panel, pixels: float) -> Sight:
        """What is in sight; curves of many runs stand side by side until there are others."""
        if self._sheaf is None or self._sheaf[0] is not panel.curves:
            self._sheaf = panel.curves, sheaf_of(panel)
        sheaf, span = self._sheaf[1], self.view.range
        if sheaf is None:
            return drawn(panel, span, pixels)
        return sheaf.sight(span, pixels)

    def _fit(self, sight: Sight, panel: Panel) -> Span:
        chosen = self.choice.y_range
        if not chosen:
            return fitted(sight, panel, self.clip, self._y_range)
        if not panel.log:
            return chosen
        high = np.log10(chosen[1]) if chosen[1] > 0 else 0.0
        return (float(np.log10(chosen[0])) if chosen[0] > 0 else float(high) - 3, float(high))

    def paint(self, painter: QPainter, rect: QRectF, look: Look) -> None:
        """Paint what it shows elsewhere, such as into a picture."""
        content = self.content(rect, look)
        if content:
            paint_plot(painter, rect, replace(content, label_x=True, lifted=None), look)

    # -- the screen ---------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """The layout gives it more."""
        return QSize(240, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size shows other points."""
        super().resizeEvent(event)
        self.draw()

    def changeEvent(self, event: QEvent) -> None:
        """Another font has other ticks."""
        super().changeEvent(event)
        self.draw()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, made anew where something changed, with the crosshair and the box."""
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            self._picture = self._painted(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        self._paint_cross(painter)
        if self._box:
            painter.setPen(QPen(QColor(self.look.theme.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self._box)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self.look.theme.muted), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _painted(self, ratio: float) -> QPixmap:
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        look = self.look.drafted if self._draft else self.look
        content = self.content(QRectF(self.rect()), look)
        if content is None:
            picture.fill(QColor(self.look.theme.background))
        else:
            painter = QPainter(picture)
            self.frame = paint_plot(painter, QRectF(self.rect()), content, look)
            painter.end()
        return picture

    def _paint_cross(self, painter: QPainter) -> None:
        if self._cross is None or self.frame is None:
            return
        x = float(self.frame.x.pixels(np.array([self._cross]))[0])
        inner = self.frame.inner
        if np.isfinite(x) and inner.left() <= x <= inner.right():
            painter.setPen(QPen(QColor(self.look.theme.muted), 1))
            painter.drawLine(QLineF(x, inner.top(), x, inner.bottom()))

    # -- mouse and keys -----------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom along x about the mouse; with a modifier, what is around scrolls."""
        turned, sideways = event.angleDelta().y(), event.angleDelta().x()
        if event.modifiers() or self.frame is None or not (turned or sideways):
            event.ignore()
            return
        event.accept()
        scale, factor = self.frame.x, NOTCH ** (turned / NOTCH_UNITS)
        at = min(max(event.position().x(), scale.begin), scale.end)
        shift = -0.1 * sideways / NOTCH_UNITS * (scale.end - scale.begin)
        ends = (at + (end - at) * factor + shift for end in (scale.begin, scale.end))
        low, high = (scale.value(end) for end in ends)
        self.zoomed.emit((low, high))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move, or with Shift to draw a box."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.frame:
            self._pressed = event.position(), self.frame
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._box = QRectF(event.position(), event.position())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what is in sight, the box, or the crosshair."""
        if self.frame is None:
            return
        at = event.position()
        inside = self.frame.inner.contains(at)
        self.crossed.emit(self.frame.x.value(at.x()) if inside else None)
        if self._pressed and self._box is not None:
            self._box = QRectF(self._pressed[0], at).normalized() & self.frame.inner
            self.update()
        elif self._pressed:
            self._move(at)
        else:
            self.pointed.emit(self.curve_at(at) if inside else None)

    def _move(self, at: QPointF) -> None:
        assert self._pressed
        begin, frame = self._pressed
        by = at.x() - begin.x()
        if abs(by) >= DRAG:
            ends = frame.x.value(frame.x.begin - by), frame.x.value(frame.x.end - by)
            self.zoomed.emit(ends)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Zoom into the box."""
        super().mouseReleaseEvent(event)
        box, self._pressed, self._box = self._box, None, None
        if box is not None and self.frame and min(box.width(), box.height()) >= DRAG:
            self._zoom_into(box, self.frame)
        self.update()

    def _zoom_into(self, box: QRectF, frame: Frame) -> None:
        """x for all plots, y for this one."""
        self.choice.y_range = (frame.y.value(box.bottom()), frame.y.value(box.top()))
        self.zoomed.emit((frame.x.value(box.left()), frame.x.value(box.right())))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Alone, or among the others again."""
        self._pressed = None
        self.enlarged.emit()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done to it."""
        self._pressed = self._box = None
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter enlarges, Escape goes back, arrows move the crosshair."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enlarged.emit()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() and self.frame:
            self._step(-KEY_STEP if key == Qt.Key.Key_Left else KEY_STEP, self.frame)
        else:
            super().keyPressEvent(event)

    def _step(self, by: float, frame: Frame) -> None:
        scale = frame.x
        now = scale.pixels(np.array([self._cross]))[0] if self._cross is not None else np.nan
        now = now if np.isfinite(now) else (scale.begin + scale.end) / 2
        at = min(max(now + by * (scale.end - scale.begin), scale.begin), scale.end)
        self.crossed.emit(scale.value(at))

    def leaveEvent(self, event: QEvent) -> None:
        """No crosshair without a mouse."""
        super().leaveEvent(event)
        self.crossed.emit(None)
        self.pointed.emit(None)

    def curve_at(self, at: QPointF) -> Lifted | None:
        """Run and curve that is drawn at a place."""
        if self.frame is None or len(self._curves) < 2:
            return None
        found = [(self._distance(curve, at), curve.curve) for curve in self._curves]
        distance, curve = min(found, key=lambda entry: entry[0])
        return _standing_out(curve, self._curves) if distance <= NEAR else None

    def _distance(self, curve: Drawn, at: QPointF) -> float:
        """Pixels from a place up or down to a curve."""
        assert self.frame
        x = self.frame.x.value(at.x())
        place = int(np.searchsorted(curve.x, x))
        near = slice(max(place - 2, 0), place + 2)
        if not len(curve.x[near]) or not curve.x[0] <= x <= curve.x[-1]:
            return np.inf
        xs, ys = self.frame.x.pixels(curve.x[near]), self.frame.y.pixels(curve.y[near])
        fine = np.isfinite(xs) & np.isfinite(ys)
        if not fine.any():
            return np.inf
        return abs(float(np.interp(at.x(), xs[fine], ys[fine])) - at.y())


def _standing_out(curve: Curve, among: Sequence[Drawn]) -> Lifted | None:
    """What of a curve makes it differ from the others: its run, or its name."""
    if len({other.curve.run for other in among}) > 1:
        return curve.run, None
    return (None, curve.name) if len({other.curve.name for other in among}) > 1 else None


def in_theme(theme: Theme) -> Look:
    """The look of the screen."""
    return SCREEN.in_theme(theme)
