"""The window: runs at the left, tabs at the right, and what holds them together."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QSplitter,
    QTabWidget,
    QWidget,
)

from gui.memory import Collector
from gui.models.followed import RunView
from gui.models.headline import headline_of
from gui.models.index import RunIndex
from gui.models.listing import OrderedListing, new_listing
from gui.models.places import ListedRun, as_listed, folder_of_new_runs
from gui.tabs import OF_LOCALIZATION, OF_NO_RUN, TABS
from gui.tabs.tab import ShowsSearch, Tab
from gui.theme import LIGHT, THEMES, Theme, apply
from gui.window.actions import Actions
from gui.window.alerts import Alerts
from gui.window.folders import Folders
from gui.window.followers import Followers
from gui.window.headline import HeadlineBar
from gui.window.pages import Pages, fit_screen, make_tab
from gui.window.remembered import choices_of, remember, restore
from gui.window.runs import FEW, RunsPanel
from gui.window.status import status_of
from gui.window.welcome import Welcome
from gui.workers import Jobs, Poller
from ris_tf.errors import UserError

FRAME_MS = 33  # views are refreshed at most this often
LATEST_MS = 250  # and no later than this after something new
SHARE = 0.1  # of a core that may go into making what is drawn; training may need the rest
FIRST_TAB_MS = 400
CHECK_MS = 500  # how often reads that do not come back are checked for
SCAN_S, HURRY_S = 1.0, 0.05
CLOSE_S = 1.0  # how long closing waits for what was asked for
FRAME_KNOWN_MS = (0, 100, 300, 1000)  # by one of these times the desktop has drawn its frame
SIZE = (1280, 720)
STATUS_ROOM = 14  # pixels above and below the letters, whatever stands in the status line
TABLE_WIDTH = 300  # pixels of the table at first


class MainWindow(QMainWindow):
    """The monitor.

    Args:
        places: folders that hold runs, or runs.
        settings: what is remembered between starts; `None` remembers nothing.
        theme: colours.
    """

    drawn = Signal()  # the current tab has shown what is selected

    def __init__(
        self, places: Sequence[Path], settings: QSettings | None = None, theme: Theme = LIGHT
    ):
        super().__init__()
        self.places = list(places)
        self.settings = settings
        self.theme = theme
        self.made: dict[str, Tab] = {}
        self.jobs = Jobs(self)
        # Read once, before there is a window that could freeze.
        self._runs_dir = folder_of_new_runs(self.places)
        self.followers = Followers(self._label_of, self)
        self.followers.read.connect(self._read)
        self.views = self.followers.views
        self._waiting_for: list[Path] = []
        self._first_rows = True
        self._fitted = False
        self._search: Path | None = None  # whose own row is selected
        self._ever_chosen = False
        self.resize(*SIZE)
        self._index = RunIndex(self.places)
        self.alerts = Alerts(self)
        self._lay_out()
        self.folders = Folders(self)
        self.actions_ = Actions(self)
        self.welcome.demo_asked.connect(self.actions_.train_demo)
        self.welcome.new_asked.connect(self.actions_.new_run)
        self.welcome.folder_asked.connect(self.folders.ask)
        self._scanner = Poller(self._scan, SCAN_S, SCAN_S, self)
        self._scanner.ready.connect(self._show_rows)
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self.refresh)
        self._watch = QTimer(self, interval=CHECK_MS)
        self._watch.timeout.connect(self._check_readers)
        if settings:
            restore(self, settings)
        self.tabs.tabBar().setFocus()  # not the filter, which takes every key
        self.alerts.show_title()
        self.set_theme(theme)
        self._collector = Collector(self, lambda: len(self.runs.rows) > FEW)
        self._scanner.start()
        self._watch.start()

    def _lay_out(self) -> None:
        self.runs = RunsPanel()
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.setAccessibleName("views of the selected runs")
        for name in TABS:
            self.tabs.addTab(QWidget(), name.capitalize())
        self.banner = QLabel()
        self.banner.setWordWrap(True)
        self.banner.setTextFormat(Qt.TextFormat.PlainText)
        self.banner.setContentsMargins(10, 4, 10, 4)
        self.splitter = QSplitter()
        self.splitter.addWidget(self.runs)
        self.headline, self.welcome = HeadlineBar(), Welcome()
        self.right = Pages([self.headline, self.tabs], self.welcome)
        self.splitter.addWidget(self.right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([TABLE_WIDTH, SIZE[0] - TABLE_WIDTH])
        self.setCentralWidget(self.splitter)
        self.statusBar().addWidget(self.banner, 1)  # not permanent: messages go in its place
        self.statusBar().addPermanentWidget(self.alerts.bar)
        self.statusBar().setMinimumHeight(self.banner.fontMetrics().height() + STATUS_ROOM)
        self.statusBar().setSizeGripEnabled(False)
        self.runs.chosen.connect(self._follow)
        self.runs.knobs_wanted.connect(self._want_knobs)
        self.runs.search_chosen.connect(self._show_search)
        self.runs.activated.connect(lambda path: self.tabs.setFocus())
        self._run_tab = next(iter(TABS))  # the last tab in front that shows a run
        self.tabs.currentChanged.connect(lambda index: self._tab_changed())

    @property
    def tab_name(self) -> str:
        """Name of the tab in front."""
        return list(TABS)[self.tabs.currentIndex()]

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front, if the selected runs have it."""
        self.right.show_views(True)
        place = list(TABS).index(name)
        if self.tabs.isTabVisible(place):
            self.tabs.setCurrentIndex(place)
        else:
            self.notify(f"the selected runs have no {name}")

    def tab(self, name: str) -> Tab:
        """A tab, made when it is first asked for."""
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name: str) -> Tab:
        page = self.tabs.widget(list(TABS).index(name))
        assert page is not None
        tab = make_tab(name, page, self._runs_dir)
        tab.restyle(self.theme)
        tab.save_wanted.connect(self.actions_.export)
        if name == "launch":
            tab.launched.connect(self._launched)
        if name == "evaluation":
            tab.told.connect(self.notify)
        if name == "search":
            tab.trial_chosen.connect(self._show_trial)
        if self.settings:
            tab.restore(choices_of(self.settings, name))
        return tab

    def _show_trial(self, path: Path) -> None:
        """A trial was chosen in the table of its search: show its run."""
        self.choose([path])
        self.show_tab(self._run_tab)

    def _tab_changed(self) -> None:
        if self.tab_name not in OF_NO_RUN:
            self._run_tab = self.tab_name
        self.refresh()

    def selected_views(self) -> list[RunView]:
        """The selected runs as far as they are read, in the order of selection."""
        return self.followers.selected()

    def refresh(self) -> None:
        """Let the tab in front show what is selected now."""
        if not self.isVisible():
            return
        views = self.selected_views()
        self._offer_tabs(views)
        self.alerts.look_at_views()
        tab, began = self.tab(self.tab_name), time.perf_counter()
        if self._search and not views and isinstance(tab, ShowsSearch):
            tab.show_search(self._search)
        else:
            tab.show_runs(views)
        took_ms = 1e3 * (time.perf_counter() - began)
        self._frame.setInterval(round(min(max(took_ms / SHARE, FRAME_MS), LATEST_MS)))
        self._show_status()
        self.drawn.emit()

    def _offer_tabs(self, views: Sequence[RunView]) -> None:
        """Hide what belongs to localization alone while only other models' runs are selected."""
        wanted = not views or any(view.localizes for view in views)
        for name in OF_LOCALIZATION:
            self.tabs.setTabVisible(list(TABS).index(name), wanted)

    def is_read(self) -> bool:
        """Whether the table is there and the selected runs are read and shown."""
        if self._first_rows or self._waiting_for or self._frame.isActive():
            return False
        if not all(tab.is_read() for name, tab in self.made.items() if name == self.tab_name):
            return False
        return self.followers.complete()

    def choose(self, paths: Sequence[Path]) -> None:
        """Select runs, as soon as they are in the table."""
        self._waiting_for = [Path(path) for path in paths]
        if all(path in self.runs.rows for path in self._waiting_for):
            self._choose_waiting()
        else:
            self._scanner.wake()

    def open_places(self, places: Sequence[Path], new_runs: Path) -> None:
        """Show the runs under other folders.

        Args:
            places: the folders, or runs.
            new_runs: the folder that gets new runs.
        """
        self.runs.select([])
        self.places, self._runs_dir = list(places), new_runs
        self._index.places = list(places)
        self._first_rows, self._ever_chosen = True, False
        if launch := self.made.get("launch"):
            launch.take_runs_dir(new_runs)  # pyright: ignore[reportAttributeAccessIssue]
        self.alerts.show_title()
        self.scan()

    def scan(self) -> None:
        """Look for new runs at once, and for what changed in old ones."""
        self._index.hurried = True
        self._scanner.wake()

    def _want_knobs(self, wanted: bool) -> None:
        """Have configurations read for the table, if it needs them."""
        if wanted and not self._index.knobs_wanted:
            self._index.knobs_wanted = True
            self._scanner.wake()

    def _show_search(self, path: object) -> None:
        """A search's own row was selected: its tab shows it."""
        if isinstance(path, Path):
            self.show_tab("search")
        self._search = path if isinstance(path, Path) else None
        self.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Light or dark."""
        self.theme = theme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply(theme, app)
        self.runs.restyle(theme)
        self.headline.restyle(theme)
        self.alerts.bar.restyle(theme)
        for tab in self.made.values():
            tab.restyle(theme)
        self._show_status()

    def toggle_theme(self) -> None:
        """The other of light and dark."""
        self.set_theme(THEMES["light" if self.theme.dark else "dark"])
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Once a person looks at the window, nothing is news."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.alerts.read()

    def notify(self, text: str, level: str = "") -> None:
        """A message in the status bar that goes away by itself; `amber` or `red` marks it."""
        colour = f"QStatusBar {{ color: {self.theme.state(level)}; }}" if level else ""
        self.statusBar().setStyleSheet(colour)
        self.statusBar().showMessage(text, 8000)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Runs go on without the window; a dialog asks before that, once."""
        if not self.actions_.may_close():
            event.ignore()
            return
        if self.settings:
            remember(self, self.settings)
        self._watch.stop()
        self._collector.stop()
        self.jobs.finish(CLOSE_S)
        for tab in self.made.values():
            tab.close_down()
        for _, poller in self.readers():
            poller.stop()
        self._index.close()
        event.accept()

    def showEvent(self, event) -> None:
        """The first tab is made when the table is there, or when that takes long."""
        super().showEvent(event)
        QTimer.singleShot(FIRST_TAB_MS, self.refresh)
        if self.settings and not self._fitted:
            self._fitted = True
            for wait_ms in FRAME_KNOWN_MS:
                QTimer.singleShot(wait_ms, self, lambda: fit_screen(self))

    def _scan(self) -> OrderedListing | None:
        return new_listing(self._index, self.runs.order)

    def _show_rows(self) -> None:
        ordered = self._scanner.take()
        if not isinstance(ordered, OrderedListing):
            return
        where = " and ".join(str(place) for place in self.places)
        self.runs.show_listing(ordered, f"No runs under {where} yet.")
        self.welcome.show_places(self.places)
        self._scanner.busy_s = HURRY_S if self._index.unlooked else SCAN_S
        self.alerts.look_at_rows(ordered.listing)
        rows, newest = ordered.listing.rows, ordered.listing.newest
        if self._waiting_for and all(path in self.runs.rows for path in self._waiting_for):
            self._choose_waiting()
        elif newest and not self._ever_chosen and not self._waiting_for:
            self.runs.select([newest])
        if self._first_rows:
            QTimer.singleShot(0, (self.runs.table if rows else self.welcome.demo).setFocus)
        if rows or self._first_rows:
            self.right.show_views(bool(rows))
        self._first_rows = False
        self._show_status()

    def _choose_waiting(self) -> None:
        paths, self._waiting_for = self._waiting_for, []
        self.runs.select(paths)

    def _launched(self, path: object) -> None:
        """A run was started, or a search with its first trial: show it."""
        started, places = Path(str(path)), tuple(self.places)
        self.jobs.do(lambda: as_listed(started, places), self._show_started, self._refuse)

    def _show_started(self, started: ListedRun) -> None:
        if started.new_place:
            self.places.append(started.new_place)
            self._index.places = list(self.places)
        self.actions_.started.add(started.run)
        self.choose([started.run])
        self.show_tab("search" if started.is_search else "loss")

    def _refuse(self, error: UserError) -> None:
        self.notify(str(error))

    def _follow(self, paths: list[Path]) -> None:
        """Read the selected runs, and no others."""
        self._ever_chosen |= bool(paths)
        self.followers.follow(paths)
        self.runs.show_colours(self.followers.colours)
        self.actions_.update()
        self._frame.start(FRAME_MS)

    def _label_of(self, path: Path) -> str:
        """Its name, or its path where several runs have that name."""
        return path.name if self.runs.names[path.name] < 2 else str(path)

    def _read(self) -> None:
        """Something new of a selected run: draw it with the next frame."""
        if not self._frame.isActive():
            self._frame.start()

    def _check_readers(self) -> None:
        self.actions_.update()
        self._show_status()

    def _show_status(self) -> None:
        """What is wrong or under way, in the status bar; above the tabs, which run is shown."""
        hidden = self.runs.hidden
        self.headline.show_headline(
            headline_of(self.selected_views(), hidden, self._search, time.time())
        )
        level, text = status_of(self)
        self.banner.setText(text)  # never made visible here: a message may be over it
        self.banner.setStyleSheet(f"color: {self.theme.state(level)}" if level else "")

    def readers(self) -> Iterator[tuple[str, Poller]]:
        """All threads that read or write for the window, by what they work on."""
        yield from self.followers.readers()
        for tab in self.made.values():
            yield from tab.readers().items()
        yield "what was asked for", self.jobs.poller
        yield "the table of runs", self.runs.jobs.poller
        yield "the folder of runs", self._scanner
