"""The tabs that are plots of curves: what Loss, Gradients and Schedules share."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.models.curves import AXES
from gui.models.followed import RunView
from gui.models.groups import grouped, keys_to_group_by
from gui.models.marks import Mark, marks_of, position_text
from gui.models.panels import Options, Panel, distinct, without
from gui.models.smoothing import Smoother
from gui.models.tables import panels_csv
from gui.plots.grid import PlotGrid
from gui.plots.readout import Readout
from gui.tabs.choices import Choices
from gui.tabs.tab import Message, Tab
from gui.theme import LIGHT, Theme

READOUT_WIDTH = 300
PLOTS_SHARE, BELOW_SHARE = 1300, 1000  # of the height, at first
PLOTS = "plots"  # what the choices of the plots are remembered under


class CurvesTab(Tab):
    """Plots with a row of choices above and a matrix of values beside them.

    Class attributes:
        empty: the message before the first window.
        choices: the choices it offers.
        share: of a run, that smoothing spans at first.
    """

    empty = "No window yet: curves come with the first."
    choices: tuple[str, ...] = ("x", "log", "smoothing")
    share = 0.02

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.runs: list[RunView] = []  # those that are drawn
        self._selected: list[RunView] = []
        self._hidden: frozenset[str] = frozenset()
        self._hidden_runs: frozenset[str] = frozenset()
        self._x = "step"
        self._row = Choices(self.choices, self.share, self)
        self.bar, self._widgets = self._row.bar, self._row.widgets
        self._smoother = Smoother(self._share)
        self.grid = PlotGrid()
        self.readout = Readout(switches="terms" in self.choices)
        self.message = Message()
        self._lay_out()
        self._connect()

    def _connect(self) -> None:
        self._row.changed.connect(self._chosen)
        self.grid.crossed.connect(self._crossed)
        self.grid.save_wanted.connect(self.save_wanted)
        for where in (self.grid, self.readout):
            where.pointed.connect(self.grid.lift)
        # Queued: the table is made anew, which must not be while one of its sections is clicked.
        queued = Qt.ConnectionType.QueuedConnection
        self.readout.hidden_changed.connect(self._hide, queued)
        self.readout.runs_changed.connect(self._hide_runs, queued)

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

    def plots(self) -> list[Any]:
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
        self._selected = list(runs)
        self.runs = [run for run in runs if run.label not in self._hidden_runs]
        if not any(len(run.log) for run in self._selected):
            self.message.setText(self._why_empty())
            self.stack.setCurrentWidget(self.message)
            return
        self._smoother.forget_all_but({run.path for run in self._selected})
        self.stack.setCurrentWidget(self.split)
        self._refresh()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.grid.restyle(theme)
        self.readout.restyle(theme)
        if self._selected:
            self.show_runs(self._selected)

    def state(self) -> dict[str, str]:
        """The choices, and those of the plots' menus, to be remembered."""
        return {**self._row.state(), PLOTS: self.grid.state()}

    def restore(self, state: dict[str, str]) -> None:
        """Make the choices again."""
        self._row.restore(state)
        self._x = self.options.x  # a range that comes with it belongs to it
        self.grid.restore(state.get(PLOTS, ""))

    def _why_empty(self) -> str:
        if not self._selected:
            return "Select runs at the left: one to show it, several to compare them."
        problem = next((run.problem for run in self._selected if run.problem), "")
        return problem or self.empty

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
                column.setSizes([PLOTS_SHARE, BELOW_SHARE])
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
        return self._row.value(name, default)

    @property
    def _share(self) -> float:
        return float(str(self._value("smoothing", 0.0)))

    def _chosen(self) -> None:
        if self._share != self._smoother.share:
            self._smoother = Smoother(self._share)
        moved = self.options.x != self._x
        self._x = self.options.x
        self.show_runs(self._selected or self.runs)
        if moved:  # a range of steps means nothing in hours
            self.grid.fit()

    def _hide(self, names: frozenset[str]) -> None:
        self._hidden = names
        self.show_runs(self._selected)

    def _hide_runs(self, runs: frozenset[str]) -> None:
        self._hidden_runs = runs
        self.show_runs(self._selected)

    def _refresh(self) -> None:
        options = self.options
        panels = distinct(self.panels(options, self._smoother), self.runs)
        self.grid.view.label, self.grid.view.kind = AXES[options.x], options.x
        clip = bool(self._value("clip", False))
        complete = all(run.complete for run in self.runs)
        shown = self._grouped(panels)
        runs = [(run.label, run.colour) for run in self._selected or self.runs]
        if shown is not panels:
            runs = list({c.run: c.colour for p in shown for c in p.curves}.items())
            shown = without(shown, self._hidden_runs)
        self.grid.show_panels(shown, self._marks(options), clip, complete)
        self.readout.show_panels(shown, runs, *self.aside())

    def _grouped(self, panels: list[Panel]) -> list[Panel]:
        """Means and spreads of groups of runs in place of curves, if so chosen."""
        self._row.offer_groups(keys_to_group_by(self.runs) if "group" in self.choices else [])
        key = str(self._value("group", ""))
        return grouped(panels, self.runs, key) if key else panels

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
