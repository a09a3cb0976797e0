"""Once the window is there its thread touches no file: a mount that hangs freezes nothing."""

import builtins
import io
import os
import subprocess
import sys
import sysconfig
import threading
import traceback
from contextlib import contextmanager
from pathlib import Path

import pytest
from driven import SOON_MS, read, sample, trigger
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from gui.tabs import TABS
from gui.window import export
from ris_tf.config import load_config
from ris_tf.runlog import Sample, write_sample
from ris_tf.search import Choices, Search, SearchDirectory, Trial, TrialState

# The program itself is read as it is needed: modules, colour maps.
PROGRAM = tuple(
    str(Path(path).resolve())
    for path in {
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        *(sys.prefix, sys.base_prefix, str(Path(__file__).parents[2] / "gui")),
        str(Path(__file__).parents[2] / "ris_tf"),
    }
)
CALLS = {
    os: ("stat", "lstat", "scandir", "listdir", "open", "access", "readlink", "mkdir", "rename",
         "replace", "unlink", "utime", "fstat", "pread", "statvfs", "getcwd"),
    io: ("open",),
    builtins: ("open",),
}  # fmt: skip
EVENTS = (
    "open",
    "os.listdir",
    "os.scandir",
    "subprocess.Popen",
    "os.mkdir",
    "os.remove",
    "os.rename",
)


class Guard:
    """Notes every access to a file by the thread that it is switched on in, and refuses it."""

    def __init__(self):
        self.thread = None
        self.found = []

    def look(self, what, path):
        if threading.get_ident() != self.thread or self._is_program(path) or _imports():
            return
        self.thread, thread = None, self.thread  # to note it takes files
        try:
            stack = "".join(traceback.format_stack(limit=14)[:-2])
            self.found.append(f"{what} {path!r}\n{stack}")
        finally:
            self.thread = thread
        raise AssertionError(f"the window's thread: {what} {path!r}")

    def _is_program(self, path):
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        return isinstance(path, str | Path) and str(path).startswith(PROGRAM)


def _imports():
    """Whether a module is being imported: tabs are when they are first looked at."""
    frame = sys._getframe()
    while frame and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


GUARD = Guard()


def _audit(event, arguments, guard=GUARD, events=EVENTS):
    """Holds what it needs: it is called to the end, when Python has taken the module's names."""
    if guard.thread is not None and event in events:
        guard.look(event, arguments[0])


sys.addaudithook(_audit)  # cannot be taken back: it is switched


@pytest.fixture
def guard(monkeypatch):
    """Refuses files to this thread within `with guard():`."""

    def guarded(name, call):
        def wrapped(*arguments, **options):
            GUARD.look(name, arguments[0] if arguments else ".")
            return call(*arguments, **options)

        return wrapped

    @contextmanager
    def switched_on():
        GUARD.found = []
        with monkeypatch.context() as patch:
            for module, names in CALLS.items():
                for name in names:
                    patch.setattr(module, name, guarded(name, getattr(module, name)))
            GUARD.thread = threading.get_ident()
            try:
                yield GUARD
            finally:
                GUARD.thread = None

    return switched_on


def test_the_guard_finds_what_it_is_for(guard, tmp_path):
    """Whichever way a file is come by; and leaves other threads alone."""
    (tmp_path / "a").write_text("x")
    ways = (
        (tmp_path / "a").exists, (tmp_path / "a").read_text, tmp_path.is_dir,
        lambda: list(tmp_path.glob("*")), lambda: list(tmp_path.iterdir()), tmp_path.resolve,
        lambda: os.path.exists(str(tmp_path)),  # noqa: PTH110
        lambda: open(tmp_path / "a"),  # noqa: PTH123, SIM115
        (tmp_path / "b").touch, lambda: load_config(tmp_path / "a"),
        lambda: subprocess.run(["true"], check=True), (tmp_path / "a").unlink,
    )  # fmt: skip
    seen = []
    thread = threading.Thread(target=lambda: seen.append((tmp_path / "a").read_text()))
    with guard() as found:
        for way in ways:
            with pytest.raises(AssertionError, match="the window's thread"):
                way()
        thread.start()
        thread.join()
    assert len(found.found) >= len(ways)
    assert seen == ["x"]


KEY = "network.width"


@pytest.fixture
def places(fake_run, model_run, tmp_path):
    """Runs of both kinds, one of them with spectra, and a search with a trial."""
    run = fake_run("ours").train(25, dropped=(3,))
    for epoch in (0, 1):
        path = f"samples/epoch_{epoch:04d}.npz"
        write_sample(run.path / path, sample(epoch))
        run.writer.write(Sample(10 * epoch + 9, epoch, 1e9, path))
    run.train(3).end("stopped")
    model_run("theirs").train(25, dropped=(4,)).end()
    search = SearchDirectory.create(tmp_path / "runs" / "s", Search(space={KEY: Choices((4, 8))}))
    fake_run("s/trial_0001").train(12)
    search.write_trial(Trial(1, {KEY: 4}, TrialState.FINISHED, 0.5, path=search.trial_path(1)))
    return {
        path.name: path for path in (run.path, tmp_path / "runs" / "theirs", search.trial_path(1))
    }


def look_at(qtbot, window, *paths):
    """Select runs, and look at each tab."""
    window.choose(paths)
    qtbot.waitUntil(lambda: not window._waiting_for, timeout=SOON_MS)
    read(qtbot, window)
    for name in TABS:
        window.show_tab(name)
        qtbot.wait(60)
        window.grab()


def test_looking_at_runs_takes_no_file(qtbot, open_window, places, tmp_path, guard):
    """Every tab of every kind of run, while another thread reads what they show."""
    window = open_window(tmp_path / "runs")
    with guard() as found:
        for paths in (
            [places["ours"]],
            [places["theirs"]],
            [places["trial_0001"]],
            places.values(),
        ):
            look_at(qtbot, window, *paths)
        window.choose([places["ours"]])
        qtbot.waitUntil(lambda: "ours" in str(window.runs.selected), timeout=SOON_MS)
        window.show_tab("scene")
        scene = window.tab("scene")
        qtbot.waitUntil(lambda: len(scene.plots()) == 1, timeout=SOON_MS)
        qtbot.keyClick(scene, Qt.Key.Key_Left)
        qtbot.waitUntil(lambda: "epoch 1" in scene.plots()[0].titleLabel.text, timeout=SOON_MS)
        window.choose([places["trial_0001"]])
        window.show_tab("search")
        search = window.tab("search")
        qtbot.waitUntil(lambda: "1 trials done" in search.header.text(), timeout=SOON_MS)
        qtbot.wait(700)  # timers have their turn
        window.scan()
        window.toggle_theme()
        window.runs.filter.setText("ours")
        window.runs.filter.setText("")
    assert found.found == []


def test_what_is_done_to_runs_takes_no_file(
    qtbot, open_window, places, tmp_path, guard, monkeypatch
):
    """Stopping, resuming, exporting and launching: what they read and write is others' work."""
    yes = QMessageBox.StandardButton.Yes
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: yes)
    monkeypatch.setattr(QMessageBox, "exec", lambda *_: 0)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (export.ALL, True))
    table = str(tmp_path / "a.csv")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (table, export.FORMATS[2]))
    monkeypatch.setattr("gui.models.commands.Command.argv", [sys.executable, "-c", "1/0"])
    config = tmp_path / "mine.yaml"
    config.write_text("training: {epochs: 3}\n")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    message = window.statusBar().currentMessage
    with guard() as found:
        window.choose([places["trial_0001"]])
        trigger(qtbot, window, "&Stop with a checkpoint")
        qtbot.waitUntil(lambda: "asked to stop" in message(), timeout=SOON_MS)
        window.show_tab("loss")
        trigger(qtbot, window, "&Export plots…")
        qtbot.waitUntil(lambda: message() == f"saved {table}", timeout=SOON_MS)
        window.choose([places["ours"]])
        window.show_tab("launch")
        launch = window.tab("launch")
        launch.open_config(tmp_path / "none.yaml")
        qtbot.waitUntil(lambda: "cannot be read" in launch.status.text(), timeout=SOON_MS)
        launch.open_config(config)
        qtbot.waitUntil(lambda: "mine" in launch.name.text(), timeout=SOON_MS)
        launch.name.clear()
        qtbot.keyClicks(launch.name, "ours")
        placeholder = launch.command.placeholderText
        qtbot.waitUntil(lambda: "exists; choose another name" in placeholder(), timeout=SOON_MS)
        assert not launch.start_button.isEnabled()
        qtbot.keyClicks(launch.name, "-2")
        qtbot.keyClicks(launch.filter, "rate")
        launch.kind.setCurrentText("Search")
        launch.kind.setCurrentText("Train")
        qtbot.waitUntil(launch.start_button.isEnabled, timeout=SOON_MS)
        launch.start_button.click()
        qtbot.waitUntil(lambda: "ZeroDivisionError" in launch.status.text(), timeout=SOON_MS)
        trigger(qtbot, window, "Start &again with these settings…")
        source = places["ours"] / "config.yaml"
        qtbot.waitUntil(lambda: launch.settings.source == source, timeout=SOON_MS)
        window._launched(places["ours"])
        qtbot.waitUntil(lambda: window.tab_name == "loss", timeout=SOON_MS)
    assert found.found == []
    assert (places["trial_0001"] / "stop").exists()
