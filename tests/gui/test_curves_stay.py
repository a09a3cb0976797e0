"""Curves stay on the screen: colours are counted where the data are, in both themes."""

from dataclasses import replace

import numpy as np
import pytest
from driven import SOON_MS
from pixels import coverage, screen, wheel
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from gui.tabs.gradients import GradientsTab
from gui.tabs.loss import LossTab
from gui.tabs.schedules import SchedulesTab
from gui.theme import DARK, LIGHT, apply

ALL = 0.97  # of the columns; a dotted mark or a dot of a validation may hide one


@pytest.fixture(params=[LIGHT, DARK], ids=lambda theme: theme.name)
def theme(request, qapp):
    apply(request.param, qapp)
    return request.param


@pytest.fixture
def shown(qtbot, theme):
    """Makes tabs on the screen: `shown(LossTab, views)`."""

    def make(kind, views, size=(1000, 640)):
        tab = kind()
        qtbot.addWidget(tab, before_close_func=lambda tab: tab.close_down())
        tab.restyle(theme)
        tab.resize(*size)
        tab.show_runs(views)
        tab.show()
        qtbot.waitExposed(tab)
        tab._widgets["marks"].setChecked(False)
        screen(tab)
        return tab

    return make


def view_of(run, *names):
    """A run with its validations but every tenth: their dots leave room for the line to be seen."""
    view = run.view(*names)
    return replace(view, log=_fewer_validations(view.log))


def _fewer_validations(log):
    log = log.snapshot()
    log.validations = log.validations[4::10]
    return log


def in_sight(tab):
    """Plots that are not scrolled out of sight, and have lines."""
    screen(tab)
    plots = [plot for plot in tab.grid.plots() if not plot.visibleRegion().isEmpty()]
    whole = [p for p in plots if p.visibleRegion().boundingRect().size() == p.size()]
    return [plot for plot in whole if any(not c.curve.points for c in plot._curves)]


def assert_all_drawn(tab, run=None):
    plots = in_sight(tab)
    assert plots
    for plot in plots:
        assert coverage(plot, run) > ALL, plot.title


@pytest.mark.parametrize("kind", [LossTab, GradientsTab, SchedulesTab])
def test_at_first_and_after_log_and_linear(shown, fake_run, kind):
    """The losses fall little: log10 of them has another range than they have."""
    tab = shown(kind, [view_of(fake_run("a", windows=300).train(300).end())])
    assert_all_drawn(tab)
    for log in (True, False):
        tab._widgets["log"].setChecked(log)
        assert_all_drawn(tab)


def test_after_the_wheel_on_a_growing_run(shown, fake_run):
    run = fake_run("a", windows=400)
    tab = shown(LossTab, [view_of(run.train(3))])
    for more in (20, 100, 200):
        tab.show_runs([view_of(run.train(more))])
        assert_all_drawn(tab)
    for plot in in_sight(tab):
        for notches in (1, 1, -1, 2):
            wheel(plot, notches)
            assert_all_drawn(tab)
    tab.show_runs([view_of(run.train(50))])
    assert_all_drawn(tab)


def test_after_zooming_where_another_run_has_nothing(shown, fake_run):
    long, short = fake_run("long", windows=900), fake_run("short", windows=40)
    long, short = view_of(long.train(900).end()), view_of(short.train(40).end())
    tab = shown(LossTab, [long])
    tab.grid.zoom((600, 800))
    assert_all_drawn(tab)
    tab.show_runs([short])
    assert tab.grid.view.span is None
    assert "nothing at window 600–800" in tab.grid.header.note
    assert_all_drawn(tab)
    tab.grid.fit()
    assert_all_drawn(tab)
    tab.show_runs([long])
    tab.grid.zoom((10, 30))
    tab.show_runs([short])
    assert tab.grid.view.span == (10, 30), "there it has data"
    assert_all_drawn(tab)


def test_a_zoom_waits_until_the_run_is_read(shown, fake_run):
    run = fake_run("a", windows=900).train(900).end()
    whole = view_of(run)
    tab = shown(LossTab, [whole])
    tab.grid.zoom((600, 800))
    begun = fake_run("b", windows=900)
    part = replace(view_of(begun.train(50)), complete=False)
    tab.show_runs([part])
    assert tab.grid.view.span == (600, 800)
    tab.show_runs([view_of(begun.train(850))])
    assert tab.grid.view.span == (600, 800)
    assert_all_drawn(tab)


def test_under_the_crosshair(shown, fake_run, qtbot):
    tab = shown(LossTab, [view_of(fake_run("a", windows=200).train(200).end())])
    plot = tab.grid.plots()[0]
    before = coverage(plot)
    for x in range(80, plot.width() - 40, 7):
        QTest.mouseMove(plot, QPoint(x, plot.height() // 3))
        screen(tab)
    tab.grid.cross(None)
    assert coverage(plot) == before > ALL


def test_after_resizing_and_scrolling(shown, fake_run):
    tab = shown(LossTab, [view_of(fake_run("a", windows=200).train(200).end())])
    for size in ((700, 420), (1200, 800), (640, 900)):
        tab.resize(*size)
        assert_all_drawn(tab)
    bar = tab.grid._area.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert_all_drawn(tab)


def test_after_enlarging_hiding_and_another_theme(shown, fake_run, qtbot, theme):
    tab = shown(LossTab, [view_of(fake_run("a", windows=200).train(200).end())])
    tab.grid.zoom((50, 150))
    plot = tab.grid.plots()[1]
    QTest.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
    assert in_sight(tab) == [plot]
    assert_all_drawn(tab)
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert len(in_sight(tab)) > 1
    tab.hide()
    tab.show()
    assert_all_drawn(tab)
    tab.restyle(LIGHT if theme.dark else DARK)
    assert tab.grid.view.span == (50, 150)
    assert_all_drawn(tab)


def test_two_runs_and_one_that_is_hidden(shown, fake_run, qtbot):
    a = view_of(fake_run("a", windows=200).train(200).end(), "a", "#0072B2")
    b = view_of(fake_run("b", windows=120).train(120).end(), "b", "#D55E00")
    tab = shown(LossTab, [a, b])
    tab.readout.switch_run("a", on=False)
    qtbot.waitUntil(lambda: [run.label for run in tab.runs] == ["b"], timeout=SOON_MS)
    assert_all_drawn(tab, "b")
    tab.readout.switch_run("a", on=True)
    qtbot.waitUntil(lambda: len(tab.runs) == 2, timeout=SOON_MS)
    tab.grid.lift(("a", None))
    assert_all_drawn(tab, "a")


def test_a_single_window_and_values_that_stand_alone(shown, fake_run):
    """Without neighbours there is no line, and yet something to see."""
    tab = shown(GradientsTab, [fake_run("a").train(1).view()])
    plot = tab.grid.plots()[0]
    background = screen(plot)[5, -5]
    inner = plot.frame.inner.toRect().adjusted(3, 3, -3, -3)
    pixels = screen(plot)[inner.top() : inner.bottom(), inner.left() : inner.right()]
    far = np.linalg.norm(pixels.astype(float) - background, axis=2)
    colour = np.array([0, 114, 178]) if not tab.theme.dark else np.array([66, 163, 224])
    assert (np.linalg.norm(pixels - colour, axis=2) < 40).any(), far.max()
