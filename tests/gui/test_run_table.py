"""The table of runs: conditions, columns, folders, and the line that names what is shown."""

import math
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from driven import SOON_MS, read, trigger
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.models.columns import BY_KEY, KNOB, METRIC, column_of, fixed
from gui.models.headline import headline_of
from gui.models.index import RunIndex, RunRow
from gui.models.run_filter import RunFilter
from gui.models.run_tree import RunGroup, RunTree, tree_of
from gui.window.run_model import RunsModel
from ris_tf.config import parse_config
from ris_tf.runlog import NO_REMARKS, Doing, Remarks, Session, Usage, Validation, write_remarks

KNOBS = {"training.learning_rate": 1e-4, "network.kind": "reference", "training.compile": True}


def row(name, loss=math.nan, state="finished", group="", remarks=NO_REMARKS, knobs=None):
    """A row of the table without a run behind it."""
    summary = SimpleNamespace(
        state=state, stopping=False, best_loss=loss, last_loss=loss, step=5, windows=10, epoch=1,
        epochs=2, skipped=1, seconds=60.0, metrics={"loss": loss, "direction_rmse_deg": 2.0},
        reason="",
    )  # fmt: skip
    path = Path("runs", group, name)
    return RunRow(path, group, 1.0, summary, "", True, remarks, knobs, bool(group))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("", True), ("demo", True), ("DEM", True), ("state:finished", True),
        ("state:failed", False),
        ("-state:failed demo", True), ("-demo", False), ("demo other", False),
        ("best<0.8", True), ("best<=0.5", True), ("best>0.5", False), ("best!=0.5", False),
        ("done>=50%", True), ("learning_rate<1e-3", True), ("learning_rate<1e-5", False),
        ("training.learning_rate=1e-4", True), ("network.kind=reference", True),
        ("kind:ref", True), ("kind!=beamspace", True), ("compile=true", True),
        ("direction_rmse_deg<3", True), ("no_such_key<3", False), ("no_such_key!=3", True),
        ("tag:paper", True), ("tag:pap", False), ("pinned:yes", True), ("pinned:no", False),
        ('note:"for the"', True), ("archived:yes", False),
        ("best<word", False), ('"', True), ("(", False),
    ],
)  # fmt: skip
def test_words_and_conditions(text, accepted):
    remarks = Remarks(tags=("Paper",), note="for the paper", pinned=True)
    given = row("demo", 0.5, remarks=remarks, knobs=KNOBS)
    assert RunFilter(text).accepts(given) is accepted


def test_archived_runs_are_out_of_sight_until_asked_for():
    away = row("a", remarks=Remarks(archived=True))
    assert not RunFilter("").accepts(away)
    assert not RunFilter("a").accepts(away)
    assert RunFilter("archived:yes").accepts(away)


@pytest.mark.parametrize(("text", "needed"), [("best<1", False), ("rate<1", True), ("x", False)])
def test_configurations_are_read_only_if_they_are_asked_for(text, needed):
    assert RunFilter(text).needs_knobs is needed


def test_rows_without_a_value_come_last_either_way_and_pinned_ones_first():
    rows = [
        row("b", 2.0),
        row("none"),
        row("a", 1.0),
        row("pin", 3.0, remarks=Remarks(pinned=True)),
    ]
    for descending, order in ((False, "pin a b none"), (True, "pin b a none")):
        nodes = tree_of(rows, BY_KEY["best"], descending)
        assert [node.name for node in nodes] == order.split()


def test_the_row_of_a_search_sums_up_its_trials():
    trials = [
        row("1", 2.0, group="s"),
        row("2", 1.0, group="s"),
        row("3", group="s", state="failed"),
    ]
    (group,) = tree_of(trials, BY_KEY["run"], False)
    assert isinstance(group, RunGroup)
    assert group.is_search
    totals = {key: BY_KEY[key].total_of(group.rows) for key in ("best", "dropped", "took", "done")}
    assert totals == {"best": 1.0, "dropped": 3, "took": 180.0, "done": 0.5}
    assert BY_KEY["state"].total_of(group.rows) == "✖ 1  ✔ 2"


def test_any_knob_and_any_metric_can_be_a_column():
    given = row("a", 0.5, knobs=KNOBS)
    assert column_of(KNOB + "training.learning_rate").cell(given) == "0.0001"
    assert column_of(METRIC + "direction_rmse_deg").cell(given) == "2.0000"
    assert column_of(METRIC + "none").cell(given) == ""
    assert column_of("no such") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (12.34567, "12.3457"), (-1e-6, "−1.00e−06"), (math.inf, "∞")],
)
def test_numbers_have_their_points_below_each_other(value, text):
    assert fixed(value) == text


def names(window):
    """First column as it is shown, folders and what is in them."""
    model, found = window.runs.table.model(), []
    for i in range(model.rowCount()):
        index = model.index(i, 0)
        inside = [model.index(j, 0, index).data() for j in range(model.rowCount(index))]
        found.append((index.data(), inside) if inside else index.data())
    return found


def test_a_filter_folds_no_folder_for_good(qtbot, open_window, fake_run, tmp_path):
    fake_run("s/one").train(5).end()
    fake_run("t/two").train(5).end("failed")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    table, model = window.runs.table, window.runs.table.model()

    def opened():
        return {
            model.index(i, 0).data(): (
                table.isExpanded(model.index(i, 0)), table.names.isExpanded(model.index(i, 0))
            )
            for i in range(model.rowCount())
        }  # fmt: skip

    assert opened() == {"s/": (True, True), "t/": (True, True)}
    table.collapse(window.runs.model.index_of_group("t"))
    for words in ("one", "nothing at all", ""):
        window.runs.filter.setText(words)
    assert opened() == {"s/": (True, True), "t/": (False, False)}, "as they were left"


def test_only_rows_with_other_values_are_looked_at_anew(qtbot):
    """A keystroke that hides no run costs nothing but the filter, though there are thousands."""
    rows = [row(f"run-{i}") for i in range(50)]
    model = RunsModel([BY_KEY["run"], BY_KEY["best"]])
    model.show_tree(RunTree.of(rows), model.columns)
    changed, resets = [], []
    model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    model.modelReset.connect(lambda: resets.append(True))
    assert not model.show_tree(RunTree.of(list(rows)), model.columns)
    assert (changed, resets) == ([], [])
    others = [*rows[:7], replace(rows[7], problem="?"), *rows[8:]]
    assert not model.show_tree(RunTree.of(others), model.columns)
    assert (changed, resets) == ([(7, 7)], [])
    assert model.show_tree(RunTree.of(rows[:5]), model.columns)
    assert resets == [True]


def test_of_many_runs_the_view_is_given_some_and_more_as_it_is_scrolled(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    """A view looks at every row that it knows: of tens of thousands that takes a second."""
    monkeypatch.setattr("gui.window.run_model.AT_A_TIME", 4)
    monkeypatch.setattr("gui.window.runs.FEW", 3)
    for i in range(12):
        fake_run(f"s/run-{i:02d}").train(5).end()
    for i in range(12):
        fake_run(f"run-{i:02d}").train(5).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    table, model = window.runs.table, window.runs.model
    assert (model.rowCount(), len(model.nodes)) == (4, 13)
    group = model.index_of_group("s")
    assert not table.isExpanded(group), "of many, folders are opened by a person"
    for _ in range(5):
        table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
        table._ask_for_more()
    assert model.rowCount() == 13
    last = model.nodes[-2].path  # before the folder, whose first run is older
    window.choose([last])
    assert window.runs.selected == [last]
    window.runs.filter.setText("run-03")
    qtbot.waitUntil(lambda: len(model.nodes) == 2)  # in order as soon as a thread has done it
    assert window.runs.hidden == [last]


def test_the_name_stays_in_sight_and_is_sorted_selected_and_folded_with_the_rest(
    qtbot, open_window, fake_run, tmp_path
):
    for name in ("apple", "pear"):
        fake_run(name).train(5).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    table = window.runs.table
    bar = table.horizontalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    shown = table.names.visualRect(window.runs.model.index_of(tmp_path / "runs" / "apple"))
    qtbot.mouseClick(table.names.viewport(), Qt.MouseButton.LeftButton, pos=shown.center())
    assert [path.name for path in window.runs.selected] == ["apple"]
    assert table.names.geometry().left() <= table.frameWidth()
    header = table.names.header()
    where = header.sectionViewportPosition(0) + 10
    QTest.mouseClick(
        header.viewport(), Qt.MouseButton.LeftButton, pos=header.viewport().rect().center()
    )
    assert where
    assert names(window) == ["apple", "pear"]
    assert [path.name for path in window.runs.selected] == ["apple"], "sorting selects nothing else"


def test_columns_their_order_and_sorting_are_remembered(qtbot, open_window, fake_run, tmp_path):
    fake_run("a", parse_config({"training": {"learning_rate": 3e-3}})).train(12).end()
    first = open_window(tmp_path / "runs")
    read(qtbot, first)
    chosen = ["run", KNOB + "training.learning_rate", METRIC + "loss", "state"]
    first.runs.choose_columns(chosen)
    cell = first.runs.model.index(0, 1).data
    qtbot.waitUntil(lambda: cell() == "0.003", timeout=SOON_MS)
    assert first.runs.model.index(0, 2).data() == "2.0000"
    first.runs.filter.setText("learning_rate<1e-3")
    assert names(first) == []
    first.close()
    second = open_window(tmp_path / "runs")
    assert [column.key for column in second.runs.columns] == chosen


def test_remarks_are_in_the_table_and_found(qtbot, open_window, fake_run, tmp_path):
    run = fake_run("a").train(5).end()
    fake_run("b").train(5).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    write_remarks(run.path, Remarks(title="Best so far", tags=("paper",), pinned=True))
    qtbot.waitUntil(lambda: names(window) == ["★ Best so far", "b"], timeout=SOON_MS)
    window.runs.filter.setText("tag:paper")
    assert names(window) == ["★ Best so far"]


def test_a_folder_of_many_runs_is_looked_at_seldom_and_what_goes_on_is_not(fake_run, tmp_path):
    going = fake_run("going").train(5)
    fake_run("done").train(5).end()
    index = RunIndex([tmp_path / "runs"])
    index.poll()
    index._next_look = math.inf  # as after a look that took long
    going.train(3)
    rows = {row.name: row for row in index.poll()}
    assert rows["going"].summary.step == 8
    fake_run("new")
    assert index.poll() is None
    index.hurried = True
    assert "new" in {row.name for row in index.poll()}


# -- the line above the tabs ------------------------------------------------------------------


def text_of(line):
    return " | ".join([line.name, line.mark, *(text for text, _ in line.facts)])


def test_the_window_names_what_it_shows_though_the_filter_hides_it(
    qtbot, open_window, fake_run, tmp_path
):
    fake_run("apple").train(12).end()
    fake_run("pear").train(5).end("failed")
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.choose([tmp_path / "runs" / "apple"])
    read(qtbot, window)
    bar = window.headline
    qtbot.waitUntil(lambda: bar.name.text() == "apple", timeout=SOON_MS)
    window.runs.filter.setText("pear")
    qtbot.waitUntil(lambda: "hidden by the filter" in text_of(bar.headline), timeout=SOON_MS)
    assert bar.name.text() == "apple"
    window.runs.table.selectAll()
    qtbot.waitUntil(lambda: bar.name.text() == "pear", timeout=SOON_MS)
    assert "✖ failed" in text_of(bar.headline)


def test_it_says_what_a_run_is_at_and_how_long_it_will_take(fake_run):
    run = fake_run("a").train(20)
    run.writer.write(Usage(1e9 + 19, 19, "2 threads", 1.9, 3 * 2**29, 0))
    view = run.view()
    line = headline_of([view], [], None, now=1e9 + 25)
    assert text_of(line) == (
        "a | ▶ running | epoch 2/4 | 50 scenes/s | 0:20 left | best 1.5 at epoch 2 | 2 threads"
        " | 1.9 cores | 1.5 GiB memory"
    )
    assert line.share == 0.5
    run.writer.write(Session(2, 1e9 + 50, 20, 2, 40, 4, 10))
    line = headline_of([run.view()], [], None, now=1e9 + 73)
    assert "compiling for 0:23" in text_of(line)
    assert "left" not in text_of(line)
    run.end("stopped")
    assert "compiling" not in text_of(headline_of([run.view()], [], None, now=1e9 + 73))


def test_validation_is_named_while_it_lasts(fake_run):
    run = fake_run("a").train(20)
    log = run.view().log
    pace = run.view().summary.pace
    assert pace.doing is Doing.TRAINING
    run.writer.write(replace(log.epoch_ends[-1], epoch=2, step=29, time=1e9 + 100))
    assert run.view().summary.pace.doing is Doing.VALIDATING
    run.writer.write(Validation(2, 29, 1e9 + 101, "ema", {"loss": 9.0}))
    pace = run.view().summary.pace
    assert (pace.doing, pace.best_epoch) == (Doing.TRAINING, 2)


def test_it_says_stopping_once_a_run_was_asked_to(qtbot, open_window, fake_run, tmp_path):
    run = fake_run("a").train(5)
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    trigger(qtbot, window, "&Stop with a checkpoint")
    state = window.runs.model.index(0, 1).data
    qtbot.waitUntil(lambda: state() == "◧ stopping", timeout=SOON_MS)
    qtbot.waitUntil(lambda: "stopping" in text_of(window.headline.headline), timeout=SOON_MS)
    run.end("stopped")
    qtbot.waitUntil(lambda: state() == "■ stopped", timeout=SOON_MS)


# -- keys and reasons -------------------------------------------------------------------------


def test_what_cannot_be_done_says_why(qtbot, open_window, fake_run, tmp_path):
    fake_run("a").train(12).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    window.actions_.update()
    resume = next(a for a in window.actions() if a.text() == "&Resume")
    assert not resume.isEnabled()
    assert "it is finished; Train longer…" in resume.toolTip()
    window.activateWindow()
    window.runs.table.setFocus()
    qtbot.keyClick(window.runs.table, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert window.statusBar().currentMessage().startswith("Resume: it is finished")


def test_a_question_mark_in_the_filter_stays_there_and_elsewhere_shows_the_keys(
    qtbot, open_window, fake_run, tmp_path, monkeypatch
):
    fake_run("a").train(5).end()
    shown = []
    monkeypatch.setattr("gui.window.keys.KeysDialog.exec", lambda dialog: shown.append(1))
    window = open_window(tmp_path / "runs")
    assert not window.runs.filter.hasFocus()
    read(qtbot, window)
    window.activateWindow()
    window.runs.filter.setFocus()
    qtbot.keyClicks(window.runs.filter, "a?")
    assert (window.runs.filter.text(), shown) == ("a?", [])
    window.runs.table.setFocus()
    qtbot.keyClick(window.runs.table, "?")
    assert len(shown) == 1


def test_no_file_manager_is_said(qtbot, open_window, fake_run, tmp_path):
    """This platform has none."""
    fake_run("a").train(5).end()
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    trigger(qtbot, window, "&Open its folder")
    message = window.statusBar().currentMessage
    qtbot.waitUntil(lambda: "no file manager opened" in message(), timeout=SOON_MS)


def test_the_first_window_fits_the_screen(qtbot, open_window, tmp_path):
    window = open_window(tmp_path)
    room = window.screen().availableGeometry()
    qtbot.waitUntil(lambda: window.frameGeometry().height() <= room.height(), timeout=SOON_MS)
    assert room.contains(window.frameGeometry().topLeft())
    assert window.frameGeometry().bottom() <= room.bottom()
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"
