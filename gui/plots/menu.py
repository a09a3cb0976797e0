"""What a right click on a plot offers."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QDoubleValidator, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)

from gui.models.sight import Span
from gui.models.tables import panels_csv
from gui.plots.picture import image_of

if TYPE_CHECKING:
    from gui.plots.grid import PlotGrid
    from gui.plots.plot import PanelPlot

DIGITS = 6


class PlotMenu(QMenu):
    """Enlarge, ranges, copies and files of one plot.

    Args:
        grid: all plots.
        plot: the one that was clicked.
    """

    def __init__(self, grid: "PlotGrid", plot: "PanelPlot"):
        super().__init__(grid)
        self.grid, self.plot = grid, plot
        alone = grid.enlarged is not None
        self._add("Show all &plots" if alone else "&Enlarge", plot.enlarged.emit)
        self._add("Show e&verything", grid.fit)
        self.addSeparator()
        shown = plot.shown
        self._add("Logarithmic &y", self._toggle_log_y, checked=bool(shown and shown.log))
        self._add("Logarithmic &x", self._toggle_log_x, checked=grid.view.log)
        self._add("&Range…", self._ask_range)
        self.addSeparator()
        self._add("&Copy picture", self._copy_picture)
        self._add("Copy &data", self._copy_data)
        self._add("&Save…", lambda: grid.save_wanted.emit(plot.title))

    def _add(self, text: str, act: Callable[[], object], checked: bool | None = None) -> QAction:
        action = self.addAction(text)
        if checked is not None:
            action.setCheckable(True)
            action.setChecked(checked)
        action.triggered.connect(lambda *_: act())
        return action

    def _toggle_log_y(self) -> None:
        shown = self.plot.shown
        choice = self.plot.choice
        choice = replace(choice, log=not (shown and shown.log), y_range=None)
        self.grid.choose(self.plot, choice)

    def _toggle_log_x(self) -> None:
        self.grid.set_log_x(not self.grid.view.log)

    def _ask_range(self) -> None:
        dialog = RangeDialog(self.grid, self.grid.view.span, self.plot.choice.y_range)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            choice = replace(self.plot.choice, y_range=dialog.range("y"))
            self.grid.choose(self.plot, choice)
            self.grid.zoom(dialog.range("x"))
        dialog.deleteLater()

    def _copy_picture(self) -> None:
        QGuiApplication.clipboard().setImage(image_of([self.plot]))

    def _copy_data(self) -> None:
        panel = self.plot.panel
        QGuiApplication.clipboard().setText(panels_csv([panel]) if panel else "")


class RangeDialog(QDialog):
    """Ends of both axes; empty fields leave an axis to itself.

    Args:
        parent: its owner.
        x: ends of the x axis, `None` for everything.
        y: ends of the y axis, `None` for what fits.
    """

    def __init__(self, parent: QWidget, x: Span | None, y: Span | None):
        super().__init__(parent)
        self.setWindowTitle("Range")
        self.fields: dict[str, tuple[QLineEdit, QLineEdit]] = {}
        layout = QGridLayout(self)
        layout.addWidget(QLabel("from"), 0, 1)
        layout.addWidget(QLabel("to"), 0, 2)
        for row, (name, span) in enumerate({"x": x, "y": y}.items(), 1):
            layout.addWidget(QLabel(f"{name} axis"), row, 0)
            low, high = (self._field(name, i, span) for i in (0, 1))
            self.fields[name] = low, high
            layout.addWidget(low, row, 1)
            layout.addWidget(high, row, 2)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons, 3, 0, 1, 3)

    def _field(self, name: str, end: int, span: Span | None) -> QLineEdit:
        field = QLineEdit(f"{span[end]:.{DIGITS}g}" if span else "")
        field.setPlaceholderText("automatic")
        field.setValidator(QDoubleValidator(field))
        field.setAccessibleName(f"{name} axis {('from', 'to')[end]}")
        return field

    def range(self, name: str) -> Span | None:
        """What was given for an axis; `None` where that is no range."""
        texts = [field.text() for field in self.fields[name]]
        try:
            low, high = map(float, texts)
        except ValueError:
            return None
        return (low, high) if low < high else None
