"""Titles, pins, tags and notes by the menu; columns by the dialog; runs into the trash."""

import pytest
from driven import SOON_MS, read, trigger
from PySide6.QtCore import QFile, Qt
from PySide6.QtWidgets import QInputDialog, QMessageBox

from gui.models.columns import KNOB, METRIC
from gui.window import noting
from gui.window.choosing import ColumnsDialog
from ris_tf.runlog import Remarks, read_remarks, write_remarks


@pytest.fixture
def window(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    return window


def test_what_is_noted_is_in_the_folder_and_in_the_table(qtbot, window, tmp_path, monkeypatch):
    run = tmp_path / "runs" / "a"
    answers = iter(["Best so far", "paper, b"])
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (next(answers), True))
    monkeypatch.setattr(noting, "text_of", lambda *_: ("two\nlines", True))
    for entry in ("&Rename…", "&Tags…", "&Note…", "&Pin, or let go"):
        trigger(qtbot, window, entry)
    wanted = Remarks("Best so far", ("paper", "b"), "two\nlines", pinned=True)
    qtbot.waitUntil(lambda: read_remarks(run) == wanted, timeout=SOON_MS)
    cell = window.runs.model.index(0, 0).data
    qtbot.waitUntil(lambda: cell() == "★ Best so far", timeout=SOON_MS)
    assert "two\nlines" in window.runs.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    trigger(qtbot, window, "&Archive, or take back")
    qtbot.waitUntil(lambda: window.runs.model.rowCount() == 0, timeout=SOON_MS)
    assert window.runs.selected == [run], "what is shown stays shown"
    window.runs.filter.setText("archived:yes")
    assert window.runs.model.rowCount() == 1


def test_a_note_of_somebody_else_meanwhile_is_kept(qtbot, window, tmp_path):
    run = tmp_path / "runs" / "a"
    write_remarks(run, Remarks(note="theirs"))
    trigger(qtbot, window, "&Pin, or let go")
    wanted = Remarks(note="theirs", pinned=True)
    qtbot.waitUntil(lambda: read_remarks(run) == wanted, timeout=SOON_MS)


def test_a_run_goes_to_the_trash_only_when_asked_and_agreed(
    qtbot, window, fake_run, tmp_path, monkeypatch
):
    run, moved = tmp_path / "runs" / "a", []
    monkeypatch.setattr(QFile, "moveToTrash", lambda path: moved.append(path) or (True, ""))
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Cancel)
    trigger(qtbot, window, "&Move to the trash…")
    assert moved == []
    monkeypatch.setattr(QMessageBox, "warning", lambda *_: QMessageBox.StandardButton.Yes)
    trigger(qtbot, window, "&Move to the trash…")
    qtbot.waitUntil(lambda: moved == [str(run)], timeout=SOON_MS)
    going = fake_run("going").train(5)
    window.choose([going.path])
    read(qtbot, window)
    window.actions_.update()
    entry = next(a for a in window.actions() if a.text() == "&Move to the trash…")
    qtbot.waitUntil(lambda: not entry.isEnabled(), timeout=SOON_MS)
    assert "stop it first" in entry.toolTip()


def test_columns_are_found_chosen_and_kept_in_their_order(qtbot):
    dialog = ColumnsDialog(["run", "best", "state"], ["loss"], ["training.epochs"])
    qtbot.addWidget(dialog)
    assert dialog.chosen == ["best", "state"]
    dialog.filter.setText("epochs config")
    shown = [key for key, row in dialog.items.items() if not row.isHidden()]
    assert shown == [KNOB + "training.epochs"]
    for key in (KNOB + "training.epochs", METRIC + "loss"):
        dialog.items[key].setCheckState(0, Qt.CheckState.Checked)
    dialog.items["best"].setCheckState(0, Qt.CheckState.Unchecked)
    assert dialog.chosen == ["state", METRIC + "loss", KNOB + "training.epochs"]
