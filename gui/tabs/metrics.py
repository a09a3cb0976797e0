"""The Metrics tab: what the run is for, validation by validation."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QWidget

from gui.models.followed import RunView
from gui.models.metrics import (
    Column,
    Metric,
    columns_of,
    has_sample,
    metric_panels,
    metrics_of,
    which_of,
    why_no_metrics,
)
from gui.models.panels import Options, Panel
from gui.models.smoothing import Smoother
from gui.tabs.curves import CurvesTab
from gui.theme import LIGHT, Theme

NAME_WIDTH, VALUE_WIDTH, MAX_WIDTH = 142, 60, 120  # pixels of columns
TABLE_WIDTH = NAME_WIDTH + 3 * VALUE_WIDTH + 16
PLOTS_WIDTH = 640
DASHED = "- - -  sample covariance of the same scenes"
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class MetricsTab(CurvesTab):
    """Errors in degrees and metres, sources found and counted, beside the sample covariance."""

    title = "Metrics"
    choices = ("x", "log")

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.readout.hide()  # the table has the values of all curves
        self.dashed = QLabel()
        self.bar.addWidget(self.dashed)
        self.restore({"x": "epoch", "marks": "False"})  # that epochs end is what the axis says
        self.split.setSizes([PLOTS_WIDTH, TABLE_WIDTH])

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`."""
        del smoother
        return metric_panels(self.runs, options)

    def beside(self) -> QWidget:
        """The table of values."""
        self.values = MetricsTable()
        return self.values

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show runs; called again whenever one of them changed."""
        self.runs = self._selected = list(runs)
        if any(run.log.validations for run in self.runs):
            self.stack.setCurrentWidget(self.split)
            self._refresh()
        else:
            self.message.setText(why_no_metrics(self.runs))
            self.stack.setCurrentWidget(self.message)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.values.theme = theme
        super().restyle(theme)

    def _refresh(self) -> None:
        super()._refresh()
        self.dashed.setText(DASHED if has_sample(self.runs) else "")
        self._fill(None)

    def _crossed(self, x: float | None) -> None:
        super()._crossed(x)
        self._fill(x)

    def _fill(self, x: float | None) -> None:
        self.values.show_columns(metrics_of(self.runs), columns_of(self.runs, x, self.options))
        self.values.name_rows(which_of(self.runs, x))


class MetricsTable(QTableWidget):
    """A row for each metric, a column for each validation that is shown."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.setAccessibleName("metrics of validations")
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.ContiguousSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        header.setDefaultAlignment(RIGHT)
        self._shape: tuple | None = None
        self._columns: list[list[QTableWidgetItem]] = []

    def show_columns(self, metrics: Sequence[Metric], columns: Sequence[Column]) -> None:
        """Show values; widths that were chosen stay while the columns do."""
        self._shape_as(metrics, columns)
        for (header, *cells), column in zip(self._columns, columns, strict=True):
            header.setText(column.title)
            header.setToolTip(column.about)
            for item, metric in zip(cells, metrics, strict=True):
                text = column.text(metric)
                if item.text() != text:
                    item.setText(text)

    def name_rows(self, text: str) -> None:
        """The header above the names of metrics."""
        header = self.horizontalHeaderItem(0)
        if header and header.text() != text:
            header.setText(text)

    def _shape_as(self, metrics: Sequence[Metric], columns: Sequence[Column]) -> None:
        """Rows and columns for what is shown now."""
        shape = [m.label for m in metrics], [(c.run.path, c.sample) for c in columns], self.theme
        if shape == self._shape:
            return
        self._shape = shape
        self.setColumnCount(1 + len(columns))
        self.setRowCount(len(metrics))
        first = QTableWidgetItem("metric")
        first.setTextAlignment(Qt.AlignmentFlag.AlignLeft)
        self.setHorizontalHeaderItem(0, first)
        several = len({column.run.path for column in columns}) > 1
        self._columns = [
            self._add_column(j, column, several, len(metrics))
            for j, column in enumerate(columns, 1)
        ]
        for i, metric in enumerate(metrics):
            name = QTableWidgetItem(metric.label)
            better = "higher is better" if metric.higher else "lower is better"
            name.setToolTip(f"{metric.about}; {better}" if metric.about else metric.name)
            self.setItem(i, 0, name)
        self.setColumnWidth(0, NAME_WIDTH)

    def _add_column(
        self, j: int, column: Column, several: bool, rows: int
    ) -> list[QTableWidgetItem]:
        """Header and cells of a column."""
        header = QTableWidgetItem(column.title)
        if several:
            header.setForeground(QColor(self.theme.curve(column.run.colour)))
        self.setHorizontalHeaderItem(j, header)
        bold = QFont(self.font())
        bold.setBold(j == 1 and not several)
        cells = [QTableWidgetItem() for _ in range(rows)]
        for i, item in enumerate(cells):
            item.setTextAlignment(RIGHT)
            item.setFont(bold)
            if column.sample:
                item.setForeground(QColor(self.theme.muted))
            self.setItem(i, j, item)
        room = self.fontMetrics().horizontalAdvance(max(column.title.split("\n"), key=len)) + 12
        self.setColumnWidth(j, min(max(room, VALUE_WIDTH), MAX_WIDTH))
        return [header, *cells]
