"""The Gradients tab: norms, clipping, dropped windows, and every layer over time."""

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QLabel, QListWidget, QVBoxLayout, QWidget

from gui.models.followed import RunView
from gui.models.layers import layer_image
from gui.models.marks import dropped
from gui.models.panels import Options, Panel, gradient_panels
from gui.models.smoothing import Smoother
from gui.models.tables import layers_csv
from gui.plots.layers import TITLE as LAYERS
from gui.plots.layers import LayerPlot
from gui.tabs.curves import CurvesTab
from gui.theme import Theme

SHOWN = 200  # dropped windows listed, the last ones
IMAGE_MS = 500  # shortest time between two images of the layers


class GradientsTab(CurvesTab):
    """Gradient norms in plots, per layer as a heat map, and the windows that were dropped."""

    title = "Gradients"
    choices = ("x", "group", "smoothing", "log", "clip")

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
        self.layers = LayerPlot(self.grid.view)
        self.grid.zoomed.connect(self._zoom)
        self.of = QComboBox()
        self.of.setAccessibleName("run whose layers and dropped windows are shown")
        self.of.setToolTip("run whose layers and dropped windows are shown")
        self.of.currentIndexChanged.connect(self._show_below)
        self.bar.addWidget(self.of)
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
        layout.addWidget(self.dropped_list, 1000)
        layout.addStretch(1)  # the title stays above where there is no list
        return side

    def plots(self) -> list[Any]:
        """The plots, for export."""
        return [*self.grid.plots(), self.layers]

    def table(self, title: str | None) -> str:
        """Every value of the plot of a title, or of all but the layers', as CSV."""
        run = self._run()
        if title == LAYERS and run:
            return layers_csv(run.log)
        return super().table(title)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.layers.restyle(theme)
        super().restyle(theme)

    def show_runs(self, runs) -> None:
        """Show runs; the first image comes at once."""
        before = [run.path for run in self.runs]
        super().show_runs(runs)
        if [run.path for run in self.runs] != before and self.runs:
            self._offer_runs()
            self._show_below()

    def _offer_runs(self) -> None:
        """The runs to choose from, where there are several; the chosen one stays."""
        chosen = self.of.currentText()
        self.of.blockSignals(True)
        self.of.clear()
        self.of.addItems([run.label for run in self.runs])
        self.of.setCurrentIndex(max(self.of.findText(chosen), 0))
        self.of.blockSignals(False)
        self.of.setVisible(len(self.runs) > 1)

    def _run(self) -> RunView | None:
        """The run whose layers are shown."""
        found = [run for run in self.runs if run.label == self.of.currentText()]
        return (found or self.runs or [None])[0]

    def _zoom(self, span: tuple[float, float] | None) -> None:
        """The layers over the same x."""
        self._span = span
        self._show_below()

    def _show_below(self) -> None:
        run, options = self._run(), self.options
        if run is None:
            return
        image = layer_image(run.log, run.x(options.x), self._span)
        self.layers.setVisible(image is not None)
        if image:
            self.layers.show_image(image, run.label, run.colour)
        found = dropped(run.log)
        count = f"{len(found):,} of {len(run.log):,} windows dropped"
        count = count if found else f"no window of {len(run.log):,} dropped"
        whose = f"{run.label}: " if len(self.runs) > 1 else ""
        self.dropped_title.setText(whose + count)
        self.dropped_list.setVisible(bool(found))
        rows = [f"window {step:,}: {reason}" for step, reason in found[-SHOWN:]]
        if [self.dropped_list.item(i).text() for i in range(self.dropped_list.count())] != rows:
            self.dropped_list.clear()
            self.dropped_list.addItems(rows)
