"""The Launch tab without a training: its search, its folder, the weights to begin at."""

from itertools import pairwise
from pathlib import Path

import pytest
from driven import SOON_MS

from gui.launch.tab import LaunchTab
from gui.models.commands import place_problem, resume_command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def launch(qtbot, tmp_path):
    """The tab with the quickstart in its form, for runs in a folder of the test."""
    (tmp_path / "runs").mkdir()
    tab = LaunchTab(tmp_path / "runs")
    qtbot.addWidget(tab)
    tab.resize(900, 700)
    tab.show()
    tab.open_config(ROOT / "configs/quickstart.yaml")
    qtbot.waitUntil(lambda: tab.settings is not None and tab.is_read(), timeout=SOON_MS)
    yield tab
    tab.close_down()


def tops(launch):
    """Upper edges of the rows that are shown, in pixels of the form, by path."""
    page = launch.form.widget()
    shown = {path: row.editor for path, row in launch.form.rows.items() if row.editor.isVisible()}
    return {path: editor.mapTo(page, editor.rect().topLeft()).y() for path, editor in shown.items()}


def test_a_search_leaves_no_holes_and_puts_the_best_match_first(qtbot, launch):
    launch.filter.setText("rate")
    qtbot.wait(50)
    places = tops(launch)
    ordered = sorted(places, key=lambda path: places[path])
    assert ordered[0] == "training.learning_rate"
    sections = [path.rpartition(".")[0] for path in ordered]
    heights = [places[b] - places[a] for a, b in pairwise(ordered)]
    within = [h for h, a, b in zip(heights, sections, sections[1:], strict=False) if a == b]
    assert set(within) == {min(within)}, "rows of a section stand close"
    assert max(heights) < 3 * min(within), "and so do sections"
    launch.filter.setText("epochs")
    qtbot.wait(50)
    assert min(tops(launch), key=tops(launch).get) == "training.epochs"
    launch.filter.setText("")
    qtbot.wait(50)
    assert list(tops(launch)) == [knob.path for knob in launch.settings.knobs()]


def test_a_search_opens_what_was_folded(qtbot, launch):
    launch.form._sections["training"].heading.setChecked(False)
    assert "training.epochs" not in tops(launch)
    launch.filter.setText("epochs")
    assert "training.epochs" in tops(launch)
    launch.filter.setText("")
    assert "training.epochs" not in tops(launch)


def test_a_folder_below_none_is_refused_and_nothing_is_made(qtbot, launch, tmp_path):
    launch.runs_dir.clear()
    qtbot.keyClicks(launch.runs_dir, str(tmp_path / "mistyped" / "runs"))
    problem = launch.command.placeholderText
    qtbot.waitUntil(lambda: f"there is no {tmp_path / 'mistyped'}" in problem(), timeout=SOON_MS)
    assert not launch.start_button.isEnabled()
    launch.start()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


@pytest.mark.parametrize(
    ("run", "weights", "words"),
    [
        ("new/a", "", ""),
        ("there/a", "there", ""),
        ("there", "", "exists; choose another name"),
        ("no/such/a", "", "there is no"),
        ("file/x/a", "", "is no folder"),
        ("new/a", "gone.keras", "begin at gone.keras: there is no such run or file"),
    ],
)
def test_where_a_run_can_lie(tmp_path, monkeypatch, run, weights, words):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    Path("file").write_text("")
    problem = place_problem(Path(run), weights)
    assert (words in problem) if words else problem == ""
    assert sorted(map(str, Path().iterdir())) == ["file", "there"]


def test_weights_to_begin_at_are_in_the_command_of_a_run_alone(qtbot, launch, tmp_path):
    (tmp_path / "a.keras").write_text("")
    qtbot.keyClicks(launch.weights, str(tmp_path / "a.keras"))
    assert f"--from {tmp_path / 'a.keras'}" in launch.command.toPlainText()
    launch.kind.setCurrentText("Search")
    assert "--from" not in launch.command.toPlainText()
    assert not launch.weights.isEnabled()


def test_settings_that_are_filled_in_are_shown_and_named(qtbot, launch):
    changes = {"training.learning_rate": "1e-4"}
    launch.open_config(ROOT / "configs/quickstart.yaml", changes=changes)
    qtbot.waitUntil(lambda: "filled in" in launch.status.text(), timeout=SOON_MS)
    assert list(tops(launch)) == ["training.learning_rate"]
    assert "--set training.learning_rate=0.0001" in launch.command.toPlainText()


def test_going_on_longer_is_the_command_for_it():
    assert resume_command(Path("runs/a"), epochs=80).text == (
        "ris-tf train --resume runs/a --epochs 80"
    )
    assert resume_command(Path("runs/a")).text == "ris-tf train --resume runs/a"
