"""The window: runs at the left, tabs at the right, and what holds them together."""

import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.memory import Collector
from gui.models.followed import FollowedRun, RunView
from gui.models.index import RunIndex
from gui.models.palette import COLOURS
from gui.models.places import ListedRun, as_listed, folder_of_new_runs
from gui.tabs import OF_LOCALIZATION, TABS
from gui.tabs.tab import Tab
from gui.theme import LIGHT, THEMES, Theme, apply
from gui.window.actions import Actions
from gui.window.runs import RunsPanel
from gui.window.status import status_of
from gui.workers import Jobs, Poller
from ris_tf.errors import UserError

FRAME_MS = 33  # views are refreshed at most this often
LATEST_MS = 250  # and no later than this after something new
SHARE = 0.1  # of a core that may go into making what is drawn; training may need the rest
FIRST_TAB_MS = 400
CHECK_MS = 500  # how often reads that do not come back are checked for
SCAN_S, FOLLOW_S, FOLLOW_IDLE_S = 1.0, 0.001, 0.1
FOLLOWED_CLOSELY = 8  # runs that are looked at so often
CLOSE_S = 1.0  # how long closing waits for what was asked for
SIZE = (1280, 720)
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
        self.views: dict[Path, RunView] = {}
        self.made: dict[str, Tab] = {}
        self.jobs = Jobs(self)
        # Read once, before there is a window that could freeze.
        self._runs_dir = folder_of_new_runs(self.places)
        self._followers: dict[Path, Poller] = {}
        self._colours: dict[Path, str] = {}
        self._retired: list[Poller] = []
        self._waiting_for: list[Path] = []
        self._first_rows = True
        self._ever_chosen = False
        self.setWindowTitle(f"ris-gui · {', '.join(str(place) for place in self.places)}")
        self.resize(*SIZE)
        self._lay_out()
        self.actions_ = Actions(self)
        self._index = RunIndex(self.places)
        self._scanner = Poller(self._index.poll, SCAN_S, SCAN_S, self)
        self._scanner.ready.connect(self._show_rows)
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self.refresh)
        self._watch = QTimer(self, interval=CHECK_MS)
        self._watch.timeout.connect(self._check_readers)
        self._restore()
        self.set_theme(theme)
        self._collector = Collector(self)
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
        self.splitter.addWidget(self.tabs)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([TABLE_WIDTH, SIZE[0] - TABLE_WIDTH])
        self.setCentralWidget(self.splitter)
        self.statusBar().addPermanentWidget(self.banner, 1)
        self.statusBar().setSizeGripEnabled(False)
        self.runs.chosen.connect(self._follow)
        self.runs.activated.connect(lambda path: self.tabs.setFocus())
        self.tabs.currentChanged.connect(lambda index: self.refresh())

    @property
    def tab_name(self) -> str:
        """Name of the tab in front."""
        return list(TABS)[self.tabs.currentIndex()]

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front, if the selected runs have it."""
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
        module, of = TABS[name]
        kind = getattr(import_module(module), of)
        tab = kind(self._runs_dir) if name == "launch" else kind()
        tab.restyle(self.theme)
        tab.save_wanted.connect(self._save_plot)
        if name == "launch":
            tab.launched.connect(self._launched)
        if name == "search":
            tab.trial_chosen.connect(lambda path: self.choose([path]))
        if self.settings:
            tab.restore({key: str(value) for key, value in _group(self.settings, f"tab/{name}")})
        page = self.tabs.widget(list(TABS).index(name))
        assert page is not None
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(tab)
        return tab

    def selected_views(self) -> list[RunView]:
        """The selected runs as far as they are read, in the order of selection."""
        return [self.views[path] for path in self._followers if path in self.views]

    def refresh(self) -> None:
        """Let the tab in front show what is selected now."""
        if not self.isVisible():
            return
        views = self.selected_views()
        self._offer_tabs(views)
        tab, began = self.tab(self.tab_name), time.perf_counter()
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
        return all(path in self.views and self.views[path].complete for path in self._followers)

    def choose(self, paths: Sequence[Path]) -> None:
        """Select runs, as soon as they are in the table."""
        self._waiting_for = [Path(path) for path in paths]
        if all(path in self.runs.rows for path in self._waiting_for):
            self._choose_waiting()
        else:
            self._scanner.wake()

    def scan(self) -> None:
        """Look for new runs at once."""
        self._scanner.wake()

    def set_theme(self, theme: Theme) -> None:
        """Light or dark."""
        self.theme = theme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply(theme, app)
        self.runs.restyle(theme)
        for tab in self.made.values():
            tab.restyle(theme)
        self._show_status()

    def toggle_theme(self) -> None:
        """The other of light and dark."""
        self.set_theme(THEMES["light" if self.theme.dark else "dark"])
        self.refresh()

    def _save_plot(self, title: str) -> None:
        from gui.window.export import ask_and_export

        ask_and_export(self, title)

    def notify(self, text: str) -> None:
        """A message in the status bar that goes away by itself."""
        self.statusBar().showMessage(text, 8000)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Runs go on without the window; a dialog asks before that, once."""
        if not self.actions_.may_close():
            event.ignore()
            return
        self._remember()
        self._watch.stop()
        self._collector.stop()
        self.jobs.finish(CLOSE_S)
        for tab in self.made.values():
            tab.close_down()
        for _, poller in self.readers():
            poller.stop()
        event.accept()

    def showEvent(self, event) -> None:
        """The first tab is made when the table is there, or when that takes long."""
        super().showEvent(event)
        QTimer.singleShot(FIRST_TAB_MS, self.refresh)

    def _show_rows(self) -> None:
        rows = self._scanner.take()
        if not isinstance(rows, list):
            return
        where = " and ".join(str(place) for place in self.places)
        nothing = f"No runs under {where} yet.\n\nStart one in the Launch tab (Ctrl+N), or:\n"
        self.runs.show_rows(rows, nothing + "ris-tf train configs/quickstart.yaml")
        if self._waiting_for and all(path in self.runs.rows for path in self._waiting_for):
            self._choose_waiting()
        elif rows and not self._ever_chosen and not self._waiting_for:
            self.runs.select([max(rows, key=lambda row: row.created).path])
        if self._first_rows and rows:
            QTimer.singleShot(0, self.runs.table.setFocus)
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
        for path in [path for path in self._followers if path not in paths]:
            self._retire(self._followers.pop(path))
            self.views.pop(path, None)
            del self._colours[path]
        for path in paths:
            if path not in self._followers:
                self._followers[path] = self._reader_of(path)
        self.runs.show_colours(self._colours)
        self.actions_.update()
        self._frame.start(FRAME_MS)

    def _retire(self, poller: Poller) -> None:
        """Stop a reader; it is kept until its thread, which may still emit a signal, has ended."""
        poller.stop()
        self._retired = [old for old in self._retired if old.is_reading] + [poller]

    def _reader_of(self, path: Path) -> Poller:
        taken = self._colours.values()
        free = [colour for colour in COLOURS if colour not in taken]
        colour = free[0] if free else COLOURS[len(self._followers) % len(COLOURS)]
        self._colours[path] = colour
        run = FollowedRun(path, self._label_of(path), colour)
        # Fifty runs that change little may wait longer for a look than one.
        idle = FOLLOW_IDLE_S * max(len(self._followers) / FOLLOWED_CLOSELY, 1.0)
        poller = Poller(run.poll, FOLLOW_S, idle)
        poller.ready.connect(lambda: self._take(path, poller))
        poller.start()
        return poller

    def _label_of(self, path: Path) -> str:
        """Its name, or its path where several runs have that name."""
        namesakes = [other for other in self.runs.rows if other.name == path.name]
        return path.name if len(namesakes) < 2 else str(path)

    def _take(self, path: Path, poller: Poller) -> None:
        view = poller.take()
        if isinstance(view, RunView) and self._followers.get(path) is poller:
            self.views[path] = view
            if not self._frame.isActive():
                self._frame.start()

    def _check_readers(self) -> None:
        self.actions_.update()
        self._show_status()

    def _show_status(self) -> None:
        """What is wrong or under way, in the status bar."""
        level, text = status_of(self)
        self.banner.setText(text)
        self.banner.setVisible(bool(text))
        self.banner.setStyleSheet(f"color: {self.theme.state(level)}" if level else "")

    def readers(self) -> Iterator[tuple[str, Poller]]:
        """All threads that read or write for the window, by what they work on."""
        yield from ((path.name, poller) for path, poller in self._followers.items())
        for tab in self.made.values():
            yield from tab.readers().items()
        yield "what was asked for", self.jobs.poller
        yield "the folder of runs", self._scanner

    def _restore(self) -> None:
        if not self.settings:
            return
        for name, restore in {
            "window": self.restoreGeometry,
            "splitter": self.splitter.restoreState,
            "columns": self.runs.restore,
        }.items():
            value = self.settings.value(name)
            if isinstance(value, QByteArray):
                restore(value)
        tab = self.settings.value("tab")
        if tab in TABS:
            self.show_tab(str(tab))

    def _remember(self) -> None:
        if not self.settings:
            return
        self.settings.setValue("window", self.saveGeometry())
        self.settings.setValue("splitter", self.splitter.saveState())
        self.settings.setValue("columns", self.runs.state())
        self.settings.setValue("tab", self.tab_name)
        self.settings.setValue("theme", self.theme.name)
        for name, tab in self.made.items():
            for key, value in tab.state().items():
                self.settings.setValue(f"tab/{name}/{key}", value)
        self.settings.sync()


def _group(settings: QSettings, name: str) -> list[tuple[str, object]]:
    """All values of a group of settings."""
    settings.beginGroup(name)
    values = [(key, settings.value(key)) for key in settings.childKeys()]
    settings.endGroup()
    return values
