"""The Gradients tab: norms, clipping, dropped windows, and every layer over time."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QLabel, QListWidget, QVBoxLayout, QWidget

from gui.models.curves import AXES, Smoother
from gui.models.layers import LayerImage, layer_image
from gui.models.marks import dropped
from gui.models.panels import Options, Panel, gradient_panels
from gui.models.tables import layers_csv
from gui.tabs.curves import CurvesTab
from gui.theme import Theme

SHOWN = 200  # dropped windows listed, the last ones
IMAGE_MS = 500  # shortest time between two images of the layers
LAYERS = "gradient norm by layer, log10"
NAMES_WIDTH = 140  # pixels
ROOM = 16  # of which the axis takes some
NAME_HEIGHT = 11  # pixels


class GradientsTab(CurvesTab):
    """Gradient norms in plots, per layer as a heat map, and the windows that were dropped."""

    title = "Gradients"
    choices = ("x", "smoothing", "log", "clip")
    span = 30

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`, and what stands below them."""
        if not self._again.isActive():
            self._again.start()
        return gradient_panels(self.runs, options, smoother)

    def below(self) -> QWidget:
        """The heat map."""
        self._again = QTimer(self, singleShot=True, interval=IMAGE_MS)
        self._again.timeout.connect(self._show_below)
        self._span: tuple[float, float] | None = None
        self.layers = LayerMap()
        self.grid.zoomed.connect(self._zoom)
        return self.layers

    def beside(self) -> QWidget:
        """The list of dropped windows."""
        self.dropped_title = QLabel()
        self.dropped_list = QListWidget()
        self.dropped_list.setAccessibleName("dropped windows and their reasons")
        self.dropped_list.setWordWrap(True)
        side = QWidget()
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.dropped_title)
        layout.addWidget(self.dropped_list)
        return side

    def plots(self) -> list[pg.PlotItem]:
        """The plots, for export."""
        return [*self.grid.plots(), self.layers.plot]

    def table(self, title: str | None) -> str:
        """Every value of the plot of a title, or of all but the layers', as CSV."""
        if title == LAYERS and self.runs:
            return layers_csv(self.runs[0].log)
        return super().table(title)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.layers.restyle(theme)
        super().restyle(theme)

    def show_runs(self, runs) -> None:
        """Show runs; the first image comes at once."""
        other = [run.path for run in runs] != [run.path for run in self.runs]
        super().show_runs(runs)
        if other and self.runs:
            self._show_below()

    def _zoom(self, span: tuple[float, float] | None) -> None:
        """The layers over the same x."""
        self._span = span
        self._show_below()

    def _show_below(self) -> None:
        if not self.runs:
            return
        run, options = self.runs[0], self.options
        image = layer_image(run.log, run.x(options.x), self._span)
        self.layers.setVisible(image is not None)
        if image:
            self.layers.show_image(image, AXES[options.x], run.label)
        found = dropped(run.log)
        count = f"{len(found):,} of {len(run.log):,} windows dropped"
        count = count if found else f"no window of {len(run.log):,} dropped"
        whose = f"{run.label}: " if len(self.runs) > 1 else ""
        self.dropped_title.setText(whose + count)
        rows = [f"step {step:,}: {reason}" for step, reason in found[-SHOWN:]]
        if [self.dropped_list.item(i).text() for i in range(self.dropped_list.count())] != rows:
            self.dropped_list.clear()
            self.dropped_list.addItems(rows)


class LayerMap(pg.GraphicsLayoutWidget):
    """Gradient norm of every layer over time, logarithmic, with its colour bar."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.plot: pg.PlotItem = self.addPlot()
        self.map = pg.colormap.get("viridis")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.addItem(self.image)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getViewBox().invertY(True)
        self.plot.getViewBox().setMouseEnabled(x=False, y=False)
        self.plot.getAxis("left").setWidth(NAMES_WIDTH)
        self.bar = pg.ColorBarItem(colorMap=self.map, interactive=False, width=12)
        self.bar.setImageItem(self.image, insert_in=self.plot)
        small = QFont(self.font())
        small.setPointSizeF(7.5)
        self._metrics = QFontMetrics(small)
        self.plot.getAxis("left").setTickFont(small)
        self.plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._layers: list[str] = []

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.setBackground(theme.background)
        self.plot.setTitle(LAYERS, color=theme.foreground, size="9pt")
        for axis in ("left", "bottom"):
            self.plot.getAxis(axis).setPen(theme.grid)
            self.plot.getAxis(axis).setTextPen(theme.muted)
        self.bar.axis.setPen(theme.grid)
        self.bar.axis.setTextPen(theme.muted)

    def show_image(self, image: LayerImage, x_label: str, run: str) -> None:
        """Show norms.

        Args:
            image: the norms.
            x_label: of the x axis.
            run: whose they are; shown in the tooltip.
        """
        decades, (low, high) = image.decades, image.ends
        self.setToolTip(run)
        self.plot.setLabel("bottom", x_label)
        finite = decades[np.isfinite(decades)]
        low_level, high_level = (finite.min(), finite.max()) if len(finite) else (-1.0, 0.0)
        self.image.setImage(decades, autoLevels=False)
        self.image.setRect(low, 0, high - low, len(image.layers))
        self.bar.setLevels((float(low_level), float(max(high_level, low_level + 1e-3))))
        self.plot.setRange(xRange=image.ends, yRange=(0, len(image.layers)), padding=0)
        self._layers = image.layers
        self._name_rows()

    def resizeEvent(self, event) -> None:
        """Another height has room for other names."""
        super().resizeEvent(event)
        if hasattr(self, "_layers"):  # the constructor of the base class resizes
            self._name_rows()

    def _name_rows(self) -> None:
        room = max(self.plot.getViewBox().height() / NAME_HEIGHT, 1)
        every = max(-int(-len(self._layers) // room), 1)
        # The end of a path is its most specific part.
        names = (
            self._metrics.elidedText(name, Qt.TextElideMode.ElideLeft, NAMES_WIDTH - ROOM)
            for name in self._layers
        )
        ticks = [(i + 0.5, name) for i, name in enumerate(names)]
        self.plot.getAxis("left").setTicks([ticks[::every]])
