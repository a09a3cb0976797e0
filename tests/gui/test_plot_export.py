"""Plots to files, and the keys."""

import csv
import io

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFileDialog, QInputDialog, QTreeWidget

from gui.window import export as export_module
from gui.window.export import ALL, ExportError, ask_and_export, contents, save, titled
from gui.window.keys import KeysDialog
from gui.window.window import MainWindow


def export(tab, title, path):
    save(path, contents(tab, title, path))


@pytest.fixture
def window(qtbot, fake_run, tmp_path):
    fake_run("a").train(25).end()
    remembered = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow([tmp_path / "runs"], remembered)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.is_read, timeout=30_000)
    return window


@pytest.mark.parametrize("name", ["loss", "gradients", "schedules"])
@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_every_plot_is_a_picture(window, tmp_path, name, suffix, begins):
    window.show_tab(name)
    tab = window.tab(name)
    for title in [None, *titled(tab.plots())]:
        path = tmp_path / f"plot{suffix}"
        export(tab, title, path)
        assert path.read_bytes().startswith(begins)
        path.unlink()


def test_tables_of_a_plot_of_all_and_of_the_layers(window, tmp_path):
    window.show_tab("gradients")
    tab, path = window.tab("gradients"), tmp_path / "a.csv"
    export(tab, "loss scale", path)
    rows = list(csv.reader(io.StringIO(path.read_text())))
    assert rows[1] == ["loss scale", "loss scale", "a", "0", "1024"]
    assert len(rows) == 26
    export(tab, "gradient norm by layer, log10", path)
    assert path.read_text().splitlines()[:2] == ["window,encoder/conv,heads/dense", "0,0.1,0.001"]
    export(tab, None, path)
    assert "share of windows clipped" in path.read_text()


def test_what_cannot_be_saved_is_one_line(window, tmp_path):
    tab = window.tab("loss")
    with pytest.raises(ExportError, match=r"must end in \.png, \.svg or \.csv"):
        export(tab, None, tmp_path / "a.jpg")
    for suffix in (".png", ".svg", ".csv"):
        with pytest.raises(ExportError, match="cannot be written"):
            export(tab, None, tmp_path / "none" / f"a{suffix}")
    with pytest.raises(ExportError, match="no table"):
        export(window.tab("health"), None, tmp_path / "a.csv")


def test_the_dialogs_lead_to_a_file(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getItem", lambda *a: (ALL, True))
    chosen = (str(tmp_path / "a"), export_module.FORMATS[2])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: chosen)
    ask_and_export(window)
    message = window.statusBar().currentMessage
    qtbot.waitUntil(lambda: message() == f"saved {tmp_path / 'a.csv'}", timeout=30_000)
    assert (tmp_path / "a.csv").read_text().startswith("plot,curve,run,x,value")
    window.show_tab("health")
    ask_and_export(window)
    assert "no plots" in window.statusBar().currentMessage()


def test_all_keys_are_listed_and_none_is_given_twice(window, monkeypatch):
    shown = []
    monkeypatch.setattr(KeysDialog, "exec", lambda dialog: shown.append(dialog) or 0)
    window.actions_.show_keys()
    tree = shown[0].findChild(QTreeWidget)
    groups = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
    texts = [group.child(i).text(0) for group in groups for i in range(group.childCount())]
    assert {"Resume", "Keys", "Zoom along x", "Export plots…"} <= set(texts)
    keys = [key.toString() for action in window.actions() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
