"""The tabs that are plots of curves: what Loss, Gradients and Schedules share."""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.models.curves import AXES, SMOOTHINGS, Smoother
from gui.models.followed import RunView
from gui.models.marks import Mark, marks_of, position_text
from gui.models.panels import Options, Panel
from gui.models.tables import panels_csv
from gui.plots.grid import PlotGrid
from gui.plots.readout import Readout
from gui.tabs.tab import Tab
from gui.theme import LIGHT, Theme

MIN_LETTERS = 4  # of a choice that are always visible
READOUT_WIDTH = 300


class CurvesTab(Tab):
    """Plots with a row of choices above and a list of values beside them.

    Class attributes:
        empty: the message before the first window.
        choices: the choices it offers.
        span: windows that smoothing spans at first.
    """

    empty = "No window yet: curves come with the first."
    choices: tuple[str, ...] = ("x", "log", "smoothing")
    span = 1

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.runs: list[RunView] = []
        self._smoother = Smoother(self.span)
        self._hidden: frozenset[str] = frozenset()
        self._x = "step"
        self.grid = PlotGrid()
        self.readout = Readout(switches="terms" in self.choices)
        self.message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.bar = QHBoxLayout()
        self._widgets: dict[str, QComboBox | QCheckBox] = {}
        self._make_choices()
        self._lay_out()
        self.grid.crossed.connect(self._crossed)
        # Queued: the list is made anew, which must not be while one of its rows is changing.
        queued = Qt.ConnectionType.QueuedConnection
        self.readout.hidden_changed.connect(self._hide, queued)

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`."""
        raise NotImplementedError

    def aside(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Curves that were switched off, as name and title, and terms of weight 0."""
        return [], []

    def below(self) -> QWidget | None:
        """What stands below the plots."""
        return None

    def beside(self) -> QWidget | None:
        """What stands below the list of values."""
        return None

    def plots(self) -> list[pg.PlotItem]:
        """The plots, for export."""
        return self.grid.plots()

    def table(self, title: str | None) -> str:
        """Every value of the plot of a title, or of all, as CSV."""
        panels = self.panels(self.options, self._smoother)
        return panels_csv([panel for panel in panels if title in (None, panel.title)])

    @property
    def options(self) -> Options:
        """How curves are shown."""
        return Options(
            x=str(self._value("x", "step")),
            log=bool(self._value("log", False)),
            weighted=self._value("values", "raw") == "weighted",
            together=self._value("layout", "one each") == "one plot",
            hidden=self._hidden,
        )

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show runs; called again whenever one of them changed."""
        self.runs = list(runs)
        if not any(len(run.log) for run in self.runs):
            self.message.setText(self._why_empty())
            self.stack.setCurrentWidget(self.message)
            return
        self.stack.setCurrentWidget(self.split)
        self._refresh()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.grid.restyle(theme)
        self.readout.restyle(theme)
        if self.runs:
            self.show_runs(self.runs)

    def state(self) -> dict[str, str]:
        """The choices, to be remembered."""
        return {name: str(self._value(name, "")) for name in self._widgets}

    def restore(self, state: dict[str, str]) -> None:
        """Make the choices again."""
        for name, widget in self._widgets.items():
            if name not in state:
                continue
            if isinstance(widget, QCheckBox):
                widget.setChecked(state[name] == "True")
            elif (place := widget.findData(_typed(state[name]))) >= 0:
                widget.setCurrentIndex(place)

    def _why_empty(self) -> str:
        if not self.runs:
            return "Select runs at the left: one to show it, several to compare them."
        problem = next((run.problem for run in self.runs if run.problem), "")
        return problem or self.empty

    def _make_choices(self) -> None:
        combos = {
            "layout": ("Plots", {"one each": "one each", "together": "one plot"}),
            "values": ("Terms", {"before their weights": "raw", "weighted": "weighted"}),
            "x": ("x", {label: name for name, label in AXES.items()}),
            "smoothing": (
                "Smoothing",
                {"off" if span == 1 else f"{span} windows": span for span in SMOOTHINGS},
            ),
        }
        checks = {"log": "&log y", "clip": "&clip outliers", "marks": "&marks"}
        for name in ("layout", "values", "x", "smoothing"):
            if name in self.choices:
                self._add_combo(name, *combos[name])
        for name in ("log", "clip", "marks"):
            if name in self.choices or name == "marks":
                box = QCheckBox(checks[name])
                box.setChecked(name == "marks")
                box.toggled.connect(self._chosen)
                self._widgets[name] = box
                self.bar.addWidget(box)
        self.bar.addStretch(1)

    def _add_combo(self, name: str, title: str, values: dict) -> None:
        combo = QComboBox()
        for text, value in values.items():
            combo.addItem(text, value)
        if name == "smoothing":
            combo.setCurrentIndex(SMOOTHINGS.index(self.span))
        # As wide as its texts where there is room, and no reason for the window to be wide.
        combo.setMaximumWidth(combo.sizeHint().width())
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(MIN_LETTERS)
        combo.setAccessibleName(title)
        combo.currentIndexChanged.connect(self._chosen)
        label = QLabel(f"{title}:")
        label.setBuddy(combo)
        self._widgets[name] = combo
        self.bar.addWidget(label)
        self.bar.addWidget(combo, 100)

    def _lay_out(self) -> None:
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(self.grid)
        below = self.below()
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.readout)
        beside = self.beside()
        for column, more in ((left, below), (right, beside)):
            if more is not None:
                column.addWidget(more)
                column.setSizes([1000, 1000])
            column.setChildrenCollapsible(False)
        self.split = QSplitter()
        self.split.addWidget(left)
        self.split.addWidget(right)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([4 * READOUT_WIDTH, READOUT_WIDTH])
        self.stack = QStackedWidget()
        self.stack.addWidget(self.message)
        self.stack.addWidget(self.split)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(self.bar)
        layout.addWidget(self.stack, 1)

    def _value(self, name: str, default: object) -> object:
        widget = self._widgets.get(name)
        if isinstance(widget, QCheckBox):
            return widget.isChecked()
        return widget.currentData() if widget else default

    def _chosen(self) -> None:
        span = int(str(self._value("smoothing", 1)))
        if span != self._smoother.span:
            self._smoother = Smoother(span)
        moved = self.options.x != self._x
        self._x = self.options.x
        self.show_runs(self.runs)
        if moved:  # a range of steps means nothing in hours
            self.grid.fit()

    def _hide(self, names: frozenset[str]) -> None:
        self._hidden = names
        self.show_runs(self.runs)

    def _refresh(self) -> None:
        options = self.options
        panels = self.panels(options, self._smoother)
        self.grid.x_label = AXES[options.x]
        clip = bool(self._value("clip", False))
        self.grid.show_panels(panels, self._marks(options), clip)
        self.readout.show_panels(panels, *self.aside())

    def _marks(self, options: Options) -> list[Mark]:
        """The marks of a single run: those of several would hide the curves."""
        if not self._value("marks", True):
            return []
        return marks_of(self.runs[0], options) if len(self.runs) == 1 else []

    def _crossed(self, x: float | None) -> None:
        text = ""
        if x is not None and self.runs:
            found = (position_text(run, x, self.options) for run in self.runs)
            text = next((line for line in found if line), "")
            near = [mark.text for mark in self.grid.marks_near(x) if mark.text]
            text = "\n".join([text, *dict.fromkeys(near)])
        self.readout.show_at(x, text)


def _typed(text: str) -> str | int:
    return int(text) if text.isdigit() else text
