"""Menus and keys: everything that can be done from the window."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox

from gui.models import hindrances
from gui.models.columns import metrics_of
from gui.models.followed import RunView
from gui.tabs import TABS
from gui.window.asking import agreed, agreed_to_close, agreed_to_take_over
from gui.window.entries import MenuEntry, OfferedAction
from gui.window.keys import open_context_menu
from gui.window.noting import Noting
from ris_tf.config import all_knobs, schema
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, verdict_on
from ris_tf.search import SearchDirectory

if TYPE_CHECKING:
    from gui.evaluation.tab import EvaluationTab
    from gui.launch.tab import LaunchTab
    from gui.plots.grid import PlotGrid
    from gui.window.window import MainWindow

ALIVE = ("running", "stalled", "suspended", "stopping")  # states of what goes on, in the table
SEARCH_ELSEWHERE = "Its process is on another machine, and may still work"
MAX_EPOCHS = 1_000_000


class Actions:
    """The window's menus; also what the context menu of a run offers.

    Args:
        window: whose.

    Attributes:
        started: folders of runs that were started from this window.
        ask_before_closing: whether it may ask; a signal that ends the window waits for nobody.
    """

    def __init__(self, window: "MainWindow"):
        self.window = window
        self.started: set[Path] = set()
        self.noting = Noting(window)
        self.ask_before_closing = True
        self._offered: list[OfferedAction] = []
        context = QMenu(window)
        context.setToolTipsVisible(True)
        for title, entries in self._menus().items():
            menu = window.menuBar().addMenu(title)
            menu.setToolTipsVisible(True)
            for entry in entries:
                action = self._action(entry)
                for shown in (menu, context) if entry.hindrance else (menu,):
                    if entry.begins:
                        shown.addSeparator()
                    shown.addAction(action)
            if title == "&File":
                menu.insertMenu(menu.actions()[1], window.folders.menu)
        window.runs.context_menu = context
        window.runs.columns_asked.connect(self.choose_columns)
        self.update()

    def update(self) -> None:
        """Offer what can be done to what is selected."""
        views = self.window.selected_views()
        for offered in self._offered:
            offered.update(views)

    def may_close(self) -> bool:
        """Whether the window may close; asks once where runs that it started go on."""
        rows = self.window.runs.rows
        alive = sorted(p for p in self.started if p in rows and rows[p].state in ALIVE)
        settings = self.window.settings
        launch = self.window.made.get("launch")
        alive += launch.starting if launch else []  # pyright: ignore[reportAttributeAccessIssue]
        return not self.ask_before_closing or agreed_to_close(self.window, settings, alive)

    def _menus(self) -> dict[str, list[MenuEntry]]:
        w = self.window
        runs = [
            MenuEntry("Run", "&New run…", ("Ctrl+N",), self.new_run),
            MenuEntry("Run", "&Resume", ("Ctrl+R",), self.resume, hindrances.to_resume),
            MenuEntry("Run", "Train &longer…", (), self.train_longer, hindrances.to_train_longer),
            MenuEntry(
                "Run",
                "Start &again with these settings…",
                ("Ctrl+G",),
                self.start_again,
                hindrances.to_edit,
                True,
            ),
            MenuEntry(
                "Run", "&Begin a new run at its weights…", (), self.begin_at, hindrances.to_edit
            ),
            MenuEntry(
                "Run",
                "Start again with the ad&vised change…",
                (),
                self.start_advised,
                hindrances.to_change,
            ),
            MenuEntry(
                "Run", "&Stop with a checkpoint", ("Ctrl+S",), self.stop, hindrances.to_stop, True
            ),
            MenuEntry("Run", "&Kill…", ("Ctrl+K",), self.kill, hindrances.to_kill),
            MenuEntry(
                "Run",
                "Go on with its searc&h",
                ("Ctrl+Shift+R",),
                self.resume_search,
                hindrances.to_resume_search,
                True,
            ),
            MenuEntry(
                "Run",
                "Stop its search &with checkpoints",
                ("Ctrl+Shift+S",),
                self.stop_search,
                hindrances.to_stop_search,
            ),
            MenuEntry(
                "Run", "&Open its folder", ("Ctrl+O",), self.open_folder, hindrances.to_open, True
            ),
            MenuEntry(
                "Run", "&Copy its path", ("Ctrl+Shift+C",), self.copy_path, hindrances.to_open
            ),
            MenuEntry(
                "Run", "&Evaluate…", ("Ctrl+Shift+E",), self.evaluate, hindrances.to_evaluate, True
            ),
            MenuEntry(
                "Run", "&Localize a file…", ("Ctrl+Shift+L",), self.localize, hindrances.to_evaluate
            ),
        ]
        tabs = [
            MenuEntry("View", name.capitalize(), _tab_keys(i), self._opener(name))
            for i, name in enumerate(TABS)
        ]
        view = [
            MenuEntry("View", "&Filter the runs", ("Ctrl+F",), w.runs.filter.setFocus, None, True),
            MenuEntry("View", "&List of runs", ("Ctrl+L",), w.runs.table.setFocus),
            MenuEntry("View", "Show all of the &plots", ("Ctrl+0",), self.fit, None, True),
            MenuEntry("View", "Zoom &in", ("Ctrl+=", "Ctrl++"), lambda: self.move(0.5, 0.0)),
            MenuEntry("View", "Zoom &out", ("Ctrl+-",), lambda: self.move(2.0, 0.0)),
            MenuEntry("View", "&Earlier", ("Alt+Left",), lambda: self.move(1.0, -0.25)),
            MenuEntry("View", "La&ter", ("Alt+Right",), lambda: self.move(1.0, 0.25)),
            MenuEntry("View", "Conte&xt menu", ("Shift+F10",), open_context_menu),
            MenuEntry("View", "Light or &dark", ("Ctrl+D",), w.toggle_theme, None, True),
            MenuEntry("View", "&Columns of the table…", ("Ctrl+Shift+O",), self.choose_columns),
            MenuEntry("View", "Look for new &runs", ("F5",), w.scan),
        ]
        file = [
            MenuEntry("File", "&Open a folder of runs…", ("Ctrl+Alt+O",), self.open_folders),
            MenuEntry("File", "&Export plots…", ("Ctrl+E",), self.export, None, True),
            MenuEntry("File", "&Quit", ("Ctrl+Q",), self.quit, None, True),
        ]
        noting = self.noting
        notes = [
            MenuEntry("Notes", "&Rename…", ("F2",), noting.rename, hindrances.to_note, True),
            MenuEntry("Notes", "&Note…", ("Ctrl+M",), noting.note, hindrances.to_note),
            MenuEntry("Notes", "&Tags…", ("Ctrl+T",), noting.tag, hindrances.to_note),
            MenuEntry("Notes", "&Pin, or let go", ("Ctrl+P",), noting.pin, hindrances.to_note),
            MenuEntry(
                "Notes", "&Archive, or take back", ("Ctrl+Shift+A",), noting.archive,
                hindrances.to_note,
            ),
            MenuEntry(
                "Notes", "&Move to the trash…", ("Ctrl+Del",), noting.trash, hindrances.to_trash
            ),
        ]  # fmt: skip
        help_menu = [MenuEntry("Help", "&Keys", ("?", "F1"), self.show_keys)]
        return {
            "&File": file, "&Run": runs, "&Notes": notes,
            "&View": [*tabs, *view], "&Help": help_menu,
        }  # fmt: skip

    def _action(self, entry: MenuEntry) -> QAction:
        action = QAction(entry.text, self.window)
        action.setShortcuts([QKeySequence(keys) for keys in entry.keys])
        action.triggered.connect(lambda checked, act=entry.act: act())
        self.window.addAction(action)
        self._offered.append(OfferedAction(action, entry, self.window))
        return action

    def _opener(self, name: str) -> Callable[[], None]:
        return lambda: self.window.show_tab(name)

    def _selected(self, hindrance: Callable[[RunView], str]) -> list[RunView]:
        """Selected runs that nothing hinders."""
        return [view for view in self.window.selected_views() if not hindrance(view)]

    def _launch_tab(self) -> "LaunchTab":
        """The Launch tab, brought to the front; its module is imported when it is first needed."""
        self.window.show_tab("launch")
        return cast("LaunchTab", self.window.tab("launch"))

    def new_run(self) -> None:
        """The form of a new run, with the keys in its first field."""
        self._launch_tab().files.setFocus()

    def resume(self) -> None:
        """Go on with the first selected run that can be."""
        for view in self._selected(hindrances.to_resume)[:1]:
            self._go_on(view, 0)

    def _go_on(self, view: RunView, epochs: int) -> None:
        """Resume a run; one that a process elsewhere may still have, after a question."""
        owner = hindrances.taken_from(view)
        if view.run and (not owner or agreed_to_take_over(self.window, view.label, owner)):
            self._launch_tab().resume(view.run, epochs, bool(owner))

    def train_longer(self) -> None:
        """Go on with a run, finished or not, under a plan of more epochs."""
        for view in self._selected(hindrances.to_train_longer)[:1]:
            assert view.summary
            planned = max(view.summary.epochs, 1)
            epochs, fine = QInputDialog.getInt(
                self.window, "Train longer", f"{view.label}: epochs in all, {planned:,} until now",
                2 * planned, view.summary.epoch + 1, MAX_EPOCHS,
            )  # fmt: skip
            if fine:
                self._go_on(view, epochs)

    def begin_at(self) -> None:
        """A new run with the settings of the selected one, which begins at its weights."""
        for view in self._selected(hindrances.to_edit)[:1]:
            if view.run:
                self._launch_tab().edit_settings_of(view.run, weights=str(view.path))

    def resume_search(self) -> None:
        """Go on with the search of the first selected trial that no process works on."""
        for view in self._selected(hindrances.to_resume_search)[:1]:
            search, owner = view.search, SEARCH_ELSEWHERE if view.search_elsewhere else ""
            if search and (not owner or agreed_to_take_over(self.window, search.name, owner)):
                self._launch_tab().resume_search(search, bool(owner))

    def stop_search(self) -> None:
        """Ask the searches of the selected trials to stop with checkpoints."""
        for path in dict.fromkeys(
            view.search for view in self._selected(hindrances.to_stop_search)
        ):
            if path is None:
                continue
            done = f"{path.name}: asked to stop; its trials leave a checkpoint"
            self._attempt(lambda path=path: SearchDirectory.open(path).request_stop(), done)

    def start_again(self) -> None:
        """A new run with the settings of the selected one, to be changed first."""
        for view in self._selected(hindrances.to_edit)[:1]:
            if view.run:
                self._launch_tab().edit_settings_of(view.run)

    def start_advised(self) -> None:
        """A new run with the settings of the selected one and what its health checks advise."""
        for view in self._selected(hindrances.to_change)[:1]:
            self.start_again_with(view.path, dict(verdict_on(view.checks).remedies))

    def start_again_with(self, path: Path, changes: Mapping[str, str]) -> None:
        """A new run with the settings of one, some of them changed, to be looked at first."""
        launch = self._launch_tab()
        self.window.jobs.do(
            lambda: RunDirectory.open(path),
            lambda run: launch.edit_settings_of(run, changes),
            self._refused,
        )

    def evaluate(self) -> None:
        """Compare the networks of the selected runs with other estimators."""
        self._evaluation_tab().ask_evaluate()

    def localize(self) -> None:
        """Find the sources behind a file of measurements with the first selected run."""
        self._evaluation_tab().ask_localize()

    def _evaluation_tab(self) -> "EvaluationTab":
        """The Evaluation tab, brought to the front: it shows how far its commands are."""
        self.window.show_tab("evaluation")
        self.window.refresh()
        return cast("EvaluationTab", self.window.tab("evaluation"))

    def stop(self) -> None:
        """Ask the selected runs to stop with a checkpoint."""
        from gui.processes import stop

        for view in self._selected(hindrances.to_stop):
            if run := view.run:
                self._attempt(lambda run=run: stop(run), f"{view.label}: asked to stop")

    def kill(self) -> None:
        """Kill the selected runs after asking."""
        from gui.processes import kill

        views = self._selected(hindrances.to_kill)
        if not views:
            return
        names = ", ".join(view.label for view in views)
        loss = "What came after the last checkpoint is lost. Stopping (Ctrl+S) loses nothing."
        if agreed(self.window, "Kill", f"Kill {names}?", loss):
            for view in views:
                if run := view.run:
                    self._attempt(lambda run=run: kill(run), f"{view.label}: killed")

    def open_folder(self) -> None:
        """Show the run's folder in the desktop's file manager."""
        for view in self._selected(hindrances.to_open)[:1]:
            self.window.jobs.do(view.path.absolute, self._show_folder, self._refused)

    def _show_folder(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            QGuiApplication.clipboard().setText(str(path))
            self.window.notify(
                f"no file manager opened {path}: its path is in the clipboard", "amber"
            )

    def copy_path(self) -> None:
        """The run's path to the clipboard."""
        paths = [str(view.path) for view in self._selected(hindrances.to_open)]
        QGuiApplication.clipboard().setText("\n".join(paths))
        self.window.notify(f"copied {', '.join(paths)}")

    def quit(self) -> None:
        """Close the window."""
        self.window.close()

    def fit(self) -> None:
        """Show all of the plots."""
        if (grid := self._grid()) is not None:
            grid.fit()

    def move(self, scale: float, shift: float) -> None:
        """Zoom and move along x; see `PlotGrid.move`."""
        if (grid := self._grid()) is not None:
            grid.move(scale, shift)

    def _grid(self) -> "PlotGrid | None":
        """The plots of the tab in front, if it has any."""
        return getattr(self.window.tab(self.window.tab_name), "grid", None)

    def export(self, title: str | None = None) -> None:
        """Save the plots of the tab in front to a file, or the one of a title."""
        from gui.window.export import ask_and_export

        ask_and_export(self.window, title)

    def open_folders(self) -> None:
        """Ask for a folder of runs."""
        self.window.folders.ask()

    def train_demo(self) -> None:
        """Train what comes with the package."""
        self._launch_tab().train_demo()

    def show_keys(self) -> None:
        """All keys."""
        from gui.window.keys import KeysDialog

        rows = [(offered.entry.menu, offered.title, ", ".join(offered.entry.keys))
                for offered in self._offered]  # fmt: skip
        KeysDialog(rows, self.window).exec()

    def choose_columns(self) -> None:
        """Ask which columns the table of runs has."""
        from gui.window.choosing import ColumnsDialog

        runs = self.window.runs
        keys = [knob.path for knob in all_knobs(schema())]
        keys += [key for row in runs.rows.values() for key in row.knobs or ()]
        metrics = metrics_of(list(runs.rows.values()))
        dialog = ColumnsDialog(
            [column.key for column in runs.columns], metrics, list(dict.fromkeys(keys)), self.window
        )
        if dialog.exec():
            runs.choose_columns(dialog.chosen)

    def _attempt(self, act: Callable[[], None], done: str) -> None:
        """Do in another thread what may wait for a disk, then show a message."""
        self.window.jobs.do(act, lambda _: self.window.notify(done), self._refused)

    def _refused(self, error: UserError) -> None:
        QMessageBox.warning(self.window, "ris-gui", str(error))


def _tab_keys(place: int) -> tuple[str, ...]:
    """Ctrl and the tab's number; those beyond nine, which have no digit, with Alt from 1 on."""
    return (f"Ctrl+{place + 1}",) if place < 9 else (f"Ctrl+Alt+{place - 8}",)
