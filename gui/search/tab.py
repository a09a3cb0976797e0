"""The tab of a hyperparameter search: its trials, the best so far, parallel coordinates."""

import time
from collections.abc import Sequence
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from gui.models.brush import Brush
from gui.models.followed import RunView
from gui.models.trials import FollowedSearch, SearchView, headline
from gui.search.handling import Handling, visible_widgets
from gui.search.importance import ImportancePlot
from gui.search.parallel import ParallelPlot
from gui.search.plots import BestPlot
from gui.search.slices import SlicesPlot
from gui.search.table import TrialTable
from gui.tabs.tab import Message, Tab
from gui.theme import Theme
from gui.workers import Poller
from ris_tf.search import Row, trials_csv

NO_SEARCH = (
    "No search selected: click one, or a trial of it, in the list of runs.\n\n"
    "A search is started in the Launch tab, or with ris-tf tune."
)
READING = "reading the search"
NO_TRIAL = "no trial has ended yet"
UNREADABLE = "the search cannot be read"
BRUSHED = "{} of {} trials are in the brushed ranges; Esc shows all"
IMPORTANCE_WIDTH = 250  # pixels at first
READ_S = 1.0  # between checks for what is new
TIMES_MS = 1100  # between updates of the times, while a trial runs


class SearchTab(Tab):
    """Shows the search that a selected run is a trial of."""

    title = "Search"
    trial_chosen = Signal(object)  # Path of the trial's run folder

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.search: SearchView | None = None
        self._reader: tuple[Path, Poller] | None = None
        self._retired: list[Poller] = []  # kept until their threads end
        self._asked: Path | None = None  # the run that was last shown
        self._itself: Path | None = None  # a search that was chosen instead of one of its trials
        self.header = QLabel()
        self.header.setWordWrap(True)
        self.header.setTextFormat(Qt.TextFormat.PlainText)
        self.header.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.trials = TrialTable()
        self.best = BestPlot()
        self.parallel = ParallelPlot()
        self.parallel.brushed.connect(self._show)
        self.importance, self.slices = ImportancePlot(), SlicesPlot()
        self.message = Message(NO_SEARCH)
        self.waiting = Message(NO_TRIAL)
        self._lay_out()
        self.handling = Handling(self, (self.best, self.parallel, self.importance, self.slices))
        self.handling.enlarged.connect(lambda _: self._show_parts())
        for source in (self.trials, self.best, self.parallel, self.slices):
            source.pointed.connect(self._highlight)
        for plot in (self.best, self.parallel, self.slices):
            plot.picked.connect(self.trials.select)
        self.trials.chosen.connect(self.trial_chosen)
        self._timer = QTimer(self, interval=TIMES_MS)
        self._timer.timeout.connect(self._show_times)

    def _lay_out(self) -> None:
        self.upper = QSplitter(Qt.Orientation.Horizontal)
        self.upper.addWidget(self.trials)
        self.upper.addWidget(self.best)
        self.upper.setSizes([470, 350])
        self._both = QSplitter(Qt.Orientation.Vertical)
        self._both.addWidget(self.upper)
        deep = QSplitter(Qt.Orientation.Horizontal)
        deep.addWidget(self.importance)
        deep.addWidget(self.slices)
        deep.setSizes([IMPORTANCE_WIDTH, 3 * IMPORTANCE_WIDTH])
        self.views = QTabWidget(documentMode=True)
        self.views.addTab(self.parallel, "&Parallel coordinates")
        self.views.addTab(deep, "&Importance and slices")
        self.views.setAccessibleName("views of the search")
        self._both.addWidget(self.views)
        self._both.addWidget(self.waiting)
        self._both.setSizes([230, 310, 310])
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

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show the search that the first run lies in; costs next to nothing if nothing changed."""
        run = runs[0] if runs else None
        self._itself = None if run else self._itself
        self.follow(run.search if run else self._itself)
        path = run.path if run else None
        if path != self._asked:
            self._asked = path
            self.trials.select(path)

    def show_search(self, path: Path) -> None:
        """Show the search in a folder until a run is selected."""
        self._itself = path
        self.show_runs([])

    def follow(self, path: Path | None) -> None:
        """Read the search in a folder from now on, or none."""
        if path == (self._reader[0] if self._reader else None):
            return
        if self._reader:
            self._reader[1].stop()
            self._retired = [old for old in self._retired if old.is_reading] + [self._reader[1]]
        self.search, self._reader = None, None
        self._pages.setCurrentIndex(0)
        self.message.setText(READING if path else NO_SEARCH)
        if path:
            poller = Poller(FollowedSearch(path).poll, READ_S, READ_S)
            poller.ready.connect(self._take)
            self._reader = path, poller
            poller.start()

    def readers(self) -> dict[str, Poller]:
        """The search's."""
        return {"the search": self._reader[1]} if self._reader else {}

    def is_read(self) -> bool:
        """Whether the search is read, if there is one."""
        return self._reader is None or self.search is not None

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        for plot in (self.best, self.parallel, self.importance, self.slices):
            plot.restyle(theme)
        if self.search:
            self._show()

    def plots(self) -> list[pg.PlotItem]:
        """The plots in sight, for export."""
        if self.views.currentIndex():
            return [
                self.best.getPlotItem(), self.importance.getPlotItem(), *self.slices.plots(),
            ]  # fmt: skip
        return [self.best.getPlotItem(), self.parallel.getPlotItem()]

    def table(self, title: str | None) -> str:
        """Every trial, best first, as CSV: what both plots are drawn from."""
        del title
        return trials_csv(self.search.search, self._rows()) if self.search else ""

    def keyPressEvent(self, event) -> None:
        """Escape shows all plots, then all trials again, also from the table."""
        if event.key() == Qt.Key.Key_Escape and self.handling.alone:
            self.handling.enlarge(None)
        elif event.key() == Qt.Key.Key_Escape and self.parallel.brush.ranges:
            self.parallel.set_brush(Brush())
        else:
            super().keyPressEvent(event)

    def showEvent(self, event) -> None:
        """Look for what is new while the tab is visible: trials change without the selected run."""
        super().showEvent(event)
        self._timer.start()
        for reader in self.readers().values():
            reader.wake()

    def hideEvent(self, event) -> None:
        """Read nothing while the tab is hidden."""
        super().hideEvent(event)
        self._timer.stop()
        for reader in self.readers().values():
            reader.rest()

    def _take(self) -> None:
        view = self._reader[1].take() if self._reader else None
        if not isinstance(view, SearchView):
            return
        first = self.search is None
        self.show_view(view)
        if first:
            self.trials.select(self._asked)

    def show_view(self, view: SearchView) -> None:
        """Show a search as it is now."""
        self.search = view
        self._pages.setCurrentIndex(1)
        self._show()

    def state(self) -> dict[str, str]:
        """Which of the lower views is in front."""
        return {"view": str(self.views.currentIndex())}

    def restore(self, state: dict[str, str]) -> None:
        """Bring it to the front again."""
        self.views.setCurrentIndex(1 if state.get("view") == "1" else 0)

    def _rows(self) -> list[Row]:
        """Rows of the trials that are brushed, or of all."""
        rows = self.search.rows(time.time()) if self.search else []
        brushed = self._brushed()
        return [row for row in rows if brushed is None or row.trial.path in brushed]

    def _brushed(self) -> frozenset[Path] | None:
        return self.parallel.brush.paths(self.search.parallel) if self.search else None

    def _show_times(self) -> None:
        if self.search and self.search.going_on:
            self.trials.show_rows(self.search.search, self._rows())

    def _show(self) -> None:
        assert self.search is not None
        search, trials, brushed = self.search.search, self.search.trials, self._brushed()
        unread = bool(self.search.problem and not search.created)
        lines = [
            "" if unread else headline(search, trials),
            search.objective and f"objective, lower is better: {search.objective}",
            BRUSHED.format(len(brushed), len(trials)) if brushed is not None else "",
            self.search.problem,
        ]
        self.header.setText("\n".join(filter(None, lines)))
        self.trials.show_rows(search, self._rows())
        self._show_parts()
        self.waiting.setText(UNREADABLE if unread else NO_TRIAL)
        self._draw(self.search, brushed)
        self._highlight(self.trials.selected())

    def _show_parts(self) -> None:
        """What there is to show; one plot alone where it was enlarged."""
        ended = bool(self.search) and any(trial.settled for trial in self.search.trials)
        alone = self.handling.alone if ended else None
        for widget, visible in visible_widgets(self, alone, ended).items():
            widget.setVisible(visible)
        self.waiting.setVisible(not ended)

    def _draw(self, view: SearchView, brushed: frozenset[Path] | None) -> None:
        shown = view.parallel
        self.best.show_best(view.best, brushed)
        self.parallel.show_parallel(shown)
        self.importance.show_importances(view.importances)
        chosen = self.parallel.brush.chosen(shown)
        self.slices.show_slices(shown, view.importances, view.best.log, chosen)

    def _highlight(self, path: Path | None) -> None:
        path = path or self.trials.selected()
        for plot in (self.best, self.parallel, self.slices):
            plot.highlight(path)
