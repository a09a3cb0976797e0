"""Plots in a grid, with the same x range and one crosshair."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from gui.models.marks import Mark
from gui.models.panels import Panel
from gui.models.sight import Span, XView, ends_of, has_data, least_above_zero
from gui.models.ticks import linear_labels
from gui.plots.choice import Choice, read, written
from gui.plots.header import Header
from gui.plots.plot import Lifted, PanelPlot, in_theme
from gui.theme import LIGHT, Theme

MIN_WIDTH = 205  # pixels of a plot that can still be read
MIN_HEIGHT, LARGE_HEIGHT = 132, 210
MAX_COLUMNS = 4
SPACING = 4
MANY = 100  # curves of all plots together, that are drawn quickly while something moves
REST_MS = 150  # without a movement, after which they are drawn well
REACH = 3  # pixels from the mouse within which a mark is pointed at
GOOD_SHAPE = 1.7  # width of a plot over its height
EMPTY_IS_ODD = 1.0  # against its logarithm: cells without a plot, as a share of those with one
LARGE, OTHER = 3, 2  # how rows share what height there is


class PlotGrid(QWidget):
    """Plots of panels below a line that names their runs."""

    crossed = Signal(object)  # x of the crosshair, None when it leaves
    zoomed = Signal(object)  # x range, None for everything
    pointed = Signal(object)  # run and curve under the mouse, None for none
    save_wanted = Signal(str)  # title of a plot

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.view = XView()
        self.header = Header()
        self._plots: list[PanelPlot] = []
        self._panels: list[Panel] = []
        self._marks: list[Mark] = []
        self._choices: dict[str, Choice] = {}
        self._enlarged: str | None = None
        self._remembered: str | None = None  # title of the plot that was alone before
        self._columns = 0
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._draw_well)
        self._body = QWidget()
        self._cells = QGridLayout(self._body)
        self._cells.setSpacing(SPACING)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._area = QScrollArea(widgetResizable=True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(self._area, 1)
        self.restyle(LIGHT)

    def minimumSizeHint(self) -> QSize:
        """What has no room is scrolled to."""
        return QSize(MIN_WIDTH, MIN_HEIGHT)

    @property
    def x_label(self) -> str:
        """Name of the x axis."""
        return self.view.label

    @x_label.setter
    def x_label(self, label: str) -> None:
        self.view.label, self.view.kind = label, ""

    def plots(self) -> list[PanelPlot]:
        """The plots, for export."""
        return list(self._plots)

    @property
    def panels(self) -> list[Panel]:
        """What they show."""
        return list(self._panels)

    def show_panels(
        self, panels: Sequence[Panel], marks: Sequence[Mark], clip: bool, complete: bool = True
    ) -> None:
        """Show panels in place of those before; plots that stay keep their zoom.

        Args:
            panels: a plot each.
            marks: vertical lines through all of them.
            clip: whether y axes leave single outliers out.
            complete: whether their runs are read to the end; until then a zoom into a range without
                data waits for more.
        """
        self._panels, self._marks = list(panels), list(marks)
        self.view.ends, self.view.least = ends_of(panels), least_above_zero(panels)
        self._leave_what_is_empty(complete)
        titles = [panel.title for panel in panels]
        if self._remembered in titles:
            self._enlarged, self._remembered = self._remembered, None
        if self._enlarged not in titles:
            self._enlarged = None
        self._match(len(panels))
        look = in_theme(self.theme)
        for plot, panel in zip(self._plots, panels, strict=True):
            plot.clip = clip
            plot.choice = self._choices.setdefault(panel.title, Choice())
            plot.show_panel(panel, self._marks, look)
        self._arrange()
        self.header.show_panels(panels)
        if self.view.span and not self.header.note:  # as the last window had it
            self.header.tell(f"zoomed to {self.span_text(self.view.span)}")

    def state(self) -> str:
        """What was chosen for the plots, to be remembered."""
        return written(self.view, self._choices, self._enlarged)

    def restore(self, state: str) -> None:
        """Choose it again; a range without data is left with the first runs that are shown."""
        choices, self._remembered = read(state, self.view)
        self._choices |= choices

    def _leave_what_is_empty(self, complete: bool) -> None:
        """Where the zoom has no data, show all there is, and say so."""
        span = self.view.span
        if not span or not complete or not self._has_curves:
            return
        if not has_data(self._panels, span):
            self.zoom(None)
            self.header.tell(f"nothing at {self.span_text(span)}: all is shown")

    @property
    def _has_curves(self) -> bool:
        return any(len(curve.x) for panel in self._panels for curve in panel.curves)

    def span_text(self, span: Span) -> str:
        """A range of x in words: `window 200-400`."""
        factor, _ = self.view.unit
        ends = [factor * end for end in span]
        step = max((ends[1] - ends[0]) / 100, 1e-12)
        step = max(step, 1.0) if self.view.kind == "step" else step
        return f"{self.view.title} {'–'.join(linear_labels(ends, step))}"

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours; curves follow with the next panels."""
        self.theme = theme
        self.header.restyle(theme)
        for plot in self._plots:
            plot.look = in_theme(theme)
            plot.draw()

    def fit(self) -> None:
        """Show everything."""
        for choice in self._choices.values():
            choice.y_range = None
        self.zoom(None)

    def zoom(self, span: Span | None) -> None:
        """Show an x range in all plots, or everything; one without data is refused."""
        before = self.view.span
        self.view.zoom(span)
        if self.view.span and self._has_curves and not has_data(self._panels, self.view.span):
            self.view.span = before if before and has_data(self._panels, before) else None
        self._draw()
        zoomed = self.view.span
        self.header.tell(f"zoomed to {self.span_text(zoomed)}" if zoomed else "")
        self.zoomed.emit(zoomed)

    def _draw(self) -> None:
        """Draw all plots; many curves quickly at first, and well when nothing moves any more."""
        draft = sum(len(panel.curves) for panel in self._panels) > MANY
        for plot in self._plots:
            plot.draw(draft)
        if draft:
            self._rest.start()

    def _draw_well(self) -> None:
        for plot in self._plots:
            plot.draw()

    def choose(self, plot: PanelPlot, choice: Choice) -> None:
        """Take what was chosen for a plot; it stays while there is a plot of that title."""
        self._choices[plot.title] = choice
        plot.choose(choice)

    def set_log_x(self, log: bool) -> None:
        """A logarithmic x axis, or a linear one."""
        self.view.log = log
        self.zoom(None)

    def move(self, scale: float, shift: float) -> None:
        """Zoom and move along x.

        Args:
            scale: width of the new range over that of the present one, about its middle.
            shift: how far to the right, as a share of the present width.
        """
        axis = self.view.scale(0.0, 1.0)
        middle, half = 0.5 + shift, 0.5 * scale
        if self._plots:
            self.zoom((axis.value(middle - half), axis.value(middle + half)))

    def cross(self, x: float | None) -> None:
        """Put the crosshair at an x, or take it away."""
        for plot in self._plots:
            plot.cross(x)
        self.crossed.emit(x)

    def lift(self, lifted: Lifted | None) -> None:
        """Let the curves of a run, or of a name, stand out in all plots."""
        if self._plots and lifted == self._plots[0].lifted:
            return
        for plot in self._plots:
            plot.lifted = lifted
        self._draw()
        self.header.lift(lifted[0] if lifted else None)

    def marks_near(self, x: float) -> list[Mark]:
        """What the vertical lines at an x stand for."""
        low, high = self.view.range
        width = max((plot.width() for plot in self._plots), default=1)
        reach = REACH * (high - low) / max(width, 1)
        return [mark for mark in self._marks if abs(mark.x - x) <= reach]

    def enlarge(self, title: str | None) -> None:
        """Show one plot alone, or all again."""
        self._enlarged, self._remembered = title, None
        self._columns = 0
        self._arrange()

    @property
    def enlarged(self) -> str | None:
        """Title of the plot that is alone."""
        return self._enlarged

    def resizeEvent(self, event) -> None:
        """Another width may take another number of columns."""
        super().resizeEvent(event)
        if self._plots and self._columns_for(len(self._plots)) != self._columns:
            QTimer.singleShot(0, self._arrange)

    # -- the cells ----------------------------------------------------------------------------

    def _match(self, count: int) -> None:
        """As many plots as panels."""
        while len(self._plots) > count:
            plot = self._plots.pop()
            self._cells.removeWidget(plot)
            plot.hide()
            plot.deleteLater()
            self._columns = 0
        while len(self._plots) < count:
            self._plots.append(self._new_plot())
            self._columns = 0

    def _new_plot(self) -> PanelPlot:
        plot = PanelPlot(self.view, self._body)
        plot.zoomed.connect(self.zoom)
        plot.crossed.connect(self.cross)
        plot.pointed.connect(self.pointed)
        plot.enlarged.connect(lambda: self.enlarge(None if self._enlarged else plot.title))
        plot.left.connect(lambda: self.enlarge(None))
        plot.menu_wanted.connect(lambda at: self._show_menu(plot, at))
        return plot

    def _show_menu(self, plot: PanelPlot, at: QPoint) -> None:
        from gui.plots.menu import PlotMenu

        menu = PlotMenu(self, plot)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def _columns_for(self, count: int) -> int:
        """As many columns as give plots a good shape, wide enough."""
        if count <= 2 or self._enlarged:
            return 1
        small = count - self._has_large()
        fitting = min(max(self.width() // MIN_WIDTH, 1), MAX_COLUMNS, small)
        return min(range(1, fitting + 1), key=lambda columns: self._oddness(columns, small))

    def _oddness(self, columns: int, small: int) -> tuple[float, int]:
        """How far the shape of plots in so many columns is from a good one."""
        rows = -(-small // columns)
        shares = rows + self._has_large() * LARGE / OTHER
        height = max((self.height() - self.header.height()) / shares, MIN_HEIGHT)
        narrow = self.width() / columns / height / GOOD_SHAPE
        empty = rows * columns - small
        return abs(math.log(narrow)) + EMPTY_IS_ODD * empty / small, columns

    def _has_large(self) -> bool:
        return len(self._panels) > 1 and self._panels[0].large

    def _arrange(self) -> None:
        """Put plots into rows where something changed."""
        columns = self._columns_for(len(self._plots))
        shape = (columns, len(self._plots), self._has_large(), self._enlarged)
        if columns == self._columns and shape == getattr(self, "_shape", None):
            return
        self._columns, self._shape = columns, shape
        self._clear()
        alone = [plot for plot in self._plots if plot.title == self._enlarged]
        shown = alone or self._plots
        for i, plot in enumerate(shown):
            self._cells.addWidget(plot, *self._cell(i, columns, bool(alone)))
        self._size_rows(columns, len(shown), bool(alone))
        bottom = len(shown) - columns
        for i, plot in enumerate(self._plots):
            plot.setVisible(plot in shown)
            plot.label_x = bool(alone) or i >= bottom
            plot.draw()

    def _cell(self, i: int, columns: int, alone: bool) -> tuple[int, int, int, int]:
        """Row, column, height and width of a plot."""
        if alone or not self._has_large():
            return (*divmod(i, columns), 1, 1)
        if i == 0:
            return 0, 0, 1, columns
        row, column = divmod(i - 1, columns)
        return row + 1, column, 1, 1

    def _clear(self) -> None:
        for plot in self._plots:
            self._cells.removeWidget(plot)
        for row in range(self._cells.rowCount()):
            self._cells.setRowStretch(row, 0)
            self._cells.setRowMinimumHeight(row, 0)
        for column in range(self._cells.columnCount()):
            self._cells.setColumnStretch(column, 0)

    def _size_rows(self, columns: int, count: int, alone: bool) -> None:
        large = self._has_large() and not alone
        rows = -(-(count - large) // columns) + large
        for row in range(rows):
            first = large and row == 0
            self._cells.setRowStretch(row, LARGE if first else OTHER)
            self._cells.setRowMinimumHeight(row, LARGE_HEIGHT if first else MIN_HEIGHT)
        for column in range(columns):
            self._cells.setColumnStretch(column, 1)
