"""The monitor without a mouse: from an empty folder to a note and a figure for a paper."""

import pytest
from driven import SOON_MS, read
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QMenu

from gui.launch.tab import LaunchTab
from gui.theme import LIGHT
from gui.window.window import MainWindow
from ris_tf.runlog import read_remarks

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def window(qtbot, tmp_path):
    """Over an empty folder."""
    (tmp_path / "runs").mkdir()
    remembered = QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat)
    window = MainWindow([tmp_path / "runs"], remembered, LIGHT)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is window.welcome.demo, timeout=SOON_MS)
    return window


def press(key, modifiers=NONE):
    """Press a key, whatever has the focus."""
    focus = QApplication.focusWidget()
    assert focus is not None, "the keys go nowhere"
    QTest.keyClick(focus, key, modifiers)
    QApplication.processEvents()


def in_dialog(qtbot, keys, act):
    """Do what opens a dialog, and press keys in it.

    Args:
        qtbot: waits.
        keys: texts that are typed, and keys with their modifiers.
        act: opens the dialog.
    """
    pressed = []

    def answer():
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            QTimer.singleShot(20, answer)
            return
        for key in keys:
            focus = dialog.focusWidget()
            QTest.keyClicks(focus, key) if isinstance(key, str) else QTest.keyClick(focus, *key)
        pressed.append(dialog)
        if dialog.isVisible():
            dialog.reject()

    QTimer.singleShot(0, answer)
    act()
    assert pressed


def to_the_table(qtbot, window):
    """After a dialog: a desktop gives the window its keys back, this platform does not."""
    window.activateWindow()
    window.runs.table.setFocus()
    table = window.runs.table
    qtbot.waitUntil(lambda: QApplication.focusWidget() is table, timeout=SOON_MS)


def tabs_until(found, most=60):
    """Press Tab until something has the focus; which widgets had it before."""
    passed = []
    for _ in range(most):
        focus = QApplication.focusWidget()
        if found(focus):
            return passed
        passed.append(focus)
        press(Qt.Key.Key_Tab)
    raise AssertionError(f"Tab never comes there: {[type(w).__name__ for w in passed]}")


def test_from_an_empty_folder_to_a_note_and_a_figure(
    qtbot, window, fake_run, tmp_path, monkeypatch
):
    """What training makes is put there; all else is done by keys."""
    asked = []
    monkeypatch.setattr(LaunchTab, "train_demo", lambda tab: asked.append("demo"))
    press(Qt.Key.Key_Return)
    assert asked and window.tab_name == "launch"
    a, b = fake_run("a", windows=60).train(60).end(), fake_run("b", windows=60).train(60).end()
    press(Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: {a.path, b.path} <= window.runs.rows.keys(), timeout=SOON_MS)
    press(Qt.Key.Key_L, CTRL)
    table = window.runs.table
    assert QApplication.focusWidget() is table
    press(Qt.Key.Key_Home)
    read(qtbot, window)
    assert len(window.runs.selected) == 1
    press(Qt.Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: window.tab_name == "metrics", timeout=SOON_MS)
    press(Qt.Key.Key_L, CTRL)
    press(Qt.Key.Key_A, CTRL)
    press(Qt.Key.Key_2, CTRL)
    read(qtbot, window)
    qtbot.waitUntil(lambda: len(window.tab("loss").runs) >= 2, timeout=SOON_MS)
    plot = window.tab("loss").grid.plots()[0]
    tabs_until(lambda widget: widget is plot)
    press(Qt.Key.Key_Return)
    assert window.tab("loss").grid.enlarged == plot.title
    press(Qt.Key.Key_Escape)
    assert window.tab("loss").grid.enlarged is None
    press(Qt.Key.Key_L, CTRL)
    press(Qt.Key.Key_Down)
    read(qtbot, window)
    (noted,) = window.runs.selected
    text = ["of the paper", (Qt.Key.Key_Tab,), (Qt.Key.Key_Return,)]
    in_dialog(qtbot, text, lambda: press(Qt.Key.Key_M, CTRL))
    qtbot.waitUntil(lambda: read_remarks(noted).note == "of the paper", timeout=SOON_MS)
    to_the_table(qtbot, window)
    figure = tmp_path / "figure.svg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(figure), "(*.svg)"))
    in_dialog(qtbot, [(Qt.Key.Key_Return,)], lambda: press(Qt.Key.Key_E, CTRL))
    qtbot.waitUntil(figure.exists, timeout=SOON_MS)


def test_a_plots_menu_opens_by_key_and_its_entries_have_letters(qtbot, window, fake_run):
    run = fake_run("a").train(20).end()
    window.choose([run.path])
    qtbot.waitUntil(lambda: run.path in window.views, timeout=SOON_MS)
    read(qtbot, window)
    window.show_tab("loss")
    read(qtbot, window)
    plot = window.tab("loss").grid.plots()[0]
    plot.setFocus()
    press(Qt.Key.Key_F10, SHIFT)
    press(Qt.Key.Key_Menu)
    menu = QApplication.activePopupWidget()
    if menu is None:  # the offscreen platform makes no such event of a key
        plot.menu_wanted.emit(plot.mapToGlobal(plot.rect().center()))
        menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    letters = [
        text[text.index("&") + 1].lower() for a in menu.actions() if "&" in (text := a.text())
    ]
    entries = [a for a in menu.actions() if not a.isSeparator()]
    assert len(letters) == len(set(letters)) == len(entries)
    menu.close()


def test_every_dialog_is_left_by_keys(qtbot, window, fake_run):
    """Escape leaves each, and where there are buttons one of them is what Enter presses."""
    run = fake_run("a").train(20).end()
    window.choose([run.path])
    qtbot.waitUntil(lambda: run.path in window.views, timeout=SOON_MS)
    read(qtbot, window)
    window.actions_.update()
    for key, modifiers in (
        (Qt.Key.Key_F1, NONE), (Qt.Key.Key_O, CTRL | SHIFT), (Qt.Key.Key_F2, NONE),
        (Qt.Key.Key_T, CTRL), (Qt.Key.Key_M, CTRL),
    ):  # fmt: skip
        dialogs = []

        def look(dialogs=dialogs):
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                QTimer.singleShot(20, look)
                return
            boxes = dialog.findChildren(QDialogButtonBox)
            buttons = [button for box in boxes for button in box.buttons()]
            dialogs.append(any(button.isDefault() or button.autoDefault() for button in buttons))
            QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Escape)
            if dialog.isVisible():
                dialogs.append(False)
                dialog.reject()

        QTimer.singleShot(0, look)
        to_the_table(qtbot, window)
        press(key, modifiers)
        qtbot.waitUntil(lambda dialogs=dialogs: bool(dialogs), timeout=SOON_MS)
        assert dialogs == [True], key
