"""One spectrum: picture, sources, estimates, and the table below."""

import html

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.spectra import cell_size, level_text, matches, present, scene_words, spectrum_rows
from gui.theme import Theme
from ris_tf.runlog import SpectrumSample

SCALES_DB = (30, 20, 10)  # what the colours span below the peak; the first at first
COLOURS = "viridis"  # perceptually even, and safe for colour-blind people
ESTIMATES = "#ff5d8f"  # in no part of the colour map
SOURCE_PX, ESTIMATE_PX = 15, 12
LEGEND = f'○ source &nbsp; &nbsp; <span style="color:{ESTIMATES}">✖</span> estimate'
TITLE_SIZE = "9pt"
BESIDE_PX = 180  # what axes and colour bar take of a pane's width
HEADERS = ("source", "azimuth (deg)", "elevation (deg)", "range (m)")


class SpectrumPane(QWidget):
    """Shows one scene of a sample, or a line that says why there is none."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._sample: SpectrumSample | None = None
        self._scene = 0
        self._grid: tuple | None = None
        self._label = ""
        self._foreground = "#000000"
        self._metrics = _title_metrics(self.font())
        self.graphics = pg.GraphicsLayoutWidget()
        self.graphics.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrow keys are the tab's
        self.graphics.ci.layout.setSpacing(0)
        self.legend = self.graphics.ci.addLabel(LEGEND, row=0, col=0, size=TITLE_SIZE)
        self._make_plot()
        self.hover = QLabel()
        self.hover.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.table = _table()
        self.problem = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)  # it quotes what others wrote
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.problem, 1)
        layout.addWidget(self.graphics, 1)
        layout.addWidget(self.hover)
        layout.addWidget(self.table)
        self.graphics.scene().sigMouseMoved.connect(self._moved)
        self.show_problem("")

    def _make_plot(self) -> None:
        self.plot = self.graphics.ci.addPlot(row=1, col=0)
        self.plot.setLabel("bottom", "azimuth (deg)")
        self.plot.setLabel("left", "elevation (deg)")
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.addItem(self.image)
        self.bar = pg.ColorBarItem(
            values=(-SCALES_DB[0], 0), colorMap=pg.colormap.get(COLOURS), interactive=False
        )
        self.bar.setLabel("left", "dB")
        self.bar.setImageItem(self.image, insert_in=self.plot)
        # White on dark parts of the picture, black on bright ones: two rings, one in the other.
        ring = {"symbol": "o", "size": SOURCE_PX, "brush": None, "pxMode": True}
        self._outline = pg.ScatterPlotItem(pen=pg.mkPen("k", width=5), **ring)
        self.sources = pg.ScatterPlotItem(pen=pg.mkPen("w", width=2), **ring)
        self.estimates = pg.ScatterPlotItem(
            symbol="x", size=ESTIMATE_PX, brush=ESTIMATES, pen=pg.mkPen("k", width=1)
        )
        for item in (self._outline, self.sources, self.estimates):
            self.plot.addItem(item)

    def show_problem(self, text: str) -> None:
        """Show a line in place of the spectrum."""
        self._sample = None
        self.problem.setText(text)
        self._show_parts(False)

    def _show_parts(self, shown: bool) -> None:
        self.problem.setVisible(not shown)
        for part in (self.graphics, self.hover, self.table):
            part.setVisible(shown)

    @property
    def shows_spectrum(self) -> bool:
        """Whether there is a picture."""
        return self._sample is not None

    def show_spectrum(self, sample: SpectrumSample, scene: int, label: str) -> None:
        """Show a scene of a sample; the zoom stays while the grid does."""
        if scene >= len(sample.snr_db):
            self.show_problem(f"{label}: keeps {len(sample.snr_db)} scenes, no scene {scene + 1}")
            return
        self._sample, self._scene = sample, scene
        self.image.setImage(sample.spectrum_db[scene].astype(np.float32), autoLevels=False)
        self._place(sample)
        truth, estimate = present(sample.truth[scene]), present(sample.estimate[scene])
        for item in (self._outline, self.sources):
            item.setData(truth[:, 0], truth[:, 1])
        self.estimates.setData(estimate[:, 0], estimate[:, 1])
        self._label = label
        self._entitle()
        self._fill_table()
        self._show_hover(None)
        self._show_parts(True)

    def _entitle(self) -> None:
        """The plot's title, cut to its width: a longer one would widen the plot out of sight."""
        if self._sample is None:
            return
        rest = f", epoch {self._sample.epoch + 1}, scene {self._scene + 1}"
        room = self.width() - BESIDE_PX - self._metrics.horizontalAdvance(rest)
        cut = self._metrics.elidedText(self._label, Qt.TextElideMode.ElideMiddle, max(room, 0))
        self.plot.setTitle(html.escape(cut + rest), size=TITLE_SIZE, color=self._foreground)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the title anew."""
        super().resizeEvent(event)
        self._entitle()

    def _place(self, sample: SpectrumSample) -> None:
        """Put the picture's cells around the grid's points."""
        axes = sample.azimuth_deg, sample.elevation_deg
        grid = tuple((float(axis[0]), float(axis[-1]), len(axis)) for axis in axes)
        if grid == self._grid:
            return
        self._grid = grid
        (width, height) = (cell_size(axis) for axis in axes)
        left, bottom = grid[0][0] - width / 2, grid[1][0] - height / 2
        place = QRectF(left, bottom, width * grid[0][2], height * grid[1][2])
        self.image.setRect(place)
        self.plot.setLimits(
            xMin=place.left(), xMax=place.right(), yMin=place.top(), yMax=place.bottom()
        )
        self.plot.setRange(place, padding=0)

    def _fill_table(self) -> None:
        assert self._sample is not None
        rows = matches(self._sample, self._scene)
        self.table.setRowCount(len(rows))
        for i, match in enumerate(rows):
            for j, words in enumerate([match.verdict, *match.words()]):
                item = QTableWidgetItem(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.table.setItem(i, j, item)
        height = self.table.horizontalHeader().sizeHint().height() + 2 * self.table.frameWidth()
        self.table.setFixedHeight(height + sum(self.table.rowHeight(i) for i in range(len(rows))))

    def _moved(self, position: QPointF) -> None:
        view = self.plot.getViewBox()
        inside = view.sceneBoundingRect().contains(position)
        self._show_hover(view.mapSceneToView(position) if inside else None)

    def _show_hover(self, point: QPointF | None) -> None:
        """The hover line: what is under the mouse, or the caption of the table below."""
        if self._sample is None:
            return
        text = level_text(self._sample, self._scene, point.x(), point.y()) if point else ""
        caption = f"{scene_words(self._sample, self._scene)}: true → estimate (error)"
        self.hover.setText(text or caption)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        super().leaveEvent(event)
        self._show_hover(None)

    def set_scale(self, decibels: float) -> None:
        """Let the colours span this much below the peak."""
        self.bar.setLevels((-decibels, 0))

    def frame(self, colour: str | None) -> None:
        """Mark the picture as one of several runs' by the run's colour."""
        self.plot.getViewBox().setBorder(pg.mkPen(colour, width=3) if colour else None)

    def values(self) -> list[tuple]:
        """The shown values, for a table: see `spectrum_rows`; empty without a picture."""
        if self._sample is None:
            return []
        return spectrum_rows(self._sample, self._scene)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._foreground = theme.foreground
        self.graphics.setBackground(theme.background)
        self.legend.setText(LEGEND, color=theme.foreground)
        axes = *(self.plot.getAxis(side) for side in ("left", "bottom")), self.bar.axis
        for axis in (*axes, self.bar.getAxis("left")):
            axis.setPen(theme.grid)
            axis.setTextPen(theme.foreground)
        self._entitle()


def _title_metrics(font: QFont) -> QFontMetrics:
    title = QFont(font)
    title.setPointSize(int(TITLE_SIZE.removesuffix("pt")))
    return QFontMetrics(title)


def _table() -> QTableWidget:
    table = QTableWidget(0, len(HEADERS))
    table.setHorizontalHeaderLabels(HEADERS)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
    table.setTextElideMode(Qt.TextElideMode.ElideNone)  # a cell's margins may be written into
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(20)
    table.setAccessibleName("sources and the estimates that they are matched to")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setFrameShape(QFrame.Shape.NoFrame)
    return table
