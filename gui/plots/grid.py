"""Plots in a grid, with the same x range and one crosshair."""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from gui.models.marks import Mark
from gui.models.panels import Panel
from gui.plots.plot import PanelPlot, ends_of
from gui.theme import LIGHT, Theme

MIN_WIDTH = 200  # pixels of a plot that can still be read
MAX_COLUMNS = 4
SPACING, MARGIN = 4, 14  # pixels between plots, and at both sides together
REACH = 3  # pixels from the mouse within which a mark is pointed at


class PlotGrid(pg.GraphicsLayoutWidget):
    """Plots of panels."""

    crossed = Signal(object)  # x of the crosshair, None when it leaves
    zoomed = Signal(object)  # x range, None for everything

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.x_label = "step"
        self._plots: list[PanelPlot] = []
        self._marks: list[Mark] = []
        self._columns = 0
        self.scene().sigMouseMoved.connect(self._moved)
        self.ci.layout.setSpacing(SPACING)
        self.ci.layout.setContentsMargins(4, 4, MARGIN - 4, 4)

    def plots(self) -> list[pg.PlotItem]:
        """The plots, for export."""
        return list(self._plots)

    def show_panels(self, panels: Sequence[Panel], marks: Sequence[Mark], clip: bool) -> None:
        """Show panels in place of those before; plots that stay keep their zoom.

        Args:
            panels: a plot each.
            marks: vertical lines through all of them.
            clip: whether y axes leave single outliers out.
        """
        if len(panels) != len(self._plots):
            span = self._plots[0].span if self._plots else None
            self._fill(len(panels))
            self.zoom(span)
        if list(marks) != self._marks:
            self._marks = list(marks)
            for plot in self._plots:
                plot.show_marks(self._marks)
        ends = ends_of(panels)
        for plot, panel in zip(self._plots, panels, strict=True):
            plot.clip, plot.ends = clip, ends
            plot.show_panel(panel, self.theme)
        self._label_x()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours; curves follow with the next panels."""
        self.theme = theme
        self.setBackground(theme.background)

    def fit(self) -> None:
        """Show everything."""
        self.zoom(None)

    def zoom(self, span: tuple[float, float] | None) -> None:
        """Show an x range in all plots, or everything."""
        for plot in self._plots:
            plot.span = span
            plot.draw()
        self.zoomed.emit(span)

    def move(self, scale: float, shift: float) -> None:
        """Zoom and move along x.

        Args:
            scale: width of the new range over that of the present one, about its middle.
            shift: how far to the right, as a share of the present width.
        """
        if self._plots:
            low, high = self._plots[0].view.viewRange()[0]
            middle, half = (low + high) / 2 + shift * (high - low), scale * (high - low) / 2
            self.zoom((middle - half, middle + half))

    def cross(self, x: float | None) -> None:
        """Put the crosshair at an x, or take it away."""
        for plot in self._plots:
            plot.crosshair.setVisible(x is not None)
            if x is not None:
                plot.crosshair.setPos(x)
        self.crossed.emit(x)

    def marks_near(self, x: float) -> list[Mark]:
        """What the vertical lines at an x stand for."""
        if not self._plots:
            return []
        return self._plots[0].backdrop.near(x, REACH * self._plots[0].view.viewPixelSize()[0])

    def resizeEvent(self, event) -> None:
        """Another width may take another number of columns, and shows other points."""
        super().resizeEvent(event)
        if not getattr(self, "_plots", None):  # the constructor of the base class resizes
            return
        if self._columns_for(len(self._plots)) != self._columns:
            QTimer.singleShot(0, self._rearrange)
        else:
            self._even_columns()
        for plot in self._plots:
            plot.draw()

    def leaveEvent(self, event) -> None:
        """No crosshair without a mouse."""
        super().leaveEvent(event)
        self.cross(None)

    def mouseDoubleClickEvent(self, event) -> None:
        """A double click shows everything again."""
        super().mouseDoubleClickEvent(event)
        self.fit()

    def _columns_for(self, count: int) -> int:
        """As many columns as leave plots wide enough, rows balanced."""
        if count <= 2:
            return 1
        fitting = min(max(self.width() // MIN_WIDTH, 1), MAX_COLUMNS, count)
        rows = -(-count // fitting)
        return -(-count // rows) if count % fitting != 1 else fitting

    def _rearrange(self) -> None:
        columns = self._columns_for(len(self._plots))
        if columns == self._columns:
            return
        for plot in self._plots:
            self.ci.removeItem(plot)
        self._place(columns)
        self._label_x()

    def _fill(self, count: int) -> None:
        self.ci.clear()
        self._plots = [PanelPlot() for _ in range(count)]
        for plot in self._plots:
            plot.show_marks(self._marks)
            # Where one plot is moved by hand, all are.
            plot.view.sigRangeChangedManually.connect(
                lambda _, view=plot.view: self.zoom(tuple(view.viewRange()[0]))
            )
        self._place(self._columns_for(count))

    def _place(self, columns: int) -> None:
        """Put plots into rows; the first is as wide as a row where that leaves no gap."""
        self._columns, count = columns, len(self._plots)
        wide = columns > 1 and count % columns == 1
        for i, plot in enumerate(self._plots):
            if wide and i == 0:
                self.ci.addItem(plot, 0, 0, 1, columns)
            else:
                row, column = divmod(i - wide, columns)
                self.ci.addItem(plot, row + wide, column)
        self._even_columns()

    def _even_columns(self) -> None:
        """Plots of one width, whatever their titles take."""
        layout = self.ci.layout
        room = self.width() - MARGIN - SPACING * (self._columns - 1)
        for column in range(layout.columnCount()):
            used = column < self._columns
            layout.setColumnFixedWidth(column, max(room / self._columns, 1) if used else 0)

    def _label_x(self) -> None:
        """The bottom plot of each column carries the x axis."""
        bottom = len(self._plots) - self._columns
        for i, plot in enumerate(self._plots):
            below = self._plots[max(i, bottom)]
            plot.show_x(below.getAxis("bottom"), self.x_label if i >= bottom else None)

    def _moved(self, position) -> None:
        for plot in self._plots:
            if plot.view.sceneBoundingRect().contains(position):
                self.cross(plot.view.mapSceneToView(position).x())
                return
        self.cross(None)
