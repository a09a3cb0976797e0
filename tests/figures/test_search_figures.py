"""Figures of searches: what stands where, whatever was searched."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from ris_tf.figures import (
    hyperparameters_figure,
    parallel_figure,
    save_figure,
    save_search_figures,
    trials_figure,
)
from ris_tf.search import (
    Choices,
    Range,
    Search,
    SearchDirectory,
    Trial,
    TrialState,
)

RATE, WIDTH, EMA = "training.learning_rate", "network.width", "training.ema"
SPACE = {RATE: Range(1e-4, 1e-2, log=True), WIDTH: Choices((448, 512, 640))}
DEFAULTS = {RATE: 1e-3, WIDTH: 512}
NAN = math.nan
DRAW = (trials_figure, parallel_figure, hyperparameters_figure)


def trial(number, objective=NAN, state="finished", rate=2e-3, width=448):
    return Trial(number, {RATE: rate, WIDTH: width}, TrialState(state), objective)


TRIALS = [
    trial(1, 0.9, rate=1e-3, width=512),
    trial(2, 0.5, "pruned", rate=1e-2),
    trial(3, 0.7, width=512),
    trial(4, state="failed"),
    trial(5, 0.8, rate=1e-4, width=640),
    trial(6, state="running"),
]


@pytest.fixture(scope="module")
def make_search(tmp_path_factory):
    """Makes a search of trials, written and read again."""

    def make(trials=TRIALS, space=SPACE, defaults=DEFAULTS):
        path = tmp_path_factory.mktemp("searches") / "wide"
        search = SearchDirectory.create(path, Search(space=space, defaults=defaults))
        for one in trials:
            search.write_trial(one)
        return SearchDirectory.open(path)

    return make


def drawn(search, draw):
    figure = draw(search.search, search.trials())
    figure.draw_without_rendering()
    return figure


def named(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def test_dots_are_the_trials_and_the_step_is_the_best_of_them(make_search):
    axis = drawn(make_search(), trials_figure).axes[0]
    lines = named(axis)
    assert lines["finished"].get_xydata().tolist() == [[1, 0.9], [3, 0.7], [5, 0.8]]
    assert lines["pruned, of fewer epochs"].get_xydata().tolist() == [[2, 0.5]]
    step = lines["best so far"].get_xydata()
    assert (np.diff(step[:, 1]) <= 0).all()
    assert step[-1].tolist() == [5, 0.7]
    assert lines["best"].get_xydata().tolist() == [[3, 0.7]]
    assert [text.get_text() for text in axis.texts] == ["trial 3: 0.7"]


def test_shapes_alone_tell_the_states(make_search):
    lines = named(drawn(make_search(), trials_figure).axes[0])
    finished, pruned = lines["finished"], lines["pruned, of fewer epochs"]
    failed = lines["failed, no objective"]
    assert len({line.get_marker() for line in (finished, pruned, failed, lines["best"])}) == 4
    assert pruned.get_markerfacecolor() == "none"
    assert to_rgba(finished.get_markerfacecolor()) == to_rgba(finished.get_color())


def test_failed_trials_stand_above_all_objectives(make_search):
    """At the bottom they would look like the best."""
    axis = drawn(make_search(), trials_figure).axes[0]
    failed = named(axis)["failed, no objective"]
    place = failed.get_transform().transform(failed.get_xydata())
    finished = named(axis)["finished"]
    below = finished.get_transform().transform(finished.get_xydata())[:, 1].max()
    assert failed.get_xdata().tolist() == [4]
    assert below < place[0, 1] < axis.bbox.y1


def test_line_of_the_configuration_is_there_where_it_was_tried(make_search):
    label = "as configured, trial 1: 0.9"
    lines = named(drawn(make_search(), trials_figure).axes[0])
    assert list(lines[label].get_ydata()) == [0.9, 0.9]
    for search in (
        make_search(TRIALS[1:]),
        make_search(defaults={}),
        make_search(defaults={**DEFAULTS, EMA: True}),
        make_search([trial(1, 0.9, "pruned", 1e-3, 512)]),
    ):
        labels = named(drawn(search, trials_figure).axes[0])
        assert not any("configured" in str(label) for label in labels)


def test_true_is_not_one():
    search = Search(space={EMA: Choices((True, 1))}, defaults={EMA: True})
    one, true = (Trial(1, {EMA: v}, TrialState.FINISHED, 0.5) for v in (1, True))
    assert "as configured, trial 1: 0.5" not in named(trials_figure(search, [one]).axes[0])
    assert "as configured, trial 1: 0.5" in named(trials_figure(search, [true]).axes[0])


def test_best_line_is_on_top_and_thickest(make_search):
    axis = drawn(make_search(), parallel_figure).axes[0]
    behind, others = (a for a in axis.collections if isinstance(a, LineCollection))
    best = max(axis.get_lines(), key=lambda line: line.get_linewidth())
    assert best.get_ydata() == pytest.approx([0.5 + math.log10(2) / 2, 0.5, 0.5])
    assert (len(behind.get_segments()), len(others.get_segments())) == (1, 2)  # no failed one
    assert others.get_segments()[0][:, 1] == pytest.approx([0.5, 0.5, 1])  # the worst first
    assert best.get_linewidth() > max(*others.get_linewidths(), *behind.get_linewidths())
    assert best.get_zorder() >= others.get_zorder()
    # An objective of 0.5 was pruned: the least on the axis, and compared with no other.
    assert behind.get_segments()[0][:, 1] == pytest.approx([1, 0, 0])


def test_parallel_axes_are_named_and_the_colours_have_a_bar(make_search):
    axis, bar = drawn(make_search(), parallel_figure).axes
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == ["learning_rate", "width", "objective"]
    texts = [text.get_text() for text in axis.texts]
    assert texts[:6] == ["0.0001", "0.001", "0.01", "448", "512", "640"]
    assert bar.get_ylabel() == "objective"
    assert bar.get_ylim() == pytest.approx((0.5, 0.9))


def test_panels_have_the_scales_of_the_space(make_search):
    rate, width = drawn(make_search(), hyperparameters_figure).axes
    assert (rate.get_xscale(), width.get_xscale()) == ("log", "linear")
    assert [label.get_text() for label in width.get_xticklabels()] == ["448", "512", "640"]
    assert (rate.get_xlabel(), width.get_xlabel()) == ("learning_rate", "width")
    finished, _, pruned, _, best = rate.get_lines()
    assert finished.get_xydata().tolist() == [[1e-3, 0.9], [2e-3, 0.7], [1e-4, 0.8]]
    assert pruned.get_xydata().tolist() == [[1e-2, 0.5]]
    assert pruned.get_markerfacecolor() == "none"
    assert best.get_xydata().tolist() == [[2e-3, 0.7]]


def test_trials_of_a_category_stand_apart_but_within_it(make_search):
    many = [trial(n, 0.5, width=512) for n in range(1, 30)]
    width = hyperparameters_figure(make_search().search, many).axes[1]
    x = width.get_lines()[0].get_xdata()
    assert len(set(x)) == len(many)
    assert (abs(x - 1) < 0.2).all()


def test_an_outlier_is_marked_at_the_edge(make_search):
    many = [trial(n, 0.5 + n / 10) for n in range(1, 8)]
    figure = drawn(make_search([*many, trial(9, 80.0)]), hyperparameters_figure)
    panel = figure.axes[0]
    inside, beyond = panel.get_lines()[:2]
    assert len(inside.get_xdata()) == 7
    assert panel.get_ylim()[1] < 5
    assert beyond.get_ydata()[0] < panel.get_ylim()[1]
    assert beyond.get_marker() != inside.get_marker()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-1].startswith("above ")


@pytest.mark.parametrize("draw", DRAW)
def test_names_are_drawn_as_they_are(draw, tmp_path):
    """Two dollars are a formula to matplotlib, and a wrong one an exception."""
    words = ("a$_$b", r"$\frac$", "two\nlines")
    search = Search(name="cost$_$", space={"a.$^$": Choices(words)}, defaults={"a.$^$": words[0]})
    trials = [
        Trial(n, {"a.$^$": word}, TrialState.FINISHED, float(n)) for n, word in enumerate(words)
    ]
    figure = draw(search, trials)
    save_figure(figure, tmp_path / "a.svg")
    assert r"cost\$_\$" in figure.get_suptitle() + figure.axes[0].get_title()


def test_long_names_are_still_told_apart(make_search):
    keys = [f"network.{'long_' * 12}{n}" for n in range(3)]
    space = dict.fromkeys(keys, Range(0, 1))
    search = make_search([Trial(1, dict.fromkeys(keys, 0.5), TrialState.FINISHED, 1.0)], space)
    panels = drawn(search, hyperparameters_figure).axes
    names = [panel.get_xlabel() for panel in panels if panel.get_visible()]
    assert len(set(names)) == 3
    assert max(map(len, names)) < 30


def test_as_many_hyperparameters_and_trials_as_may_be():
    entries = [Range(1e-5, 1, log=True), Range(-3, 1e6), Choices((None, True, (32, 64), "text"))]
    space = {f"network.block.knob_{n}": entries[n % 3] for n in range(64)}
    values = [(1e-3, 5.0, None), (1e-1, 1e5, (32, 64)), (1.0, -3.0, True)]
    trials = [
        Trial(
            n,
            {key: values[(n + i) % 3][i % 3] for i, key in enumerate(space)},
            TrialState.FINISHED,
            1.0 + n % 7,
        )
        for n in range(1, 1001)
    ]
    figure = parallel_figure(Search(space=space), trials)
    figure.draw_without_rendering()
    axis = figure.axes[0]
    assert figure.get_figwidth() < 65535 / 100  # of which matplotlib makes no PNG
    edges = [text.get_window_extent() for text in axis.texts]
    apart = axis.transData.transform([(0, 0), (1, 0)])[:, 0] @ [-1, 1]
    assert max(box.width for box in edges) < apart
    panels = hyperparameters_figure(Search(space=space), trials[:100]).axes
    assert len(panels) == 64


scalars = st.none() | st.booleans() | st.floats(-1e30, 1e30) | st.text(max_size=60)
objectives = st.floats(-1e30, 1e30) | st.sampled_from([NAN, 0.0, 1.0])
written = st.sampled_from([state for state in TrialState if state != TrialState.LOST])


@settings(max_examples=5, deadline=None)
@given(
    choices=st.lists(scalars | st.lists(scalars, max_size=4).map(tuple), min_size=1, max_size=12),
    bounds=st.tuples(st.floats(1e-30, 1), st.floats(2, 1e30), st.booleans()),
    found=st.lists(st.tuples(objectives, written, st.integers(0, 11)), max_size=6),
)
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_whatever_was_searched_can_be_drawn(make_search, choices, bounds, found):
    space = {"a": Choices(tuple(choices)), "b": Range(*bounds)}
    trials = [
        Trial(n, {"a": choices[i % len(choices)], "b": bounds[i % 2]}, state, objective)
        for n, (objective, state, i) in enumerate(found, 1)
    ]
    search = make_search(trials, space, {"a": choices[0], "b": bounds[0]})
    for draw in DRAW:
        figure = drawn(search, draw)
        for axis in figure.axes:
            assert np.isfinite([*axis.get_xlim(), *axis.get_ylim()]).all()


def test_figures_of_a_search_are_written_into_its_folder(make_search):
    search = make_search()
    paths = save_search_figures(search)
    assert paths == [search.path / f"{n}.png" for n in ("trials", "parallel", "hyperparameters")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_nothing_to_draw_writes_nothing(make_search):
    search = make_search([trial(1, state="failed"), trial(2, state="running")])
    assert save_search_figures(search) == []
    assert not list(search.path.glob("*.png"))
    without = make_search([Trial(1, {}, TrialState.FINISHED, 1.0)], space={})
    assert [path.name for path in save_search_figures(without)] == ["trials.png"]
