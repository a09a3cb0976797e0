"""The Launch tab: a configuration, edited in a form, and the run that is started from it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from gui.launch.device import DeviceBox
from gui.launch.launches import Launches
from gui.launch.layout import lay_out
from gui.launch.place import PlaceCheck
from gui.launch.plugins import agreed_to, list_knobs, missing
from gui.launch.preview import CommandPreview
from gui.launch.search_plan import SearchPlanForm
from gui.launch.settings_form import SettingsForm
from gui.models.commands import (
    Command,
    NewRun,
    demo_command,
    free_demo_name,
    free_name,
    plugin_names,
    resume_command,
    resume_search_command,
    train_command,
    tune_command,
)
from gui.models.settings import ALL, CONFIGS, Settings, configurations
from gui.tabs.tab import Message, Tab
from gui.theme import Theme
from gui.workers import Jobs, Poller
from ris_tf.config.declared import WAIT_S
from ris_tf.errors import UserError
from ris_tf.registry import named_plugins
from ris_tf.runlog import RunDirectory, check_name

CLOSE_S = 1.0  # how long the window waits, when it closes, for what was just started
NO_CHANGES: Mapping[str, str] = {}
NOTHING = (
    "No configuration chosen.\n\nBrowse for a YAML file, or start from a run: select it at the "
    "left and press Ctrl+G.\nA file may be empty: then everything is as by default."
)


class LaunchTab(Tab):
    """Choose a configuration, change it, start it; another thread does files and processes.

    Args:
        runs_dir: folder that gets new runs.
        parent: its owner.
    """

    title = "Launch"
    launched = Signal(object)  # Path of a run or search that was started, once it is there

    def __init__(self, runs_dir: Path, parent: QWidget | None = None):
        super().__init__(parent)
        self.settings: Settings | None = None
        self._requested: Path | None = None  # the configuration that was chosen last
        self._suggested = ""  # a name, which has the time that it was made
        self._jobs = Jobs(self)
        self._listing = Jobs(self, patience_s=WAIT_S)  # knobs: a plug-in may import TensorFlow
        self._place = PlaceCheck(self._jobs, self._refresh, self._refuse)
        self._launches = Launches(self._jobs, self)
        self._launches.begun.connect(self._process_begun)
        self._launches.failed.connect(self._process_failed)
        self._make(runs_dir)
        lay_out(self)
        self._refresh()
        self._jobs.do(configurations, self._offer, self._refuse)

    def _make(self, runs_dir: Path) -> None:
        self.files = QComboBox()
        self.files.setAccessibleName("configuration file")
        self.files.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.browse = QPushButton("&Browse…")
        self.kind = QComboBox()
        self.kind.addItems(["Train", "Search"])
        self.kind.setAccessibleName("train one run, or search hyperparameters")
        self.plan = SearchPlanForm()
        self.plan.hide()
        self.name = QLineEdit()
        self.name.setAccessibleName("name of the run")
        self.plugins = QLineEdit(", ".join(named_plugins()))
        self.plugins.setPlaceholderText("modules that add terms or networks")
        self.plugins.setAccessibleName("plug-ins")
        self.plugins.setToolTip("Python modules, as --plugin takes them; Enter loads their knobs")
        self.weights = QLineEdit()
        self.weights.setPlaceholderText("weights drawn from the seed")
        self.weights.setClearButtonEnabled(True)
        self.weights.setAccessibleName("run or file with the weights to begin at")
        self.weights.setToolTip("a run, a .keras or a .weights.h5 file, as --from takes it")
        self.device = DeviceBox()
        self.runs_dir = QLineEdit(str(runs_dir))
        self.runs_dir.setAccessibleName("folder that gets the run")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter: name, what it does, unit")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("filter the settings")
        self.only = QCheckBox("only chan&ged")
        self.form = SettingsForm()
        self.nothing = Message(NOTHING)
        self.preview = CommandPreview()
        self.command, self.start_button = self.preview.text, self.preview.start
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.files.activated.connect(lambda index: self.open_config(Path(self.files.currentText())))
        self.browse.clicked.connect(self._browse)
        self.preview.copied.connect(lambda: self._notify("copied the command"))
        self.preview.started.connect(self.start)
        self.plugins.editingFinished.connect(self._add_plugins)
        self.form.edited.connect(self._refresh)
        self.plan.edited.connect(self._refresh)
        self.kind.currentIndexChanged.connect(self._change_kind)
        self.device.currentIndexChanged.connect(self._refresh)
        for line in (self.name, self.runs_dir, self.weights):
            line.textEdited.connect(self._refresh)
        self.filter.textChanged.connect(self._apply_filter)
        self.only.toggled.connect(self._apply_filter)

    def readers(self) -> dict[str, Poller]:
        """That of its files."""
        return {
            "the files of the Launch tab": self._jobs.poller,
            "the knobs of the plug-ins": self._listing.poller,
        }

    def is_read(self) -> bool:
        """Whether its files are read."""
        return self._jobs.idle and self._listing.idle

    def showEvent(self, event: QShowEvent) -> None:
        """A name that was only suggested has the time of now."""
        super().showEvent(event)
        if self.name.text() == self._suggested:
            self._rename()

    def close_down(self) -> None:
        """What was started a moment ago is started before the window is gone."""
        self._jobs.finish(CLOSE_S)
        super().close_down()

    def _offer(self, found: list[Path]) -> None:
        """The configurations that there are; one is opened unless another was asked for."""
        for path in found:
            self.files.addItem(str(path))
        if found and self._requested is None:
            self.open_config(next((p for p in found if p.stem == "quickstart"), found[0]))

    def open_config(
        self,
        path: Path,
        before: Settings | None = None,
        changes: Mapping[str, str] = NO_CHANGES,
    ) -> None:
        """Edit a configuration file; one that cannot be used is reported, and nothing changes.

        Args:
            path: the file.
            before: settings whose edits are made again.
            changes: texts by dotted key that are filled in.
        """
        self._requested = path
        self._jobs.do(
            lambda: Settings.load(path),
            lambda settings: self._edit(settings, before, changes),
            self._refuse,
        )

    def _add_plugins(self) -> None:
        """Go on editing, with the knobs of the plug-ins that were typed."""
        plugins = missing(plugin_names(self.plugins.text()))
        if plugins and not self._listing.idle:
            self._notify(f"{', '.join(plugins)}: wait until the plug-ins before are listed")
        elif plugins and (path := self._requested):
            self._list_knobs(plugins, lambda: self.open_config(path, self.settings))

    def _list_knobs(self, plugins: Sequence[str], then: Callable[[], None]) -> None:
        """Have the forms show and check what plug-ins add, which another process loads."""

        def declared() -> None:
            self.plugins.setText(", ".join(named_plugins()))
            then()

        self._notify(f"listing the knobs of {', '.join(plugins)}")
        list_knobs(self._listing, plugins, declared, self._refuse)

    def _edit(
        self, settings: Settings, before: Settings | None, changes: Mapping[str, str]
    ) -> None:
        if settings.source != self._requested:
            return
        if before and before.source == settings.source:
            settings.edit_like(before)
        for key, text in changes.items():
            settings.edit(key, text)
        self.settings = settings
        path = str(settings.source)
        if self.files.findText(path) < 0:
            self.files.addItem(path)
        self.files.setCurrentText(path)
        self._rename()
        self.form.show_settings(settings)
        self.only.setChecked(bool(changes))
        changed = ", ".join(f"{key} = {text}" for key, text in changes.items())
        if changes or not self.starting:  # what is starting stays in sight
            self._notify(f"filled in: {changed}" if changes else "")
        self._refresh()

    def _refuse(self, error: UserError) -> None:
        self._notify(str(error), wrong=True)
        if self.settings:
            self.files.setCurrentText(str(self.settings.source))

    def edit_settings_of(
        self, run: RunDirectory, changes: Mapping[str, str] = NO_CHANGES, weights: str = ""
    ) -> None:
        """Start again with the settings of a run, to be changed first.

        Args:
            run: the run.
            changes: texts by dotted key that are filled in.
            weights: run or file that has the weights to begin at.
        """
        plugins, path = missing(run.identity.plugins), run.config_path
        self.weights.setText(weights)
        self.kind.setCurrentText("Train")
        if not plugins:
            self.open_config(path, changes=changes)
        elif agreed_to(plugins, self):
            self._list_knobs(plugins, lambda: self.open_config(path, changes=changes))

    def resume(self, run: RunDirectory, epochs: int = 0, take_over: bool = False) -> None:
        """Go on with a run from its last checkpoint; see `resume_command`."""
        plugins = missing(run.identity.plugins)
        if not plugins or agreed_to(plugins, self):
            command = resume_command(run.path, [*named_plugins(), *plugins], epochs, take_over)
            self._begin(command, run.path)

    def resume_search(self, search: Path, take_over: bool = False) -> None:
        """Go on with a search that was stopped or killed."""
        self._begin(resume_search_command(search, named_plugins(), take_over), search)

    def _change_kind(self) -> None:
        self.plan.setVisible(self.searches)
        self.preview.name("search" if self.searches else "run")
        self.weights.setEnabled(not self.searches)
        self._rename()
        self._refresh()

    @property
    def searches(self) -> bool:
        """Whether a search is started, not a single run."""
        return self.kind.currentText() == "Search"

    def take_runs_dir(self, folder: Path) -> None:
        """Put new runs into another folder."""
        self.runs_dir.setText(str(folder))
        self._rename()
        self._refresh()

    def train_demo(self) -> None:
        """Train the configuration that comes with the package under a name of its own."""
        folder = Path(self.runs_dir.text())

        def begin(name: str) -> None:
            self._begin(demo_command(name, folder), folder / name)

        self._jobs.do(lambda: free_demo_name(folder), begin, self._refuse)

    def start(self) -> None:
        """Start the run that the form describes."""
        if command := self._command():
            self._begin(command, Path(self.runs_dir.text()) / self.name.text())

    @property
    def starting(self) -> list[Path]:
        """Runs whose processes were started, and have not begun yet."""
        return self._launches.starting

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.form.restyle(theme)

    def _begin(self, command: Command, path: Path) -> None:
        self._notify(f"starting {path}: TensorFlow takes some seconds to load")
        self._launches.begin(command, path)
        self._refresh()

    def _process_begun(self, path: Path) -> None:
        self._notify(f"started {path}")
        self.launched.emit(path)
        if self.name.text() == path.name:  # not where another was typed meanwhile
            self._rename()
        self._place.forget()
        self._refresh()

    def _process_failed(self, why: str) -> None:
        self._notify(why, wrong=True)
        self._refresh()

    def _rename(self) -> None:
        """Suggest a name that is free, unless another is typed before it is found."""
        if self.settings is None:
            return
        folder, source, searches = Path(self.runs_dir.text()), self.settings.source, self.searches
        before = self.name.text()

        def take(name: str) -> None:
            if self.name.text() == before:
                self.name.setText(name)
                self._suggested = name
                self._refresh()

        self._jobs.do(lambda: free_name(folder, source, searches), take, self._refuse)

    def _command(self) -> Command | None:
        """What would be started, `None` where something is wrong."""
        if self.settings is None or self._problem():
            return None
        wanted = NewRun(
            self.settings.source,
            self.settings.overrides(),
            self.name.text(),
            Path(self.runs_dir.text()),
            named_plugins(),
            self._begins_at(),
            self.device.device,
        )
        return tune_command(wanted, self.plan.plan()) if self.searches else train_command(wanted)

    def _begins_at(self) -> str:
        """The run or file that has the weights to begin at; the trials of a search draw theirs."""
        return "" if self.searches else self.weights.text().strip()

    def _problem(self) -> str:
        """Why it cannot be started."""
        if self.settings is None:
            return "choose a configuration first"
        errors = self.settings.errors()
        if errors:
            path, error = next(iter(errors.items()))
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            return error + more if path == ALL else f"{path}: {error}{more}"
        try:
            check_name(self.name.text())
        except UserError as error:
            return str(error)
        if self.searches and not self.plan.plan().space:
            return "space: wide, narrow, or the path of a YAML file"
        return self._folder_problem(Path(self.runs_dir.text() or ".") / self.name.text())

    def _folder_problem(self, path: Path) -> str:
        """Why a folder cannot be that of a new run; a folder not checked yet counts as free."""
        if path in self.starting:
            return f"{path.name} is starting"
        return self._place.problem(path, self._begins_at())

    def _refresh(self) -> None:
        """Show the command, or why there is none."""
        self.form.setVisible(self.settings is not None)
        self.nothing.setVisible(self.settings is None)
        command, problem = self._command(), self._problem()
        self.preview.show_command(command.text if command else "", problem)
        self._apply_filter()

    def _apply_filter(self) -> None:
        self.form.narrow(self.filter.text(), self.only.isChecked())

    def _notify(self, text: str, wrong: bool = False) -> None:
        self.status.setText(f"✖ {text}" if wrong else text)
        font = self.status.font()
        font.setBold(wrong)
        self.status.setFont(font)

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Configuration", str(CONFIGS), "Configuration (*.yaml *.yml)"
        )
        if name:
            self.open_config(Path(name))
