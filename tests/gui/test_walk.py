"""What a walk through the real window found: texts that are seen, fields in order, letters once."""

import json
import os
import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from driven import SOON_MS, read, trigger
from pixels import pixels_of
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMessageBox, QWidget

from gui.models.headline import headline_of
from gui.models.metrics import which_of
from gui.models.ticks import ticks_of
from gui.tabs import TABS
from gui.tabs.tab import LINE_LENGTH, Message
from gui.window.export import file_stem
from gui.window.pages import fit_screen


def pixels(widget: QWidget) -> np.ndarray:
    """`[h, w, 3]` of a widget with what stands in it."""
    return pixels_of(widget.grab())


def test_what_the_window_notifies_of_is_seen(qtbot, open_window, fake_run, tmp_path):
    """A permanent label that takes all the room would leave none for messages."""
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    bar = window.statusBar()
    QApplication.processEvents()
    counts = pixels(bar)
    window.notify("saved /somewhere/a-figure.png")
    QApplication.processEvents()
    told = pixels(bar)
    assert (counts != told).sum() > 200
    window.refresh()  # must not bring the counts back over the message
    QApplication.processEvents()
    assert (told == pixels(bar)).all()
    bar.clearMessage()
    QApplication.processEvents()
    assert (pixels(bar) == counts).all()


def test_news_move_nothing_under_the_mouse(qtbot, open_window, fake_run, tmp_path):
    run = fake_run("a").train(12)
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    size = None
    while size != window.size():  # as wide as what is shown needs: the screen is a small one
        size = window.size()
        qtbot.wait(200)
    places = [w.mapTo(window, QPoint()) for w in (window.tabs, window.headline, window.runs.table)]
    sizes = [window.tabs.size(), window.statusBar().size()]
    run.end("failed")
    qtbot.waitUntil(window.alerts.bar.isVisible, timeout=SOON_MS)
    QApplication.processEvents()
    after = [w.mapTo(window, QPoint()) for w in (window.tabs, window.headline, window.runs.table)]
    assert after == places
    assert [window.tabs.size(), window.statusBar().size()] == sizes


def test_a_window_that_a_frame_makes_too_large_fits_once_the_frame_is_known(open_window, tmp_path):
    window = open_window(tmp_path)
    room = window.screen().availableGeometry()
    window.resize(room.width() + 50, room.height() + 50)
    fit_screen(window)
    assert window.frameGeometry().height() <= room.height()
    window.showMaximized()
    before = window.geometry()
    fit_screen(window)
    assert window.geometry() == before, "a maximized window is the desktop's affair"


def letters(text: str) -> str:
    """The letter that Alt reaches it by."""
    return QKeySequence.mnemonic(text).toString()


@pytest.mark.parametrize("name", TABS)
def test_no_letter_of_alt_means_two_things(qtbot, open_window, fake_run, tmp_path, name):
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.show_tab(name)
    tab = window.tab(name)
    qtbot.waitUntil(tab.is_read, timeout=SOON_MS)
    found = [w.text() for w in tab.findChildren(QAbstractButton) if w.isVisibleTo(window)]
    found += [w.text() for w in tab.findChildren(QLabel) if w.buddy() and w.isVisibleTo(window)]
    found += [action.text() for action in window.menuBar().actions()]
    found += [window.alerts.bar.log.text(), window.alerts.bar.change.text()]
    counts = Counter(letter for text in found if (letter := letters(text)))
    assert [letter for letter, count in counts.items() if count > 1] == []


def test_tab_goes_through_the_form_as_it_is_read(qtbot, open_window, fake_run, tmp_path):
    """From left to right, from top to bottom, also after rows were filtered into another order."""
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.show_tab("launch")
    launch = window.tab("launch")
    qtbot.waitUntil(lambda: launch.settings is not None and launch.is_read(), timeout=SOON_MS)
    launch.filter.setText("epochs")
    QApplication.processEvents()
    passed, widget = [], launch.files
    while len(passed) < 60:
        if widget.isVisibleTo(window) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            passed.append(widget)
        widget = widget.nextInFocusChain()
        if widget is launch.preview.start:
            break
    assert widget is launch.preview.start, "the last"
    rows = [
        launch.form.rows["training.epochs"].editor,
        launch.form.rows["training.patience"].editor,
    ]
    wanted = [launch.files, launch.browse, launch.kind, launch.name, launch.filter, *rows]
    assert [w for w in passed if w in wanted] == wanted
    fields = [w for w in passed if not launch.preview.isAncestorOf(w)]
    tops = [w.mapTo(window, QPoint(0, w.height() // 2)).y() for w in fields]
    assert all(b > a - 8 for a, b in pairwise(tops))


def test_context_menus_open_by_a_key_that_every_keyboard_has(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.activateWindow()
    window.runs.table.setFocus()
    table = window.runs.table
    qtbot.waitUntil(lambda: QApplication.focusWidget() is table, timeout=SOON_MS)
    opened = []
    monkeypatch.setattr(window.runs.context_menu, "popup", opened.append)
    QTest.keyClick(table, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    assert len(opened) == 1
    assert table.rect().contains(table.mapFromGlobal(opened[0]))


def vanish(run) -> None:
    """As if its process were on another machine that has written nothing for five minutes."""
    run.writer.close()
    run.folder.end_session()
    for name, more in (("lock", {"ended": 0.0}), ("run.json", {})):
        file = run.path / name
        file.write_text(json.dumps(json.loads(file.read_text()) | {"host": "away"} | more))
    moment = time.time() - 300
    for file in run.path.glob("*.json*"):
        os.utime(file, (moment, moment))


def test_a_run_that_may_be_anothers_is_taken_over_only_when_agreed_to(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    run = fake_run("a").train(12)
    (run.path / "checkpoints").mkdir(exist_ok=True)
    (run.path / "checkpoints" / "last.npz").touch()
    vanish(run)
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    launch, begun, asked = window.tab("launch"), [], []
    monkeypatch.setattr(launch._launches, "begin", lambda command, path: begun.append(command.text))
    for answer in (QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes):
        monkeypatch.setattr(
            QMessageBox, "warning", lambda *words, answer=answer: asked.append(words[2]) or answer
        )
        trigger(qtbot, window, "&Resume")
    assert begun == [f"ris-tf train --resume {run.path} --take-over"]
    assert "on away has written nothing for 5 min" in asked[0]
    assert "only if that process is gone" in asked[0]


def test_empty_tabs_have_short_lines(qtbot):
    message = Message("a word " * 60)
    qtbot.addWidget(message)
    message.resize(1600, 400)
    message.show()
    picture = pixels(message)
    seen = np.flatnonzero((picture != picture[0, 0]).any(axis=(0, 2)))
    assert seen[-1] - seen[0] < 1.2 * LINE_LENGTH * message.fontMetrics().averageCharWidth()


def test_epochs_and_steps_have_whole_labels():
    whole = ticks_of(0.9, 2.1, 500, lambda text: 7.0 * len(text), whole=True)
    assert [tick.text for tick in whole] == ["1", "2"]
    parts = ticks_of(0.9, 2.1, 500, lambda text: 7.0 * len(text))
    assert "1.4" in [tick.text for tick in parts]


def test_a_line_that_knows_little_says_nothing_wrong(fake_run):
    view = fake_run("a", windows=0).view()
    texts = [text for text, _ in headline_of([view], [], None, 1.8e9).facts]
    assert not any("–" in text or "?" in text for text in texts), texts


@pytest.mark.parametrize(
    ("title", "stem"),
    [("direction error", "direction-error"), ("total loss (dots: validation)", "total-loss"),
     ("beta: share of", "beta"), ("Ω", "plot")],
)  # fmt: skip
def test_a_saved_plot_is_named_after_what_it_shows(title, stem):
    assert file_stem(title) == stem


def test_a_table_of_several_runs_says_which_validations():
    assert which_of(["a"], None) == "metric"
    assert "best" in which_of(["a", "b"], None)
    assert "crosshair" in which_of(["a", "b"], 3.0)
