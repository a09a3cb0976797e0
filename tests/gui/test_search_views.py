"""The Search tab: importance of hyperparameters, slices, brushing, the median rule's band."""

import pytest
from driven import SOON_MS, search_tab
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.brush import Brush
from gui.models.trials import importance_words
from gui.theme import DARK
from gui.window.export import titled
from ris_tf.search import Choices, Range, Search, SearchDirectory, Trial, TrialState, parallel

KEYS = ("network.width", "training.learning_rate", "objective.weights.subspace")
SPACE = {
    KEYS[0]: Choices((448, 512)),
    KEYS[1]: Range(1e-4, 1e-3, log=True),
    KEYS[2]: Range(0.02, 0.5, log=True),
}


@pytest.fixture
def tab(qtbot):
    return search_tab(qtbot)


@pytest.fixture
def follow(tab, qtbot):
    """Follows a search, and waits until it is read."""

    def followed(path):
        tab.follow(path)
        qtbot.waitUntil(lambda: tab.search is not None, timeout=SOON_MS)

    return followed


@pytest.fixture
def large(tmp_path):
    """Thirty trials whose learning rate alone decides."""
    made = SearchDirectory.create(tmp_path / "large", Search(trials=30, space=SPACE))
    for number in range(1, 31):
        given = {KEYS[0]: (448, 512)[number * 7 % 11 % 2], KEYS[1]: 3e-5 * (number * 11 % 31 + 3),
                 KEYS[2]: 0.02 + 0.01 * (number * 17 % 31)}  # fmt: skip
        objectives = tuple(given[KEYS[1]] * 1e3 + 1 / epoch for epoch in range(1, 9))
        made.write_trial(
            Trial(number, given, TrialState.FINISHED, objectives[-1], objectives=objectives)
        )
    return made


def objectives_shown(tab):
    return {row.objective for row in tab.trials.trials.rows}


def test_slices_and_bars_stand_in_the_order_of_importance(tab, follow, large):
    follow(large.path)
    first = tab.search.importances[0]
    assert first.key == KEYS[1]
    assert first.share == pytest.approx(1)
    titles = [plot.titleLabel.text for plot in tab.slices.plots()]
    assert titles[0] == "learning_rate  100%"
    assert len(titles) == len(SPACE)
    assert tab.importance._bars[True].opts["width"].tolist() == pytest.approx([100])
    x, y = tab.slices.plots()[0].dots.getData()
    assert len(x) == 30
    assert (y.argsort() == x.argsort()).all(), "what decides rises"
    words = importance_words(first)
    assert words.startswith(f"{KEYS[1]} alone explains 100% of the objectives' order")
    assert words.endswith("smaller is better")


def test_a_drag_along_an_axis_brushes_all_views(tab, follow, large, qtbot):
    tab.show()
    follow(large.path)
    qtbot.waitExposed(tab)
    qtbot.wait(20)
    everything = objectives_shown(tab)
    view = tab.parallel.getPlotItem().getViewBox()

    def at(axis, height):
        return tab.parallel.mapFromScene(view.mapViewToScene(QPointF(axis, height)))

    left = Qt.MouseButton.LeftButton
    viewport = tab.parallel.viewport()
    qtbot.mousePress(viewport, left, pos=at(1, 0.6))
    for height in (0.4, 0.2, 0.0):
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(at(1, height)), viewport.mapToGlobal(at(1, height)),
            left, left, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(viewport, move)
    qtbot.mouseRelease(viewport, left, pos=at(1, 0.0))
    low, high = tab.parallel.brush.ranges[KEYS[1]]
    assert (low, high) == pytest.approx((0, 0.6), abs=0.02)
    brushed = tab.search.parallel.places[:, 1] <= high
    assert 0 < len(objectives_shown(tab)) == brushed.sum() < 30
    assert f"{brushed.sum()} of 30 trials" in tab.header.text()
    assert len(tab.best._faint.getData()[0]) == 30 - brushed.sum()
    assert max(objectives_shown(tab)) < max(everything)
    for where in (tab.parallel, tab.trials):
        tab.parallel.set_brush(Brush({KEYS[1]: (low, high)}))
        assert objectives_shown(tab) != everything
        qtbot.keyClick(where, Qt.Key.Key_Escape)
        assert objectives_shown(tab) == everything


def test_a_double_click_takes_an_axis_range_away(tab, follow, large, qtbot):
    tab.show()
    follow(large.path)
    qtbot.waitExposed(tab)
    qtbot.wait(20)
    tab.parallel.set_brush(Brush({KEYS[1]: (0, 0.5), "objective": (0, 0.5)}))
    view = tab.parallel.getPlotItem().getViewBox()
    where = tab.parallel.mapFromScene(view.mapViewToScene(QPointF(1, 0.5)))
    qtbot.mouseDClick(tab.parallel.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert set(tab.parallel.brush.ranges) == {"objective"}


def test_the_median_rules_band_is_drawn(tab, follow, large):
    follow(large.path)
    band = tab.search.best.band
    assert len(band.x) == 30 - 8
    tab.restyle(DARK)
    box = tab.best._band.path().boundingRect()
    assert (box.left(), box.right()) == (9, 30)
    assert box.top() == pytest.approx(band.low.min())
    assert "median rule" in tab.best.getAxis("bottom").labelText


@given(
    ranges=st.dictionaries(st.sampled_from([*KEYS, "objective", "gone"]),
                           st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=3)
)  # fmt: skip
def test_brush_is_the_intersection_of_its_ranges(ranges):
    trials = [
        Trial(i, {KEYS[0]: 448, KEYS[1]: 1e-4 * i, KEYS[2]: 0.05 * i}, TrialState(state), 0.2 * i)
        for i, state in enumerate(["finished", "pruned", "failed", "finished", "running"], 1)
    ]
    shown = parallel(Search(space=SPACE), trials)
    brush = Brush()
    for key, ends in ranges.items():
        brush = brush.with_range(key, *ends)
    keys = [axis.key for axis in shown.axes]
    for inside, places in zip(brush.chosen(shown), shown.places, strict=True):
        each = [min(ends) <= places[keys.index(key)] <= max(ends)
                for key, ends in ranges.items() if key in keys]  # fmt: skip
        assert inside == all(each)


@pytest.mark.parametrize("name", ["best", "parallel", "importance", "slices"])
def test_every_plot_is_enlarged_copied_and_saved_as_others_are(tab, follow, large, qtbot, name):
    follow(large.path)
    tab.views.setCurrentIndex(int(name in ("importance", "slices")))
    tab.show()
    plot = getattr(tab, name)
    others = [w for w in (tab.trials, tab.best, tab.importance, tab.slices) if w is not plot]
    middle = plot.viewport().rect().center()
    QTest.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert plot.isVisible() and not any(other.isVisible() for other in others)
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert tab.trials.isVisible() and tab.best.isVisible()
    QTest.keyClick(plot, Qt.Key.Key_Return)
    tab.show_view(tab.search)
    assert not tab.trials.isVisible(), "what is read meanwhile changes nothing"
    actions = {a.text(): a for a in tab.handling.menu(plot, middle).actions() if a.text()}
    assert list(actions) == ["Show all &plots", "&Copy picture", "Copy &data", "&Save…"]
    actions["&Copy picture"].trigger()
    assert QApplication.clipboard().image().width() > 1000
    actions["Copy &data"].trigger()
    assert QApplication.clipboard().text().count("\n") == 31
    with qtbot.waitSignal(tab.save_wanted) as wanted:
        actions["&Save…"].trigger()
    assert wanted.args[0] in (*titled(tab.plots()), "")
    actions["Show all &plots"].trigger()
    assert tab.trials.isVisible()


def test_a_double_click_on_a_brushed_axis_takes_its_range_away_and_enlarges_nothing(
    tab, follow, large
):
    follow(large.path)
    tab.show()
    QApplication.processEvents()
    key = tab.search.parallel.axes[0].key
    tab.parallel.set_brush(Brush({key: (0.2, 0.6)}))
    view = tab.parallel.getViewBox()
    at = tab.parallel.mapFromScene(view.mapViewToScene(QPointF(0, 0.5)))
    QTest.mouseDClick(tab.parallel.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert tab.parallel.brush == Brush()
    assert tab.trials.isVisible()
