"""The Scene tab: a run's samples, and one line where there are none."""

import shutil
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from driven import SOON_MS, sample
from PySide6.QtCore import QPointF, Qt

from gui.models import spectra as model
from gui.models.configurations import flat
from gui.models.spectra import SampleReader, latest_of_epochs
from gui.tabs import scene as view
from gui.tabs.scene import SceneTab
from gui.theme import DARK, LIGHT
from ris_tf.config import Config
from ris_tf.runlog import RunLog, Sample, Validation, write_sample

NAN = np.nan
SIZE = (820, 600)


def event(epoch, path=None):
    return Sample(10 * epoch + 9, epoch, 1.0, path or f"samples/epoch_{epoch:04d}.npz")


def add(run, *epochs, **kwargs):
    """Samples of epochs, and a log as it is then."""
    for epoch in epochs:
        write_sample(run.path / "samples" / f"epoch_{epoch:04d}.npz", sample(epoch, **kwargs))
    run.log = run.log.snapshot()
    for epoch in epochs:
        run.log.append(event(epoch))
    return run


@pytest.fixture
def make_run(tmp_path):
    def make(name="one", *epochs, samples=4, **kwargs):
        path = tmp_path / name
        (path / "samples").mkdir(parents=True)
        config = Config.model_validate({"training": {"samples": samples}})
        run = SimpleNamespace(
            path=path, label=name, colour="#0072B2", log=RunLog(), localizes=True,
            configuration=flat(config.model_dump(mode="json")),
        )  # fmt: skip
        return add(run, *epochs, **kwargs)

    return make


@pytest.fixture
def tab(qtbot):
    tab = SceneTab()
    qtbot.addWidget(tab, before_close_func=SceneTab.close_down)
    tab.restyle(LIGHT)
    tab.resize(*SIZE)
    tab.show()
    return tab


@pytest.fixture
def settled(tab, qtbot):
    """Waits until what the tab wants is read and shown."""

    def wait():
        qtbot.waitUntil(tab.is_read, timeout=SOON_MS)

    return wait


@pytest.fixture
def show(tab, settled):
    """Shows runs, and waits until their samples are there."""

    def shown(runs):
        tab.show_runs(runs)
        settled()

    return shown


def colours(widget):
    """How many colours its picture has."""
    picture = widget.grab().toImage()
    points = [(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)]
    return len({picture.pixel(*point) for point in points})


# -- the model ------------------------------------------------------------------------------------


def test_samples_are_read_when_asked_for(make_run):
    run, reader = make_run("one", 0, 3), SampleReader()
    first, last = ((run.path, event) for event in run.log.samples)
    assert reader.poll() is None
    reader.want([last])
    assert reader.poll()[last].epoch == 3
    assert reader.poll() is None
    shutil.rmtree(run.path / "samples")
    reader.want([first, last])
    found = reader.poll()
    assert found[last].epoch == 3, "kept"
    assert "cannot be read" in found[first]
    assert reader.poll() is None
    (run.path / "samples").mkdir()
    write_sample(run.path / first[1].path, sample(0))
    assert reader.poll()[first].epoch == 0, "tried again"


def test_what_is_kept_is_bounded(make_run, monkeypatch):
    run = make_run("one", *range(6))
    monkeypatch.setattr(model, "MAX_KEPT", 3)
    reader, events = SampleReader(), run.log.samples
    for i in (0, 1, 2, 0, 3, 4):
        reader.at(run.path, events[i])
    assert [event.epoch for _, event in reader._kept] == [0, 3, 4]
    monkeypatch.setattr(model, "MAX_BYTES", 1)
    assert reader.at(run.path, events[5]).epoch == 5
    assert len(reader._kept) == model.MIN_KEPT, "what is in sight stays, however large"


def test_rewritten_sample_is_read_again(make_run):
    run = make_run("one", 0)
    reader = SampleReader()
    reader.at(run.path, run.log.samples[0])
    write_sample(run.path / "samples" / "epoch_0000.npz", sample(0, scenes=1))
    again = Sample(9, 0, 2.0, "samples/epoch_0000.npz")
    (latest,) = latest_of_epochs([*run.log.samples, again])
    assert latest is again
    assert len(reader.at(run.path, latest).snr_db) == 1


@pytest.mark.parametrize(
    "path",
    ["../two/samples/epoch_0000.npz", "samples/../../two/config.yaml", "{two}", "link/a", "outside",
     "loop", "a\0b", "samples", "", "x" * 5000, "samples/none.npz", "config.yaml"],
)  # fmt: skip
def test_paths_that_a_log_must_not_name(make_run, path):
    one, two = make_run("one"), make_run("two", 0)
    (one.path / "link").symlink_to(two.path)
    (one.path / "outside").symlink_to(two.path / "samples" / "epoch_0000.npz")
    (one.path / "loop").symlink_to("loop")
    path = path.format(two=two.path / "samples" / "epoch_0000.npz")
    line = SampleReader().at(one.path, event(0, path))
    assert isinstance(line, str)
    assert "\n" not in line
    assert str(one.path) in line


def test_link_to_a_run_is_followed(make_run, tmp_path):
    run = make_run("one", 0)
    (tmp_path / "latest").symlink_to(run.path)
    assert SampleReader().at(tmp_path / "latest", run.log.samples[0]).epoch == 0


# -- the view -------------------------------------------------------------------------------------


def test_picture_sources_estimates_and_table(tab, show, make_run):
    show([make_run("one", 0, 1, 2)])
    (plot,) = tab.plots()
    pane = tab.panes[0]
    assert colours(pane.graphics) > 30
    assert "one, epoch 3, scene 1" in plot.titleLabel.text
    assert tab.epoch.text() == "epoch 3 (latest)"
    row, column = np.unravel_index(np.argmax(pane.image.image), pane.image.image.shape)
    cell = pane.image.mapToParent(QPointF(column + 0.5, row + 0.5))
    assert (cell.x(), cell.y()) == pytest.approx((20, 0))
    np.testing.assert_allclose(pane.sources.getData(), [[20], [0]])
    np.testing.assert_allclose(pane.estimates.getData(), [[22], [-1]])
    assert pane.table.item(0, 3).text() == "2.5 → 3.0 (+0.5)"
    assert tab.scenes.count() == 2
    tab.scenes.setCurrentIndex(1)
    np.testing.assert_allclose(pane.sources.getData(), [[20, -40], [0, 20]])
    assert pane.table.rowCount() == 2


def test_nothing_is_cut_off(tab, show, make_run, qtbot):
    long = "a-run-of-a-very-long-name-" * 5
    show([make_run(long, 0), make_run("two", 0)])
    qtbot.wait(20)
    assert tab.size().toTuple() == SIZE
    assert "…" in tab.plots()[0].titleLabel.text
    for pane in tab.panes:
        width, height = pane.graphics.width(), pane.graphics.height()
        for item in (pane.plot, pane.bar, pane.legend):
            box = item.mapRectToScene(item.boundingRect())
            assert box.left() >= -1
            assert box.right() <= width + 1
            assert box.bottom() <= height + 1
        assert pane.plot.getViewBox().width() > 200
        for column in range(pane.table.columnCount()):
            item = pane.table.item(0, column)
            needed = pane.table.fontMetrics().horizontalAdvance(item.text())
            assert pane.table.columnWidth(column) > needed


def test_slider_stays_at_the_latest_or_where_it_was(tab, show, make_run):
    run = make_run("one", 0, 1)
    show([run])
    show([add(run, 2)])
    assert tab.epoch.text() == "epoch 3 (latest)"
    tab.step(-1)
    show([add(run, 3)])
    assert tab.epoch.text() == "epoch 2"
    assert tab.slider.maximum() == 3


def test_nothing_is_done_where_nothing_changed(tab, show, make_run, monkeypatch):
    run = make_run("one", 0)
    show([run])
    monkeypatch.setattr(tab, "_show", pytest.fail)
    run.log = run.log.snapshot()
    tab.show_runs([run])


def test_keys_step(tab, show, make_run, qtbot):
    show([make_run("one", 0, 1, 2)])
    for key, shown in ((Qt.Key.Key_Left, 2), (Qt.Key.Key_Left, 1), (Qt.Key.Key_Left, 1),
                       (Qt.Key.Key_Right, 2), (Qt.Key.Key_unknown, 2)):  # fmt: skip
        qtbot.keyClick(tab, key)
        assert tab.epoch.text() == f"epoch {shown}"
    qtbot.keyClick(tab.slider, Qt.Key.Key_Right)
    assert tab.epoch.text() == "epoch 3 (latest)"


def test_play_goes_through_all_epochs_once(tab, show, make_run, qtbot):
    show([make_run("one", 0, 1, 2)])
    tab._timer.setInterval(5)
    seen = []
    tab.slider.valueChanged.connect(seen.append)
    tab.play.click()
    qtbot.waitUntil(lambda: not tab.play.isChecked())
    assert seen == [0, 1, 2]
    assert not tab._timer.isActive()


def test_hover_shows_direction_and_level(tab, show, make_run, qtbot):
    show([make_run("one", 0)])
    qtbot.wait(20)
    pane = tab.panes[0]
    at = pane.plot.getViewBox().mapViewToScene(QPointF(0.5, 0.5))
    pane.graphics.scene().sigMouseMoved.emit(at)
    assert pane.hover.text() == "azimuth 0.0°, elevation 0.0°: 0.0 dB"
    pane.graphics.scene().sigMouseMoved.emit(QPointF(-5, -5))
    assert "true → estimate" in pane.hover.text()


def test_two_runs_side_by_side(tab, show, make_run):
    """Each at the chosen epoch, or its last before; a third is left out."""
    runs = [make_run("one", 0, 1, 2), make_run("two", 0, 1, scenes=1), make_run("three", 0)]
    show(runs)
    titles = [plot.titleLabel.text for plot in tab.plots()]
    assert ["one, epoch 3" in titles[0], "two, epoch 2" in titles[1]] == [True, True]
    tab.scenes.setCurrentIndex(1)
    assert len(tab.plots()) == 1
    assert tab.panes[1].problem.text() == "two: keeps 1 scenes, no scene 2"
    show(runs[2:])
    assert not tab.panes[1].isVisible()
    assert "three" in tab.plots()[0].titleLabel.text


def test_empty_states(tab, make_run):
    tab.show_runs([])
    assert "no run selected" in tab.empty.text()
    assert tab.empty.isVisible()
    assert tab.plots() == []
    run = make_run("young")
    tab.show_runs([run])
    assert tab.empty.text().startswith("no spectra yet: the first are written after")
    run.log = run.log.snapshot()
    run.log.append(Validation(0, 9, 1.0, "ema", {}))
    tab.show_runs([run])
    assert "older ris-tf" in tab.empty.text()
    tab.show_runs([make_run("off", samples=0)])
    assert tab.empty.text() == "samples are off in this run (training.samples = 0)"
    tab.show_runs([make_run("one", 0), run])
    assert "older ris-tf" in tab.panes[1].problem.text()
    run.configuration = {}
    tab.show_runs([run])
    assert "older ris-tf" in tab.empty.text()


def test_bad_file_shows_a_line_until_it_is_good(tab, show, settled, make_run, qtbot):
    run = make_run("one", 0, 1)
    path = run.path / "samples" / "epoch_0001.npz"
    good = path.read_bytes()
    path.write_bytes(good[:1000])
    show([run])
    pane = tab.panes[0]
    assert pane.problem.isVisible()
    assert "epoch_0001.npz: is no sample" in pane.problem.text()
    assert tab.plots() == []
    tab.step(-1)
    settled()
    assert len(tab.plots()) == 1
    tab.step(1)
    settled()
    assert tab.plots() == []
    path.write_bytes(good)
    qtbot.waitUntil(lambda: len(tab.plots()) == 1, timeout=SOON_MS)


def test_a_sample_that_takes_long_leaves_the_one_before(tab, show, make_run, monkeypatch):
    """A disk that does not answer, and a window that does."""
    run = make_run("one", 0, 1)
    show([run])
    hangs = threading.Event()
    monkeypatch.setattr(model, "read_sample", lambda path: hangs.wait(30) and None)
    began = time.monotonic()
    tab.step(-1)
    assert time.monotonic() - began < 5
    assert tab.epoch.text() == "epoch 1"
    assert "one, epoch 2" in tab.plots()[0].titleLabel.text
    tab.show_runs([make_run("two", 0)])
    assert tab.plots() == []
    assert tab.panes[0].problem.text() == view.READING, "not another run's"
    tab._poller.stop()
    hangs.set()


def test_runs_of_other_models_are_passed_over(tab, show, make_run):
    other = make_run("other", 0)
    other.localizes = False
    show([other, make_run("one", 0)])
    assert ["one" in plot.titleLabel.text for plot in tab.plots()] == [True]


def test_labels_are_text(tab, show, make_run):
    run = make_run("one", 0)
    run.label = "<img src=x>&"
    show([run])
    assert "&lt;img" in tab.plots()[0].titleLabel.text


def test_theme_scale_and_table(tab, show, make_run):
    show([make_run("one", 0)])
    light = tab.grab().toImage().pixel(10, SIZE[1] // 2)
    tab.restyle(DARK)
    assert tab.grab().toImage().pixel(10, SIZE[1] // 2) != light
    assert DARK.foreground in tab.panes[0].plot.titleLabel.item.toHtml()
    tab.scale.setCurrentIndex(2)
    assert tab.panes[0].image.getLevels() == pytest.approx((-10, 0))
    other = SceneTab()
    other.restore(tab.state())
    assert other.scale.currentText() == "10 dB"
    lines = tab.table(None).splitlines()
    assert lines[0] == "run,epoch,scene,azimuth_deg,elevation_deg,level_db"
    assert lines[1].startswith("one,0,0,-60,-30,-")
    assert len(lines) == 1 + 25 * 13
    assert tab.table(tab.plots()[0].titleLabel.text) == tab.table(None)
