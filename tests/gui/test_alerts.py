"""What a person is told of, once; what the buttons do; the first run; folders of the desktop."""

import subprocess
import time
from pathlib import Path

from driven import SOON_MS, read, trigger
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QIcon
from PySide6.QtWidgets import QFileDialog

from gui.desktop import write_entry
from gui.models.alerts import Watch, What
from gui.models.index import RunIndex
from gui.models.listing import Listing
from gui.theme import ICON
from gui.window.remembered import recent_folders
from ris_tf.runlog import verdict_on


def told(watch, index):
    rows = index.poll()
    alerts = watch.of_listing(Listing.of(rows)) if rows else []
    return [(alert.title, alert.what) for alert in alerts]


def test_what_ends_is_told_once_and_what_had_ended_before_is_no_news(fake_run, tmp_path):
    fake_run("old").train(5).end("failed")
    runs = {name: fake_run(name).train(12) for name in ("good", "bad", "stopped")}
    index, watch = RunIndex([tmp_path / "runs"]), Watch()
    assert told(watch, index) == []
    runs["good"].end()
    runs["bad"].end("failed")
    runs["stopped"].end("stopped")
    assert sorted(told(watch, index)) == [("bad", What.FAILED), ("good", What.FINISHED)]
    runs["new"] = fake_run("new").train(5)
    assert told(watch, index) == []


def test_a_run_that_falls_silent_is_told_of(fake_run, tmp_path):
    fake_run("a").train(5)
    clock = [time.time()]
    index, watch = RunIndex([tmp_path / "runs"], clock=lambda: clock[0]), Watch()
    watch.of_listing(Listing.of(index.poll()))
    clock[0] += 1000
    assert told(watch, index) == [("a", What.STALLED)]


def test_an_unhealthy_run_is_told_of_once_with_what_to_change(fake_run):
    run = fake_run("a", windows=200).train(60, dropped=tuple(range(20, 60)))
    watch, view = Watch(), run.view()
    (alert,) = watch.of_views([view])
    assert alert.what is What.UNHEALTHY
    assert alert.why
    assert watch.of_views([run.view()]) == []


def test_a_failure_is_shown_marked_in_the_title_and_leads_to_its_log(
    qtbot, open_window, fake_run, tmp_path
):
    run = fake_run("a").train(12)
    fake_run("b").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    bar = window.alerts.bar
    assert not bar.isVisible()
    window.clearFocus()
    run.end("failed")
    qtbot.waitUntil(bar.isVisible, timeout=SOON_MS)
    assert "a failed" in bar.text.text()
    if not window.isActiveWindow():
        assert window.windowTitle().startswith("(1) ")
    window.alerts.read()
    assert window.windowTitle().startswith("ris-gui")
    bar.log.click()
    qtbot.waitUntil(lambda: [p.name for p in window.runs.selected] == ["a"], timeout=SOON_MS)
    assert window.tab_name == "log"
    assert not bar.isVisible()


def test_the_advised_change_is_filled_into_the_form(qtbot, open_window, fake_run, tmp_path):
    run = fake_run("a").train(12).end("failed")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.actions_.start_again_with(run.path, {"training.learning_rate": "1e-4"})
    launch = window.tab("launch")
    qtbot.waitUntil(lambda: launch.settings is not None, timeout=SOON_MS)
    qtbot.waitUntil(lambda: "filled in" in launch.status.text(), timeout=SOON_MS)
    assert launch.settings.changed() == ["training.learning_rate"]


# -- the first run, folders, the desktop ------------------------------------------------------


def test_an_empty_folder_offers_ways_to_a_run(qtbot, open_window, fake_run, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    window = open_window(tmp_path / "runs")
    qtbot.waitUntil(window.welcome.isVisible, timeout=SOON_MS)
    assert str(tmp_path / "runs") in window.welcome.place.text()
    begun = []
    monkeypatch.setattr(
        "gui.launch.launches.Launches.begin", lambda self, *what: begun.append(what)
    )
    window.welcome.demo.click()
    qtbot.waitUntil(lambda: len(begun) == 1, timeout=SOON_MS)
    command, path = begun[0]
    assert command.words[:4] == ("train", "quickstart", "--name", "demo")
    assert path == tmp_path / "runs" / "demo"
    assert window.tab_name == "launch"
    fake_run("a").train(5)
    qtbot.waitUntil(lambda: not window.welcome.isVisible(), timeout=SOON_MS)


def test_folders_are_opened_dropped_and_remembered(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    fake_run("a").train(5).end()
    other = fake_run("../other/b").train(5).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    names = lambda: [path.name for path in window.runs.rows]  # noqa: E731
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "other"))
    trigger(qtbot, window, "&Open a folder of runs…")
    qtbot.waitUntil(lambda: names() == ["b"], timeout=SOON_MS)
    qtbot.waitUntil(lambda: [p.name for p in window.runs.selected] == ["b"], timeout=SOON_MS)
    assert window.tab("launch").runs_dir.text() == str(tmp_path / "other")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "runs"))])
    drop = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    window.folders.eventFilter(window, drop)
    qtbot.waitUntil(lambda: names() == ["a"], timeout=SOON_MS)
    assert recent_folders(window.settings) == [tmp_path / "runs", tmp_path / "other"]
    window.folders.open([tmp_path / "none"])
    qtbot.waitUntil(lambda: "is no folder" in window.statusBar().currentMessage(), timeout=SOON_MS)
    assert names() == ["a"]
    assert other.path.exists()


def test_the_icon_is_drawn_at_every_size(qtbot):
    for size in (16, 64, 256):
        image = QIcon(str(ICON)).pixmap(size, size).toImage()
        colours = {image.pixelColor(x, size // 2).name() for x in range(size)}
        assert len(colours) > 2, size


def test_an_entry_for_the_menu_of_programs(tmp_path, root):
    environment = {"XDG_DATA_HOME": str(tmp_path)}
    entry, icon = write_entry(environment)
    lines = dict(line.split("=", 1) for line in entry.read_text().splitlines() if "=" in line)
    assert lines["Icon"] == str(icon)
    assert icon.read_bytes() == ICON.read_bytes()
    program = lines["Exec"].removesuffix(" %F").strip('"').split('" "')
    done = subprocess.run(
        [*program, "--help"], capture_output=True, text=True, check=True, cwd=root
    )
    assert "RUNS_DIR" in done.stdout
    assert Path(program[0]).is_absolute()


def test_what_the_checks_advise_is_a_menu_entry_too(qtbot, open_window, fake_run, tmp_path):
    """For the keyboard, and for runs that failed long ago."""
    fake_run("a", windows=200).train(60, dropped=tuple(range(20, 60))).end("failed")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    (view,) = window.selected_views()
    advised = dict(verdict_on(view.checks).remedies)
    assert advised
    trigger(qtbot, window, "Start again with the ad&vised change…")
    launch = window.tab("launch")
    qtbot.waitUntil(lambda: "filled in" in launch.status.text(), timeout=SOON_MS)
    assert {key: launch.settings.text(key) for key in advised} == advised
