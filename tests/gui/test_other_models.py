"""The window with runs of other models: it shows what they have, and nothing else."""

import pytest
from driven import SOON_MS, read
from PySide6.QtWidgets import QLabel, QTreeWidget

from gui.tabs import TABS

WORDS = ("covariance", "subspace", "direction", "beta", "backbone", "scene", "spectr")


def select(qtbot, window, *paths):
    window.choose(paths)
    qtbot.waitUntil(lambda: set(window.runs.selected) == set(paths), timeout=SOON_MS)
    read(qtbot, window)


def offered(window, text):
    return next(a for a in window.actions() if a.text() == text).isEnabled()


def tabs_shown(window):
    return [name for i, name in enumerate(TABS) if window.tabs.isTabVisible(i)]


@pytest.fixture
def paths(fake_run, model_run):
    ours = fake_run("ours").train(25, dropped=(3,)).end("stopped").path
    return ours, model_run("theirs").train(25, dropped=(4,)).end("stopped").path


def test_scene_is_there_for_localization_alone(qtbot, open_window, paths, tmp_path):
    ours, theirs = paths
    window = open_window(tmp_path / "runs")
    select(qtbot, window, ours)
    window.show_tab("scene")
    select(qtbot, window, theirs)
    assert not {"scene", "evaluation"} & set(tabs_shown(window))
    assert window.tab_name != "scene"
    window.show_tab("scene")
    assert window.tab_name != "scene"
    assert "have no scene" in window.statusBar().currentMessage()
    select(qtbot, window, ours, theirs)
    assert tabs_shown(window) == list(TABS)


def test_what_ris_tf_alone_can_go_on_with_is_not_offered(qtbot, open_window, paths, tmp_path):
    ours, theirs = paths
    window = open_window(tmp_path / "runs")
    again = "Start &again with these settings…"
    select(qtbot, window, theirs)
    window.actions_.update()
    assert not offered(window, again)
    assert not offered(window, "&Resume")
    select(qtbot, window, ours)
    window.actions_.update()
    assert offered(window, again)


@pytest.mark.parametrize(
    "name", ["metrics", "loss", "gradients", "schedules", "health", "configuration"]
)
def test_no_tab_has_a_word_of_localization(qtbot, open_window, paths, tmp_path, name):
    window = open_window(tmp_path / "runs")
    select(qtbot, window, paths[1])
    window.show_tab(name)
    read(qtbot, window)
    texts = " ".join(texts_of(window.tab(name))).casefold()
    assert texts
    assert [word for word in WORDS if word in texts] == []


def texts_of(tab):
    """What stands in a tab: labels, titles, lists."""
    for plot in tab.plots():
        yield plot.title
        yield plot.panel.label if getattr(plot, "panel", None) else ""
    yield from (label.text() for label in tab.findChildren(QLabel))
    if hasattr(tab, "readout"):
        yield from (row.title for row in tab.readout.model.matrix.rows)
    for tree in tab.findChildren(QTreeWidget):
        for i in range(tree.topLevelItemCount()):
            yield " ".join(tree.topLevelItem(i).text(c) for c in range(tree.columnCount()))


def test_a_metric_has_a_plot_and_a_row_that_switches_it_off(qtbot, open_window, paths, tmp_path):
    window = open_window(tmp_path / "runs")
    select(qtbot, window, paths[1])
    tab = window.tab("loss")
    model = tab.readout.model
    values = {row.title: model.index(i, 0).data() for i, row in enumerate(model.matrix.rows)}
    assert list(values) == ["loss", "cross_entropy", "range", "sparsity", "accuracy"]
    assert values["accuracy"] == "0.75"
    spans = {plot.view.range for plot in tab.grid.plots()}
    assert len(spans) == 1, "validations begin later, and stand at the same x all the same"
    assert not tab._widgets["values"].isEnabled(), "their terms have no weights"
    assert "accuracy (validation)" in [plot.title for plot in tab.grid.plots()]
    tab.readout.table.down.sectionClicked.emit(len(values) - 1)
    qtbot.waitUntil(lambda: len(tab.grid.plots()) == 4, timeout=SOON_MS)
    assert "accuracy (validation)" not in [plot.title for plot in tab.grid.plots()]


def test_configurations_of_two_kinds_stand_side_by_side(qtbot, open_window, paths, tmp_path):
    ours, theirs = paths
    window = open_window(tmp_path / "runs")
    select(qtbot, window, theirs)
    window.show_tab("configuration")
    tree = window.tab("configuration").tree

    def columns():
        shown = [c for c in range(tree.columnCount()) if not tree.isColumnHidden(c)]
        return [tree.headerItem().text(c) for c in shown]

    assert columns() == ["key", "value"]
    assert tree.topLevelItemCount() == 4
    select(qtbot, window, ours, theirs)
    qtbot.waitUntil(lambda: len(columns()) == 5, timeout=SOON_MS)
    assert set(columns()) == {"key", "ours", "theirs", "default", "unit"}


def test_configuration_of_nothing_says_what_to_do(qtbot, open_window, paths, tmp_path):
    """No default stands there as if it were a run's."""
    window = open_window(tmp_path / "runs")
    select(qtbot, window, paths[0])
    window.show_tab("configuration")
    tab = window.tab("configuration")
    qtbot.waitUntil(tab.tree.isVisible, timeout=SOON_MS)
    window.runs.table.clearSelection()
    qtbot.waitUntil(lambda: not tab.tree.isVisible(), timeout=SOON_MS)
    assert "Select a run at the left" in tab.message.text()
    assert not tab.filter.isVisible()
    select(qtbot, window, paths[0])
    qtbot.waitUntil(tab.tree.isVisible, timeout=SOON_MS)
