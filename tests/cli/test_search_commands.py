"""What the commands that look at searches print, draw and refuse."""

import io
import math
import re

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ris_tf.cli.trials_table import print_trials, trials_table
from ris_tf.runlog import Cause
from ris_tf.search import (
    Choices,
    Range,
    Search,
    SearchDirectory,
    Trial,
    TrialState,
)
from ris_tf.words import counted

SPACE = {
    "training.learning_rate": Range(1e-4, 1e-2, log=True),
    "network.dropout": Range(0.0, 0.5),
    "network.filters": Choices(((32, 64), (48, 96))),
    "training.ema": Choices((True, False)),
    "network.kind": Choices(("beamspace", "reference")),
}
VALUES = dict(zip(SPACE, (1e-3, 0.25, (48, 96), True, "reference"), strict=True))
PRUNED = "worse than the median of 9 earlier trials after 6 epochs: 0.9321, median 0.8112"
EARLY = "no better validation loss for 3 epochs"
TRIALS = [
    Trial(1, VALUES, TrialState.FINISHED, 0.9, "10 epochs", 10, (), 100.0, 190.0),
    Trial(2, VALUES, TrialState.PRUNED, 0.93, PRUNED, 6, (), 190.0, 240.0),
    Trial(3, VALUES, TrialState.FINISHED, 0.7, EARLY, 8, cause=Cause.PATIENCE),
    Trial(4, VALUES, TrialState.FAILED, reason="memory: [/none] left"),
    Trial(5, VALUES),
]


@pytest.fixture(scope="module")
def make_search(tmp_path_factory):
    """Makes a search of trials; `folder` is where runs/ is."""

    def make(trials=TRIALS, space=SPACE, folder=None, about=None):
        folder = folder or tmp_path_factory.mktemp("searches")
        plan = Search(algorithm="random", trials=6, epochs=10, objective="the loss", space=space)
        command = ["ris-tf", "tune", "a.yaml"]
        search = SearchDirectory.create(folder / "runs" / "wide", plan, command)
        for trial in trials:
            search.write_trial(trial)
        if about:
            file = search.path / "search.json"
            file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), **about}))
        return SearchDirectory.open(search.path)

    return make


def on_terminal(search, width):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, no_color=True)
    print_trials(console, search)
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue()).splitlines()


def test_show_says_all_about_a_search(make_search, typed, tmp_path):
    make_search(folder=tmp_path, about={"pid": 2**22 + 1})
    answer = typed("show", "runs/wide")
    assert answer.code == 0
    for expected in (
        "search      runs/wide, stopped",
        "algorithm   random, up to 10 epochs a trial",
        "objective   the loss",
        "progress    4 of 6 trials done",
        "best        0.7000, trial 3",
        "command     ris-tf tune a.yaml",
        "to go on    ris-tf tune runs/wide --resume",
    ):
        assert expected in answer.out, expected


def test_trials_are_one_line_each_in_a_pipe_best_first(make_search, typed, tmp_path):
    make_search(folder=tmp_path)
    header, *lines = typed("show", "runs/wide").out.partition("\n\n")[2].splitlines()
    assert header.split() == [
        *("rank", "trial", "objective", "learning_rate", "dropout", "filters", "ema", "kind"),
        *("epochs", "took", "ended"),
    ]
    values = r"0\.001\s+0\.25\s+\[48, 96\]\s+true\s+reference"
    for line, expected in zip(
        lines,
        (
            rf"\s+1\s+3\s+0\.7000\s+{values}\s+8\s+-\s+finished: no better validation loss .*",
            rf"\s+2\s+1\s+0\.9000\s+{values}\s+10\s+1:30\s+finished\s*",
            rf"\s+-\s+2\s+0\.9300\s+{values}\s+6\s+0:50\s+pruned: {re.escape(PRUNED)}",
            rf"\s+-\s+4\s+-\s+{values}\s+0\s+-\s+failed: memory: \[/none\] left\s*",
            rf"\s+-\s+5\s+-\s+{values}\s+0\s+-\s+waiting\s*",
        ),
        strict=True,
    ):
        assert re.fullmatch(expected, line), line


def test_a_wide_terminal_shows_all_and_says_nothing_of_more(make_search):
    lines = on_terminal(make_search(), 140)
    assert all(name in lines[0] for name in ("learning_rate", "filters", "kind"))
    assert not any("widen" in line for line in lines)
    assert any("median 0.8112" in line for line in lines)


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=40)
values = words | st.floats(-1e30, 1e30) | st.lists(words, max_size=3).map(tuple)


@settings(max_examples=15, deadline=None)
@given(st.integers(60, 200), st.lists(values, min_size=1, max_size=12), words)
def test_table_fits_any_terminal(make_search, width, given_values, reason):
    space = {f"network.knob{n}": Choices((value,)) for n, value in enumerate(given_values)}
    chosen = {key: entry.values[0] for key, entry in space.items()}
    ends = [(TrialState.FINISHED, 0.5, ""), (TrialState.FAILED, math.nan, reason)]
    trials = [Trial(n, chosen, *end) for n, end in enumerate(ends, 1)]
    search = make_search(trials, space)
    lines = on_terminal(search, width)
    shown = sum(f"knob{n}" in lines[0] for n in range(len(space)))
    left = counted(len(space) - shown, "more hyperparameter")
    assert (left in " ".join(lines)) == (shown < len(space))
    assert max(map(cell_len, lines)) <= width
    assert re.match(r"\s*1\s+1\s+0\.5000 ", lines[1])
    assert "…" not in lines[0]


def test_brackets_are_values_not_markup(make_search):
    words = ("relu", "/x]", "[bold]")
    key = "network.[/]"
    search = make_search(
        [Trial(1, {key: words}, TrialState.FINISHED, 0.5)], {key: Choices((words,))}
    )
    header, line = on_terminal(search, 100)
    assert "[/]" in header
    assert "[relu, /x], [bold]]" in line


def test_table_is_for_others_too(make_search):
    table = trials_table(make_search())
    assert len(table.columns) == len(SPACE) + 6
    assert table.row_count == len(TRIALS)


def test_search_without_trials_is_shown(make_search, typed, tmp_path):
    make_search([], folder=tmp_path)
    out = typed("show", "runs/wide").out
    assert "best        none yet" in out
    assert "rank" not in out


def test_what_search_json_does_not_say_is_not_made_up(make_search, typed, tmp_path):
    unknown = {"algorithm": "", "objective": "", "trials": 0, "epochs": 0, "created": 1e30}
    make_search(folder=tmp_path, about={**unknown, "host": "elsewhere", "pid": 1})
    answer = typed("show", "runs/wide")
    assert answer.code == 0
    assert "runs/wide, perhaps running, on another machine" in answer.out
    assert "algorithm   not known\n" in answer.out
    assert "progress    4 trials done" in answer.out
    assert "on elsewhere, created at no known time" in answer.out
    assert "to go on" not in answer.out


@pytest.mark.parametrize("what", ["trials", "parallel", "hyperparameters"])
def test_figures_of_a_search(make_search, typed, tmp_path, what):
    search = make_search(folder=tmp_path)
    answer = typed("figure", what, "runs/wide")
    assert (answer.code, answer.out) == (0, f"runs/wide/{what}.png\n")
    assert (search.path / f"{what}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("what", "name", "begins"),
    [
        ("trials", "a.svg", b"<?xml"),
        ("parallel", "new/a.PDF", b"%PDF"),
        ("hyperparameters", "a.pdf", b"%PDF"),
    ],
)
def test_figures_go_where_they_are_wanted(make_search, typed, tmp_path, what, name, begins):
    make_search(folder=tmp_path)
    assert typed("figure", what, "runs/wide", "--out", name).out == f"{name}\n"
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize("what", ["trials", "parallel", "hyperparameters"])
def test_what_cannot_be_drawn_is_one_line(make_search, make_run, typed, tmp_path, what):
    make_search(TRIALS[3:], folder=tmp_path)
    make_run("one")
    for words, message in (
        (("runs/wide",), "runs/wide: no trial has an objective yet, so there is nothing to draw"),
        (("runs/one",), "runs/one: has no search.json, so it is no search"),
        (("missing",), "missing: does not exist; ris-tf tune makes a search"),
        (("runs/wide", "--out", "a.jpg"), "--out a.jpg: must end in .png, .svg, .pdf"),
    ):
        answer = typed("figure", what, *words)
        assert (answer.code, answer.out, answer.err) == (2, "", f"ris-tf: {message}\n")
    assert not list((tmp_path / "runs" / "wide").glob("*.png"))


def test_a_search_of_no_hyperparameters_has_trials_only(make_search, typed, tmp_path):
    make_search([Trial(1, {}, TrialState.FINISHED, 0.5)], {}, tmp_path)
    assert typed("figure", "trials", "runs/wide").code == 0
    refused = typed("figure", "parallel", "runs/wide")
    assert refused.code == 2
    assert "names no hyperparameters" in refused.err


def test_damaged_search_is_one_line(make_search, typed, tmp_path):
    search = make_search(folder=tmp_path)
    (search.path / "search.json").write_text("torn")
    for words in (("show",), ("figure", "trials")):
        answer = typed(*words, "runs/wide")
        assert (answer.code, answer.out) == (2, "")
        assert re.fullmatch(r"ris-tf: runs/wide/search\.json: not readable .*\n", answer.err)
