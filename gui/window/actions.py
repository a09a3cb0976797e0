"""Menus and keys: everything that can be done from the window."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QCheckBox, QMenu, QMessageBox

from gui.models.followed import RunView
from gui.tabs import TABS
from ris_tf.errors import UserError
from ris_tf.runlog import State
from ris_tf.search import SearchDirectory

if TYPE_CHECKING:
    from gui.launch.tab import LaunchTab
    from gui.plots.grid import PlotGrid
    from gui.window.window import MainWindow

ALIVE = (State.RUNNING, State.STALLED, State.SUSPENDED)
ASK_AGAIN = "ask before closing"


@dataclass(frozen=True)
class MenuEntry:
    """An action of a menu.

    Attributes:
        menu: where it stands.
        text: its label.
        keys: its shortcuts, the first shown.
        act: what it does.
        possible: whether it can be done to the selected run; `None` if always.
    """

    menu: str
    text: str
    keys: tuple[str, ...]
    act: Callable[[], None]
    possible: Callable[[RunView], bool] | None = None


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
        self.ask_before_closing = True
        self._actions: list[tuple[QAction, MenuEntry]] = []
        context = QMenu(window)
        for title, entries in self._menus().items():
            menu = window.menuBar().addMenu(title)
            for entry in entries:
                action = self._action(entry)
                menu.addAction(action)
                if entry.possible:
                    context.addAction(action)
        window.runs.context_menu = context
        self.update()

    def update(self) -> None:
        """Offer what can be done to what is selected."""
        views = self.window.selected_views()
        for action, entry in self._actions:
            if entry.possible:
                action.setEnabled(any(entry.possible(view) for view in views))

    def may_close(self) -> bool:
        """Whether the window may close; asks once where runs that it started go on."""
        rows = self.window.runs.rows
        alive = sorted(p for p in self.started if p in rows and rows[p].state in ALIVE)
        settings = self.window.settings
        launch = self.window.made.get("launch")
        alive += launch.starting if launch else []  # pyright: ignore[reportAttributeAccessIssue]
        if not (alive and self.ask_before_closing) or (
            settings and settings.value(ASK_AGAIN) == "no"
        ):
            return True
        box = QMessageBox(self.window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{_count(alive)} on without the window.")
        names = ", ".join(path.name for path in alive)
        box.setInformativeText(f"{names}\n\nOpen the window again to watch, or stop them first.")
        again = QCheckBox("Do not ask again", box)
        box.setCheckBox(again)
        close = box.addButton("Close, let them run", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        agreed = box.clickedButton() is close
        if agreed and again.isChecked() and settings:
            settings.setValue(ASK_AGAIN, "no")
        box.deleteLater()
        return agreed

    def _menus(self) -> dict[str, list[MenuEntry]]:
        w = self.window
        runs = [
            MenuEntry("Run", "&New run…", ("Ctrl+N",), lambda: w.show_tab("launch")),
            MenuEntry("Run", "&Resume", ("Ctrl+R",), self.resume, _resumable),
            MenuEntry(
                "Run",
                "Start &again with these settings…",
                ("Ctrl+G",),
                self.start_again,
                _localizes,
            ),
            MenuEntry("Run", "&Stop with a checkpoint", ("Ctrl+S",), self.stop, _alive),
            MenuEntry("Run", "&Kill…", ("Ctrl+K",), self.kill, _alive),
            MenuEntry(
                "Run", "Go on with its searc&h", ("Ctrl+Shift+R",), self.resume_search, _idle_search
            ),
            MenuEntry(
                "Run",
                "Stop its search &with checkpoints",
                ("Ctrl+Shift+S",),
                self.stop_search,
                _busy_search,
            ),
            MenuEntry("Run", "&Open its folder", ("Ctrl+O",), self.open_folder, _readable),
            MenuEntry("Run", "&Copy its path", ("Ctrl+Shift+C",), self.copy_path, _readable),
        ]
        tabs = [
            MenuEntry("View", name.capitalize(), (f"Ctrl+{i + 1}",), self._opener(name))
            for i, name in enumerate(TABS)
        ]
        view = [
            MenuEntry("View", "&Filter the runs", ("Ctrl+F",), w.runs.filter.setFocus),
            MenuEntry("View", "&List of runs", ("Ctrl+L",), w.runs.table.setFocus),
            MenuEntry("View", "Show all of the &plots", ("Ctrl+0",), self.fit),
            MenuEntry("View", "Zoom &in", ("Ctrl+=", "Ctrl++"), lambda: self.move(0.5, 0.0)),
            MenuEntry("View", "Zoom &out", ("Ctrl+-",), lambda: self.move(2.0, 0.0)),
            MenuEntry("View", "&Earlier", ("Alt+Left",), lambda: self.move(1.0, -0.25)),
            MenuEntry("View", "La&ter", ("Alt+Right",), lambda: self.move(1.0, 0.25)),
            MenuEntry("View", "Light or &dark", ("Ctrl+D",), w.toggle_theme),
            MenuEntry("View", "Look for new &runs", ("F5",), w.scan),
        ]
        file = [
            MenuEntry("File", "&Export plots…", ("Ctrl+E",), self.export),
            MenuEntry("File", "&Quit", ("Ctrl+Q",), self.quit),
        ]
        help_menu = [MenuEntry("Help", "&Keys", ("?", "F1"), self.show_keys)]
        return {
            "&File": file, "&Run": runs, "&View": [*tabs, *view], "&Help": help_menu,
        }  # fmt: skip

    def _action(self, entry: MenuEntry) -> QAction:
        action = QAction(entry.text, self.window)
        action.setShortcuts([QKeySequence(keys) for keys in entry.keys])
        action.triggered.connect(lambda checked, act=entry.act: act())
        self.window.addAction(action)
        self._actions.append((action, entry))
        return action

    def _opener(self, name: str) -> Callable[[], None]:
        return lambda: self.window.show_tab(name)

    def _selected(self, possible: Callable[[RunView], bool]) -> list[RunView]:
        return [view for view in self.window.selected_views() if possible(view)]

    def _launch_tab(self) -> "LaunchTab":
        """The Launch tab, brought to the front; its module is imported when it is first needed."""
        self.window.show_tab("launch")
        return cast("LaunchTab", self.window.tab("launch"))

    def resume(self) -> None:
        """Go on with the first selected run that can be."""
        for view in self._selected(_resumable)[:1]:
            if view.run:
                self._launch_tab().resume(view.run)

    def resume_search(self) -> None:
        """Go on with the search of the first selected trial that no process works on."""
        for view in self._selected(_idle_search)[:1]:
            if view.search:
                self._launch_tab().resume_search(view.search)

    def stop_search(self) -> None:
        """Ask the searches of the selected trials to stop with checkpoints."""
        for path in dict.fromkeys(view.search for view in self._selected(_busy_search)):
            if path is None:
                continue
            done = f"{path.name}: asked to stop; its trials leave a checkpoint"
            self._attempt(lambda path=path: SearchDirectory.open(path).request_stop(), done)

    def start_again(self) -> None:
        """A new run with the settings of the selected one, to be changed first."""
        for view in self._selected(_localizes)[:1]:
            if view.run:
                self._launch_tab().edit_settings_of(view.run)

    def stop(self) -> None:
        """Ask the selected runs to stop with a checkpoint."""
        from gui.processes import stop

        for view in self._selected(_alive):
            if run := view.run:
                self._attempt(lambda run=run: stop(run), f"{view.label}: asked to stop")

    def kill(self) -> None:
        """Kill the selected runs after asking."""
        from gui.processes import kill

        views = self._selected(_alive)
        if not views:
            return
        names = ", ".join(view.label for view in views)
        answer = QMessageBox.warning(
            self.window,
            "Kill",
            f"Kill {names}?\n\nWhat came after the last checkpoint is lost. "
            "Stopping (Ctrl+S) loses nothing.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        if answer == QMessageBox.StandardButton.Yes:
            for view in views:
                if run := view.run:
                    self._attempt(lambda run=run: kill(run), f"{view.label}: killed")

    def open_folder(self) -> None:
        """Show the run's folder in the desktop's file manager."""
        for view in self._selected(_readable)[:1]:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(view.path)))

    def copy_path(self) -> None:
        """The run's path to the clipboard."""
        paths = [str(view.path) for view in self._selected(_readable)]
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

    def export(self) -> None:
        """Save plots of the tab in front to a file."""
        from gui.window.export import ask_and_export

        ask_and_export(self.window)

    def show_keys(self) -> None:
        """All keys."""
        from gui.window.keys import KeysDialog

        rows = [(entry.menu, action.text().replace("&", ""), ", ".join(entry.keys))
                for action, entry in self._actions]  # fmt: skip
        KeysDialog(rows, self.window).exec()

    def _attempt(self, act: Callable[[], None], done: str) -> None:
        """Do in another thread what may wait for a disk, then show a message."""
        self.window.jobs.do(act, lambda _: self.window.notify(done), self._refused)

    def _refused(self, error: UserError) -> None:
        QMessageBox.warning(self.window, "ris-gui", str(error))


def _alive(view: RunView) -> bool:
    return bool(view.summary and view.summary.state in ALIVE)


def _resumable(view: RunView) -> bool:
    return view.resumable


def _busy_search(view: RunView) -> bool:
    return view.search_busy is True


def _idle_search(view: RunView) -> bool:
    return view.search_busy is False


def _readable(view: RunView) -> bool:
    return view.run is not None


def _localizes(view: RunView) -> bool:
    """Whether its settings are `ris-tf`'s, so that the form can edit them."""
    return view.run is not None and view.localizes


def _count(paths: list[Path]) -> str:
    return "1 run goes" if len(paths) == 1 else f"{len(paths)} runs go"
