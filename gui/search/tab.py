"""The tab of a hyperparameter search: its trials, the best so far, parallel coordinates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.models.trials import SearchModel, headline
from gui.search.parallel import ParallelPlot
from gui.search.plots import BestPlot, Theme
from gui.search.table import TrialTable
from gui.tabs.tab import Tab
from ris_tf.search import best_so_far, is_search, parallel, trials_csv

NO_SEARCH = "no search selected: choose a trial of one at the left"
NO_TRIAL = "no trial has ended yet"
UNREADABLE = "the search cannot be read"
LOOK_MS = 1100  # between looks for what is new, a little more than the model's pace


class HasPath(Protocol):
    """A run that is looked at."""

    @property
    def path(self) -> Path:
        """Its folder."""
        ...


class SearchTab(Tab):
    """Shows the search that a selected run is a trial of."""

    title = "Search"
    trial_chosen = Signal(object)  # Path of the trial's run folder

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.search: SearchModel | None = None
        self._asked: Path | None = None  # the run that was last shown
        self.header = QLabel()
        self.header.setWordWrap(True)
        self.header.setTextFormat(Qt.TextFormat.PlainText)
        self.header.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.trials = TrialTable()
        self.best = BestPlot()
        self.parallel = ParallelPlot()
        self.message = _message(NO_SEARCH)
        self.waiting = _message(NO_TRIAL)
        self._lay_out()
        for source in (self.trials, self.best, self.parallel):
            source.pointed.connect(self._highlight)
        for plot in (self.best, self.parallel):
            plot.picked.connect(self.trials.select)
        self.trials.chosen.connect(self.trial_chosen)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)

    def _lay_out(self) -> None:
        self._upper = QSplitter(Qt.Orientation.Horizontal)
        self._upper.addWidget(self.trials)
        self._upper.addWidget(self.best)
        self._upper.setSizes([470, 350])
        self._both = QSplitter(Qt.Orientation.Vertical)
        self._both.addWidget(self._upper)
        self._both.addWidget(self.parallel)
        self._both.addWidget(self.waiting)
        self._both.setSizes([270, 270, 270])
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.header)
        layout.addWidget(self._both, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.message)
        self._pages.addWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    def show_runs(self, runs: Sequence[HasPath]) -> None:
        """Show the search that the first run lies in; costs next to nothing if nothing changed."""
        path = Path(runs[0].path) if runs else None
        if path is None or not is_search(path.parent):
            self._asked = None
            self.show_search(None)
            return
        if not self.search or self.search.path != path.parent:
            self.show_search(SearchModel(path.parent))
        else:
            self._look()
        if path != self._asked:
            self._asked = path
            self.trials.select(path)

    def show_search(self, search: SearchModel | None) -> None:
        """Show a search, or that there is none."""
        if search is self.search and search is None:
            return
        self.search = search
        self._pages.setCurrentIndex(0 if search is None else 1)
        if search:
            search.poll()
            self._show()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.best.restyle(theme)
        self.parallel.restyle(theme)

    def plots(self) -> list[pg.PlotItem]:
        """The plots, for export."""
        return [self.best.getPlotItem(), self.parallel.getPlotItem()]

    def table(self, title: str | None) -> str:
        """Every trial, best first, as CSV: what both plots are drawn from."""
        del title
        return trials_csv(self.search.search, self.search.rows()) if self.search else ""

    def showEvent(self, event) -> None:
        """Look for what is new while it can be seen: trials change without the selected run."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def _look(self) -> None:
        if not self.search:
            return
        if self.search.poll():
            self._show()
        elif self.search.going_on:
            self.trials.show_rows(self.search.search, self.search.rows())

    def _show(self) -> None:
        assert self.search is not None
        search, trials = self.search.search, self.search.trials
        unread = bool(self.search.problem and not search.created)
        lines = [
            "" if unread else headline(search, trials),
            search.objective and f"objective, lower is better: {search.objective}",
            self.search.problem,
        ]
        self.header.setText("\n".join(filter(None, lines)))
        self.trials.show_rows(search, self.search.rows())
        ended = any(trial.settled for trial in trials)
        for widget in (self.best, self.parallel):
            widget.setVisible(ended)
        self.waiting.setVisible(not ended)
        self.waiting.setText(UNREADABLE if unread else NO_TRIAL)
        self.best.show_best(best_so_far(trials))
        self.parallel.show_parallel(parallel(search, trials))
        self._highlight(self.trials.selected())

    def _highlight(self, path: Path | None) -> None:
        path = path or self.trials.selected()
        self.best.highlight(path)
        self.parallel.highlight(path)


def _message(text: str) -> QLabel:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
