"""The Search tab: bound to a search on disk, used with mouse and keyboard."""

import math
import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from driven import SOON_MS, read, search_tab
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt

from gui.models.trials import FollowedSearch
from gui.search import tab as tab_module
from gui.search.tab import NO_SEARCH, NO_TRIAL, UNREADABLE
from gui.theme import DARK, LIGHT
from ris_tf.search import (
    Choices,
    Range,
    Search,
    SearchDirectory,
    Trial,
    TrialState,
)

KEYS = ("network.width", "training.learning_rate", "objective.weights.subspace")
SPACE = {
    KEYS[0]: Choices((448, 512)),
    KEYS[1]: Range(1e-4, 1e-3, log=True),
    KEYS[2]: Range(0.02, 0.5, log=True),
}
STATES = ("finished", "finished", "pruned", "failed", "finished", "running")
OBJECTIVES = (0.9, 0.7, 1.1, math.nan, 0.8, math.nan)
BARE = SimpleNamespace(background="#101010", foreground="#eeeeee", grid="#404040", dark=True)


def trial(number, state, objective):
    given = {KEYS[0]: 448, KEYS[1]: 1e-4 * number, KEYS[2]: 0.05 * number}
    reason = {"failed": "not finite at step 41", "pruned": "worse than the median"}.get(state, "")
    return Trial(number, given, TrialState(state), objective, reason, 3, started=100.0, ended=160.0)


@pytest.fixture
def search(tmp_path):
    made = SearchDirectory.create(
        tmp_path / "wide",
        Search(algorithm="random", objective="validation loss", trials=9, space=SPACE,
               defaults={KEYS[0]: 512}),
    )  # fmt: skip
    for number, (state, objective) in enumerate(zip(STATES, OBJECTIVES, strict=True), 1):
        made.write_trial(trial(number, state, objective))
    return made


@pytest.fixture
def tab(qtbot):
    return search_tab(qtbot)


@pytest.fixture
def show(tab, qtbot):
    """Shows runs, and waits until their search is read."""

    def shown(runs):
        tab.show_runs(runs)
        qtbot.waitUntil(lambda: tab.search is not None, timeout=SOON_MS)

    return shown


@pytest.fixture
def follow(tab, qtbot):
    """Follows a search from its beginning, and waits until it is read."""

    def followed(path):
        tab.follow(None)
        tab.follow(path)
        qtbot.waitUntil(lambda: tab.search is not None, timeout=SOON_MS)

    return followed


def run(search, number):
    return SimpleNamespace(path=search.trial_path(number), search=search.path)


def texts(tab, column):
    at = tab.trials.trials.columns.index(column)
    model = tab.trials.trials
    return [model.data(model.index(row, at)) for row in range(model.rowCount())]


def test_trial_of_a_search_shows_the_search(tab, show, search):
    show([run(search, 2)])
    assert tab.header.text().splitlines() == [
        "random search · 5 of 9 trials done (1 pruned, 1 failed, 1 running) · best 0.7, trial 2",
        "objective, lower is better: validation loss",
    ]
    assert texts(tab, "trial") == ["2", "5", "1", "3", "4", "6"]
    assert texts(tab, "rank") == ["1", "2", "3", "–", "–", "–"]
    assert texts(tab, "objective") == ["0.7", "0.8", "0.9", "1.1", "–", "–"]
    assert texts(tab, "state")[2:] == ["✔ finished", "▽ pruned", "✖ failed", "▶ running"]
    assert texts(tab, KEYS[1])[0] == "0.0002"
    assert tab.trials.selected() == search.trial_path(2)


def test_no_search_shows_a_message(tab, show, search, tmp_path):
    assert tab.message.text() == NO_SEARCH
    tab.show_runs([])
    tab.show_runs([SimpleNamespace(path=tmp_path / "elsewhere" / "run", search=None)])
    assert not tab.header.isVisibleTo(tab)
    show([run(search, 1)])
    assert tab.header.isVisibleTo(tab)
    tab.follow(None)
    assert tab.message.isVisibleTo(tab)
    assert not tab.header.isVisibleTo(tab)


def test_no_ended_trial_shows_a_message(tab, follow, tmp_path):
    search = SearchDirectory.create(tmp_path / "new", Search(space=SPACE))
    search.write_trial(trial(1, "running", math.nan))
    follow(search.path)
    assert tab.waiting.isVisibleTo(tab)
    assert tab.waiting.text() == NO_TRIAL
    assert not tab.best.isVisibleTo(tab)
    assert texts(tab, "state") == ["▶ running"]


def test_reason_is_beside_the_trial_and_in_its_tooltip(tab, show, search):
    show([run(search, 1)])
    model = tab.trials.trials
    at = model.index(4, model.columns.index("state"))
    assert texts(tab, "reason")[4] == "not finite at step 41"
    assert model.data(at, Qt.ItemDataRole.ToolTipRole).endswith("not finite at step 41")
    header = model.headerData(4, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert header == f"{KEYS[0]}\none of 448, 512\nconfiguration: 512"


def test_a_click_on_a_header_sorts_and_keeps_the_selection(tab, show, search):
    show([run(search, 5)])
    tab.trials.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert texts(tab, "trial") == ["6", "5", "4", "3", "2", "1"]
    assert tab.trials.selected() == search.trial_path(5)


def test_selected_trial_is_thick_and_ringed(tab, show, search):
    show([run(search, 5)])
    _, places = tab.parallel._thick.getData()
    assert places[-1] == pytest.approx((0.8 - 0.7) / (1.1 - 0.7))
    assert tab.best._ring.getData()[0].tolist() == [5]
    tab.trials.pointed.emit(search.trial_path(2))
    assert tab.best._ring.getData()[1].tolist() == [0.7]
    tab.trials.pointed.emit(None)
    assert tab.best._ring.getData()[0].tolist() == [5]


def test_double_click_and_enter_choose_a_trial(tab, show, search, qtbot):
    tab.show()
    show([run(search, 2)])
    chosen = []
    tab.trial_chosen.connect(chosen.append)
    rect = tab.trials.visualRect(tab.trials.trials.index(1, 0))
    where = {"pos": rect.center()}
    qtbot.mouseClick(tab.trials.viewport(), Qt.MouseButton.LeftButton, **where)
    qtbot.mouseDClick(tab.trials.viewport(), Qt.MouseButton.LeftButton, **where)
    assert chosen == [search.trial_path(5)]
    tab.trials.setFocus()
    qtbot.keyClick(tab.trials, Qt.Key.Key_Down)
    qtbot.keyClick(tab.trials, Qt.Key.Key_Return)
    assert chosen[1:] == [search.trial_path(1)]


def test_a_line_under_the_mouse_is_pointed_at_and_a_click_selects_it(tab, show, search, qtbot):
    tab.show()
    show([run(search, 2)])
    qtbot.waitExposed(tab)
    qtbot.wait(20)
    view = tab.parallel.getPlotItem().getViewBox()
    places = tab.parallel._shown.places
    where = view.mapViewToScene(QPoint(3, 0).toPointF() + QPoint(0, 1).toPointF() * places[4, -1])
    assert tab.parallel.trial_at(where).number == 5
    tab.parallel._moved(where)
    assert tab.best._ring.getData()[0].tolist() == [5]
    tab.parallel._clicked(SimpleNamespace(scenePos=lambda: where))
    assert tab.trials.selected() == search.trial_path(5)
    dot = tab.best.getPlotItem().getViewBox().mapViewToScene(QPoint(1, 0).toPointF() * 1.0)
    assert tab.best.trial_at(dot) is None


def test_nothing_is_drawn_again_while_nothing_changed(tab, show, search, qtbot, monkeypatch):
    monkeypatch.setattr(tab_module, "READ_S", 0.01)
    show([run(search, 1)])
    drawn, draw = [], tab.best.show_best
    monkeypatch.setattr(tab.best, "show_best", lambda *given: drawn.append(given) or draw(*given))
    began = time.thread_time()
    for _ in range(200):
        tab.show_runs([run(search, 1)])
    assert time.thread_time() - began < 1.0
    qtbot.wait(100)
    assert drawn == []
    search.write_trial(trial(6, "finished", 0.3))
    qtbot.waitUntil(lambda: len(drawn) == 1, timeout=SOON_MS)
    assert texts(tab, "trial")[0] == "6"
    assert tab.trials.selected() == search.trial_path(1)


def test_a_hidden_search_is_not_read(tab, show, search, qtbot, monkeypatch):
    monkeypatch.setattr(tab_module, "READ_S", 0.01)
    tab.show()
    show([run(search, 1)])
    tab.hide()
    qtbot.wait(50)
    search.write_trial(trial(6, "finished", 0.3))
    qtbot.wait(100)
    assert texts(tab, "trial")[0] == "2"
    tab.show()
    qtbot.waitUntil(lambda: texts(tab, "trial")[0] == "6", timeout=SOON_MS)


def test_plots_are_labelled_and_titled(tab, show, search):
    show([run(search, 1)])
    best, parallel = tab.plots()
    assert best.titleLabel.text == "best so far"
    assert best.getAxis("left").labelText == "objective, lower is better"
    assert "✖" in best.getAxis("bottom").labelText
    assert "objective" in parallel.titleLabel.text
    assert tab.table(None).count("\n") == 7


@pytest.mark.parametrize("theme", [LIGHT, DARK, BARE])
def test_colours_follow_the_theme(tab, show, search, theme):
    show([run(search, 1)])
    tab.restyle(theme)
    show([run(search, 1)])
    corner = tab.best.grab().toImage().pixelColor(3, 3)
    assert corner.name() == theme.background


def test_labels_are_not_cut_off(tab, show, search, qtbot):
    tab.show()
    show([run(search, 1)])
    qtbot.waitExposed(tab)
    qtbot.wait(20)
    assert tab.minimumSizeHint().width() <= 820
    assert tab.minimumSizeHint().height() <= 600
    axis = tab.parallel.getAxis("bottom")
    labels = [text.strip() for _, text in axis._tickLevels[0]]
    assert labels == ["width", "learning_rate", "subspace", "objective"]
    scene = tab.parallel.viewport().rect()
    for text in tab.parallel._texts:
        box = tab.parallel.mapFromScene(text.sceneBoundingRect()).boundingRect()
        assert scene.contains(box)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["search.json", "trial_0001/trial.json"]),
    share=st.floats(0, 0.99),
    junk=st.binary(max_size=20) | st.just(b'{"space": {"a": 1, "b": {"choices": [[1], null]}}}'),
)
def test_damaged_files_are_reported_and_change_no_others(tab, follow, search, name, share, junk):
    whole = (search.path / name).read_bytes()
    try:
        (search.path / name).write_bytes(whole[: int(share * len(whole))] + junk)
        follow(search.path)
        shown = dict(zip(texts(tab, "trial"), texts(tab, "objective"), strict=True))
        assert shown.items() <= {
            "1": "0.9", "2": "0.7", "3": "1.1", "4": "–", "5": "0.8", "6": "–",
        }.items()  # fmt: skip
        if name == "search.json" and not shown:
            assert tab.header.text().startswith(str(search.path / "search.json"))
            assert tab.waiting.text() == UNREADABLE
    finally:
        (search.path / name).write_bytes(whole)


def test_many_trials_are_drawn_quickly(tab, tmp_path):
    search = SearchDirectory.create(tmp_path / "many", Search(space=SPACE))
    from ris_tf.search.trial import encode_trial

    for number in range(1, 1001):
        folder = search.trial_path(number)
        folder.mkdir()
        one = replace(trial(number, "finished", 1 + math.sin(number)))
        (folder / "trial.json").write_bytes(encode_trial(one))
    view = FollowedSearch(search.path).poll()
    began = time.thread_time()  # not the clock: other programs may have the processors
    tab.show_view(view)
    tab.grab()
    assert time.thread_time() - began < 3.0


@pytest.mark.parametrize("how", ["click", "enter"])
def test_a_search_chosen_in_the_list_of_runs_is_shown(
    qtbot, open_window, fake_run, search, tmp_path, how
):
    """Its row is no run, and says no more that no search is selected."""
    shutil.move(search.path, tmp_path / "runs" / "wide")
    path = fake_run("wide/trial_0009").train(12).end().path
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    table = window.runs.table
    folder = table.model().index(0, 0)
    assert folder.data() == "wide/"
    if how == "click":
        where = table.visualRect(folder).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    else:
        table.clearSelection()
        table.selectionModel().setCurrentIndex(folder, QItemSelectionModel.SelectionFlag.NoUpdate)
        qtbot.keyClick(table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.tab_name == "search", timeout=SOON_MS)
    tab = window.tab("search")
    qtbot.waitUntil(lambda: tab.search is not None, timeout=SOON_MS)
    assert window.runs.selected == []
    assert texts(tab, "trial")[0] == "2"
    tab.trials.chosen.emit(path)
    qtbot.waitUntil(lambda: window.runs.selected == [path], timeout=SOON_MS)
    assert window.tab_name == "loss", "its run, in the tab that showed runs before"
