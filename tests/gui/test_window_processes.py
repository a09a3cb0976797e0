"""The window with processes: what is started in it, watched, stopped, gone on with and killed."""

import subprocess
import sys

from driven import SOON_MS, state_of, trigger, windows_shown
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox

from gui.models.index import RunIndex
from ris_tf.config import Config, dump_config
from ris_tf.registry import plugins_apart
from ris_tf.runlog import RunDirectory
from ris_tf.search import SearchDirectory

TRAINING_MS = 120_000


def open_config(qtbot, launch, path):
    """Open a configuration in the form, and wait for it and for the name that is suggested."""
    launch.open_config(path)
    qtbot.waitUntil(lambda: launch.settings and launch.settings.source == path, timeout=SOON_MS)
    qtbot.waitUntil(lambda: path.stem in launch.name.text(), timeout=SOON_MS)


def test_launch_watch_stop_resume_finish(qtbot, open_window, tiny_yaml, tmp_path, monkeypatch):
    """A person's evening with a real training."""
    (tmp_path / "runs").mkdir()
    window = open_window(tmp_path / "runs")
    window.show_tab("launch")
    launch = window.tab("launch")
    open_config(qtbot, launch, tiny_yaml)
    launch.form.rows["training.compile"].editor.setChecked(False)
    for path, text in {
        "training.epochs": "12",
        "training.batches_per_epoch": "75",
        "training.validation_batches": "1",
    }.items():
        editor = launch.form.rows[path].editor
        editor.clear()
        qtbot.keyClicks(editor, text)
    launch.name.clear()
    qtbot.keyClicks(launch.name, "evening")
    assert "--set training.epochs=12" in launch.command.toPlainText()
    launch.start_button.click()
    run = tmp_path / "runs" / "evening"
    qtbot.waitUntil(lambda: windows_shown(window) > 30, timeout=TRAINING_MS)
    assert window.tab_name == "loss"
    assert state_of(window, run) == "running"

    asked = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.text()) or 0)
    assert window.actions_.may_close() is False, "it asks before a run is left alone"
    assert "goes on without the window" in asked[0]
    trigger(qtbot, window, "&Stop with a checkpoint")
    qtbot.waitUntil(lambda: state_of(window, run) == "stopped", timeout=TRAINING_MS)
    assert window.actions_.may_close() is True

    trigger(qtbot, window, "&Resume")
    qtbot.waitUntil(lambda: state_of(window, run) == "finished", timeout=TRAINING_MS)
    qtbot.waitUntil(lambda: windows_shown(window) == 900, timeout=SOON_MS)
    assert RunIndex([run]).poll()[0].summary.reason == "12 epochs"


PLUGIN = """
from ris_tf.plugins import Section, knob, term

class Rarity(Section):
    base: int = knob(2, "Base of the logarithm.", ge=2)

@term("rarity", weight=0.1, knobs=Rarity)
def rarity(comparison, knobs):
    "How rare it is."
"""


def test_knobs_of_a_plug_in_come_from_a_process_of_its_own(qtbot, open_window, tiny_yaml, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "rare.py").write_text(PLUGIN)
    window = open_window(tmp_path / "runs")
    window.show_tab("launch")
    launch = window.tab("launch")
    open_config(qtbot, launch, tiny_yaml)
    editor = launch.form.rows["training.epochs"].editor
    editor.clear()
    qtbot.keyClicks(editor, "7")

    def type_plugin(name):
        launch.plugins.clear()
        qtbot.keyClicks(launch.plugins, name)
        qtbot.keyClick(launch.plugins, Qt.Key.Key_Return)

    with plugins_apart():
        type_plugin("no_such_module")
        qtbot.waitUntil(lambda: "no_such_module" in launch.status.text(), timeout=SOON_MS)
        qtbot.waitUntil(lambda: "✖" in launch.status.text(), timeout=TRAINING_MS)
        assert "--plugin" not in launch.command.toPlainText(), "what is edited has no plug-in"
        file = str(tmp_path / "rare.py")
        type_plugin(file)
        qtbot.waitUntil(lambda: "objective.rarity.base" in launch.form.rows, timeout=TRAINING_MS)
        row = launch.form.rows["objective.rarity.base"]
        assert row.hint.text() == "≥ 2"
        row.editor.clear()
        qtbot.keyClicks(row.editor, "1")
        assert "at least 2" in row.error.text()
        qtbot.keyClicks(row.editor, "0")
        text = launch.command.toPlainText()
        assert f"--plugin {file}" in text
        assert "--set training.epochs=7" in text, "what was typed before stays"
        assert "--set objective.rarity.base=10" in text
    assert "rare" not in sys.modules


def test_code_that_a_run_names_is_run_only_when_agreed_to(open_window, tmp_path, monkeypatch):
    run = RunDirectory.create(
        tmp_path / "runs" / "a", dump_config(Config()), ["x"], plugins=["<b>evil"]
    )
    launch = open_window(tmp_path / "runs").tab("launch")
    asked, begun = [], []
    monkeypatch.setattr(launch._launches, "begin", lambda command, path: begun.append(command.text))
    for answer in (QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes):
        monkeypatch.setattr(
            QMessageBox, "exec", lambda box, answer=answer: asked.append(box) or answer
        )
        launch.resume(run)
    assert begun == [f"ris-tf train --resume {run.path} --plugin '<b>evil'"]
    assert "<b>evil" in asked[0].text()
    assert asked[0].textFormat() == Qt.TextFormat.PlainText


def test_launch_a_search_and_stop_it(qtbot, open_window, tiny_yaml, tmp_path):
    window = open_window(tmp_path / "runs")
    window.show_tab("launch")
    launch = window.tab("launch")
    open_config(qtbot, launch, tiny_yaml)
    launch.form.rows["training.compile"].editor.setChecked(False)
    launch.kind.setCurrentText("Search")
    launch.plan.trials.setValue(2)
    launch.plan.epochs.setValue(100)
    launch.plan.space.setEditText("narrow")
    launch.name.clear()
    qtbot.keyClicks(launch.name, "wanted")
    text = launch.command.toPlainText()
    assert text.startswith("ris-tf tune ")
    assert "--n-trials 2 --epochs-per-trial 100 --space narrow --algorithm bayesian" in text
    launch.start_button.click()
    trial = tmp_path / "runs" / "wanted" / "trial_0001"
    qtbot.waitUntil(lambda: state_of(window, trial) == "running", timeout=TRAINING_MS)
    assert window.tab_name == "search"
    qtbot.waitUntil(lambda: "0 of 2 trials done" in window.tab("search").header.text())
    trigger(qtbot, window, "Stop its search &with checkpoints")
    qtbot.waitUntil(lambda: state_of(window, trial) == "stopped", timeout=TRAINING_MS)
    search = SearchDirectory.open(trial.parent)
    qtbot.waitUntil(lambda: search.holder_alive() is False, timeout=TRAINING_MS)
    assert [str(t.state) for t in search.trials()] == ["waiting"]


TRAINING = """
import sys, time
from pathlib import Path
from tests.gui.conftest import FakeRun
run = FakeRun(Path(sys.argv[1]))
while True:
    run.train(1)
    time.sleep(0.05)
"""


def test_a_killed_run_is_lost(qtbot, open_window, tmp_path, root, monkeypatch):
    run = tmp_path / "runs" / "a"
    process = subprocess.Popen([sys.executable, "-c", TRAINING, str(run)], cwd=root)
    try:
        window = open_window(tmp_path / "runs")
        qtbot.waitUntil(lambda: windows_shown(window) > 3, timeout=SOON_MS)
        no, yes = QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes
        monkeypatch.setattr(QMessageBox, "warning", lambda *_: no)
        trigger(qtbot, window, "&Kill…")
        assert process.poll() is None
        monkeypatch.setattr(QMessageBox, "warning", lambda *_: yes)
        trigger(qtbot, window, "&Kill…")
        qtbot.waitUntil(lambda: process.poll() == -9, timeout=SOON_MS)
        qtbot.waitUntil(lambda: state_of(window, run) == "lost", timeout=SOON_MS)
        qtbot.waitUntil(lambda: "lost" in _headlines(window), timeout=SOON_MS)
    finally:
        process.kill()
        process.wait()


def _headlines(window):
    window.show_tab("health")
    return " ".join(label.text() for label in window.tab("health").findChildren(QLabel))


def test_a_refused_start_shows_the_reason(qtbot, open_window, tiny_yaml, tmp_path):
    (tmp_path / "runs").mkdir()
    window = open_window(tmp_path / "runs")
    launch = window.tab("launch")
    window.show_tab("launch")
    open_config(qtbot, launch, tiny_yaml)
    row = launch.form.rows["training.epochs"]
    row.editor.clear()
    qtbot.keyClicks(row.editor, "0")
    assert not launch.start_button.isEnabled()
    assert "at least 1" in row.error.text()
    assert "training.epochs" in launch.command.placeholderText()
    row.undo.click()
    assert launch.start_button.isEnabled()
    launch.settings.source = tmp_path / "gone.yaml"  # somebody moved it since
    launch.start_button.click()
    qtbot.waitUntil(lambda: "exit code 2" in launch.status.text(), timeout=SOON_MS)
    assert "gone.yaml: cannot be read" in launch.status.text()
