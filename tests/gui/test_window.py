"""The real window, driven as a person drives it."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from driven import SOON_MS, read, state_of, trigger, windows_shown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gui import workers
from gui.models.sight import XView
from gui.plots.choice import Choice
from gui.plots.choice import read as read_choices
from gui.tabs import TABS
from gui.theme import DARK, LIGHT
from ris_tf.config import parse_config
from ris_tf.runlog import reader


def test_every_tab_shows_a_run_in_both_themes(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(25, dropped=(3,)).phase("SWA begins").end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    for theme in (LIGHT, DARK):
        window.set_theme(theme)
        for name in TABS:
            window.show_tab(name)
            assert not window.grab().isNull()
            assert window.tab_name == name
    assert windows_shown(window) == 25


def test_the_newest_run_is_shown_and_several_are_overlaid(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(5).end()
    time.sleep(0.01)
    fake_run("b").train(9).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    assert [path.name for path in window.runs.selected] == ["b"]
    window.runs.table.selectAll()
    read(qtbot, window)
    curves = window.tab("loss").grid.plots()[0].panel.curves
    assert {curve.run: len(curve.x) for curve in curves if not curve.points} == {"a": 5, "b": 9}
    assert len({curve.colour for curve in curves}) == 2


def test_a_step_comes_to_the_screen(qtbot, open_window, fake_run, tmp_path):
    run = fake_run("a").train(5)
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    run.train(1)
    qtbot.waitUntil(lambda: windows_shown(window) == 6, timeout=SOON_MS)


def test_new_runs_appear_and_gone_ones_go(qtbot, open_window, fake_run, tmp_path):
    (tmp_path / "runs").mkdir()
    window = open_window(tmp_path / "runs")
    qtbot.waitUntil(lambda: "No runs under" in window.runs.message.text(), timeout=SOON_MS)
    run = fake_run("a").train(12)
    qtbot.waitUntil(lambda: state_of(window, run.path) == "running", timeout=SOON_MS)
    window.choose([run.path])
    read(qtbot, window)
    shutil.rmtree(run.path)
    qtbot.waitUntil(lambda: "is gone" in window.banner.text(), timeout=SOON_MS)
    assert windows_shown(window) == 12, "what was read of it is still shown"
    other = fake_run("b").train(5)
    window.choose([other.path])
    qtbot.waitUntil(lambda: list(window.runs.rows) == [other.path], timeout=SOON_MS)


def test_filter_finds_names_and_states(qtbot, open_window, fake_run, tmp_path):
    fake_run("apple").train(5).end()
    fake_run("pear").train(5).end("failed")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    model = window.runs.table.model()
    for words, names in {
        "app": ["apple"],
        "FAILED": ["pear"],
        "": ["apple", "pear"],
        "(": [],
    }.items():
        window.runs.filter.setText(words)
        shown = sorted(model.index(row, 0).data() for row in range(model.rowCount()))
        assert shown == names, words


def test_filtering_loses_no_selected_run(qtbot, open_window, fake_run, tmp_path):
    runs = [fake_run(name).train(5).end().path for name in ("apple", "pear")]
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.runs.select(runs[:1])
    window.runs.filter.setText("pear")
    assert window.runs.selected == runs[:1]
    window.runs.filter.setText("")
    assert window.runs.selected == runs[:1]


def test_zoom_stays_with_every_choice_but_another_axis(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(30).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    tab = window.tab("loss")
    tab.grid.zoom((5, 10))
    for name in ("log", "clip", "marks"):
        tab._widgets[name].toggle()
        assert tab.grid.plots()[0].span == (5, 10)
    trigger(qtbot, window, "Show all of the &plots")
    assert tab.grid.plots()[0].span is None
    trigger(qtbot, window, "Zoom &in")
    low, high = tab.grid.plots()[0].span
    assert high - low == pytest.approx(15, rel=0.1)
    trigger(qtbot, window, "La&ter")
    trigger(qtbot, window, "Zoom &out")
    assert tab.grid.plots()[0].span is None, "wider than all there is: all is shown"
    tab._widgets["x"].setCurrentIndex(1)
    assert tab.grid.plots()[0].span is None


RESELECTING = """
import sys, time
from pathlib import Path
from PySide6.QtWidgets import QApplication
from gui.window.window import MainWindow
app = QApplication([])
window = MainWindow([Path(sys.argv[1])])
window.show()
for _ in range(40):
    for name in ("long", "short"):
        window.choose([Path(sys.argv[1], name)])
        until = time.monotonic() + 0.08
        while time.monotonic() < until:
            app.processEvents()
def at_work():
    return sum(poller.is_reading for poller in window.followers.retired)
until = time.monotonic() + 30
while at_work() and time.monotonic() < until:
    app.processEvents()
alive = [p for p in window.followers.pollers.values()]
window.close()
print(len(alive), at_work())
"""


def test_changing_runs_while_they_are_read(fake_run, tmp_path, root):
    """In a process of its own: Qt's objects destroyed in a reader's thread end it."""
    fake_run("long", windows=40_000).train(40_000).end()
    angle = parse_config({"objective": {"weights": {"angle": 0.0}}})
    fake_run("short", angle).train(12).end()
    command = [sys.executable, "-c", RESELECTING, str(tmp_path / "runs")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=root, timeout=180, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1 0\n"), done.stderr


def test_crosshair_shows_exact_values_marks_and_reasons(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(12, dropped=(4,)).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    tab = window.tab("loss")
    tab.grid.cross(4.0)
    assert tab.readout.model.index(0, 0).data() == "3"
    assert "window 4" in tab.readout.where.text()
    assert "heads/dense/kernel is not finite" in tab.readout.where.text()
    tab.grid.cross(None)
    assert tab.readout.model.index(0, 0).data() == "1.83333"


@pytest.mark.parametrize("name", ["loss", "gradients", "schedules"])
def test_every_choice_of_a_plot_tab(qtbot, open_window, fake_run, tmp_path, name):
    fake_run("a").train(35, dropped=(3, 4)).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.show_tab(name)
    tab = window.tab(name)
    for widget in tab._widgets.values():
        if hasattr(widget, "count"):
            for i in range(widget.count()):
                widget.setCurrentIndex(i)
                window.grab()
        elif hasattr(widget, "share"):
            for i in range(widget.maximum() + 1):
                widget.setValue(i)
                window.grab()
        else:
            widget.toggle()
            window.grab()
    remembered = tab.state()
    tab.restore(remembered)
    assert tab.state() == remembered


def test_hidden_terms_stay_away_until_switched_on(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    tab = window.tab("loss")

    def click(title):
        rows = [row.title for row in tab.readout.model.matrix.rows]
        tab.readout.table.down.sectionClicked.emit(rows.index(title))

    count = len(tab.grid.plots())
    click("subspace")
    qtbot.waitUntil(lambda: len(tab.grid.plots()) == count - 1, timeout=SOON_MS)
    click("energy outside subspace")
    qtbot.waitUntil(lambda: len(tab.grid.plots()) == count, timeout=SOON_MS)


def test_a_disk_that_stops_answering_is_reported_and_freezes_nothing(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    """Opening the log waits until the disk answers, as on a network disk that is dead."""
    monkeypatch.setattr(workers, "PATIENCE_S", 0.2)
    run = fake_run("a").train(5)
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    answers, opened = threading.Event(), reader.open_in_pieces
    monkeypatch.setattr(reader, "open_in_pieces", lambda path: answers.wait(60) and opened(path))
    run.train(1)
    try:
        qtbot.waitUntil(lambda: "not answering" in window.banner.text(), timeout=SOON_MS)
        begin = time.monotonic()
        window.show_tab("health")
        window.grab()
        assert time.monotonic() - begin < 10
        assert windows_shown(window) == 5, "what was read is still shown"
    finally:
        answers.set()
    qtbot.waitUntil(lambda: "not answering" not in window.banner.text(), timeout=SOON_MS)


LINES = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.sampled_from(
            [
                b'{"kind":"step","step":9,"epoch":0,"time":1,"values":[1,2,3]}',
                b'{"kind":"step","step":-9,"epoch":-1,"time":null,"values":[1e300,null]}',
                b'{"kind":"step","step":"9","epoch":0,"time":1,"values":[]}',
                b'{"kind":"series","names":["loss","term/angle","ok","scale","layer/a"]}',
                b'{"kind":"series","names":[]}',
                b'{"kind":"validation","epoch":1,"step":99,"time":2,"weights":"x","values":{"loss":null}}',
                b'{"kind":"session","session":2,"time":1e300,"step":3,"epoch":0,"windows":0,'
                b'"epochs":0,"windows_per_epoch":0}',
                b'{"kind":"epoch","epoch":-5,"step":-7,"time":0,"seconds":0,"scenes_per_second":0,'
                b'"untrained":["<b>x</b>"]}',
                b'{"kind":"end","time":1,"step":5,"reason":"?","text":"\\u0000<img src=x>"}',
                b'{"kind":"sample","step":1,"epoch":0,"time":1,"path":"../../etc/passwd"}',
                b'{"kind":"phase","step":4,"epoch":0,"time":1,"what":"?","text":"?"}',
                b"x" * 5_000_000,
            ]
        ),
    ),
    max_size=8,
)


@settings(suppress_health_check=list(HealthCheck), max_examples=4)
@given(LINES, st.booleans())
def test_no_log_raises_or_freezes_the_window(qtbot, open_window, fake_run, tmp_path, lines, whole):
    run_path = tmp_path / "runs" / "a"
    shutil.rmtree(run_path, ignore_errors=True)
    run = fake_run("a").train(12)
    log = run.path / "events.jsonl"
    window = open_window(tmp_path / "runs")
    with qtbot.captureExceptions() as raised:
        read(qtbot, window)
        if whole:
            log.write_bytes(b"\n".join(lines))
        else:
            with log.open("ab") as file:
                file.write(b"\n".join(lines) + b"\n")
        qtbot.wait(150)
        for name in TABS:
            window.show_tab(name)
            window.grab()
    assert raised == []
    assert "reading failed" not in window.banner.text()
    window.close()


def test_what_was_chosen_is_remembered(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(12).end()
    first = open_window(tmp_path / "runs")
    read(qtbot, first)
    first.toggle_theme()
    first.tab("loss")._widgets["smoothing"].setValue(0)
    first.resize(1000, 640)
    first.show_tab("gradients")
    first.close()
    second = open_window(tmp_path / "runs")
    assert second.tab_name == "gradients"
    assert second.height() == 640  # the width of this platform's screen is less than the window's
    assert second.tab("loss").state()["smoothing"] == "0.0"
    assert second.settings.value("theme") == "dark"


def test_what_was_chosen_for_plots_is_remembered(qtbot, open_window, fake_run, tmp_path):
    """Log x, a zoom, choices of the menu, the plot alone; a range without data is left."""
    fake_run("a", windows=60).train(60).end()
    first = open_window(tmp_path / "runs")
    read(qtbot, first)
    grid = first.tab("loss").grid
    grid.set_log_x(True)
    grid.choose(grid.plots()[1], Choice(log=True, y_range=(0.1, 2.0)))
    grid.zoom((5.0, 20.0))
    title = grid.plots()[1].title
    grid.enlarge(title)
    first.close()
    second = open_window(tmp_path / "runs")
    read(qtbot, second)
    grid = second.tab("loss").grid
    assert (grid.view.log, grid.enlarged) == (True, title)
    assert grid.view.span == pytest.approx((5.0, 20.0))
    assert grid.header.note.startswith("zoomed to window 5")
    assert grid.plots()[1].choice == Choice(log=True, y_range=(0.1, 2.0))
    grid.enlarge(None)
    second.close()
    fake_run("b", windows=60).train(4).end()
    third = open_window(tmp_path / "runs")
    third.choose([tmp_path / "runs/b"])
    read(qtbot, third)
    qtbot.waitUntil(lambda: third.tab("loss").grid.view.span is None, timeout=SOON_MS)
    assert third.tab("loss").grid.view.log


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"plots": 3}', '{"plots": {"a": {}}}'])
def test_a_text_of_another_origin_chooses_nothing(text):
    view = XView()
    assert read_choices(text, view) == ({}, None)
    assert view == XView()


def test_no_tensorflow_in_the_process(qtbot, open_window, fake_run, tmp_path, root):
    """In a process of its own: this one may have it for other tests."""
    fake_run("a").train(5).end()
    program = (
        "import sys; from gui.app import main\n"
        "try: main()\nexcept SystemExit as end: print(end.code)\n"
        "print(*({'tensorflow', 'keras', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    picture = tmp_path / "a.png"
    command = [sys.executable, "-c", program, "--screenshot", str(picture), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split("\n") == [str(picture), "0", "", ""]
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert done.stderr == ""


def test_a_run_started_elsewhere_is_watched_too(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    here = fake_run("a").train(5)
    window = open_window(Path("runs"))
    read(qtbot, window)
    assert window.runs.selected == [Path("runs/a")]
    for path, shown in ((here.path, Path("runs/a")), (tmp_path / "other/b", tmp_path / "other/b")):
        if not path.exists():
            fake_run(str(path)).train(7)
        window._launched(path)
        qtbot.waitUntil(lambda shown=shown: window.runs.selected == [shown], timeout=SOON_MS)
    assert len(window.runs.rows) == 2
