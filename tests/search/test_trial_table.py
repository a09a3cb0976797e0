"""A search's trials, whoever shows them: ranks, words, the best so far, the axes."""

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.search import (
    Choices,
    Range,
    Search,
    Trial,
    TrialState,
    Value,
    best_so_far,
    best_trial,
    parallel,
    rows_of,
    short_names,
    sorted_rows,
    trials_csv,
    value_text,
)

RATE, WIDTH, EMA = "training.learning_rate", "network.width", "training.ema"
SPACE = {WIDTH: Choices((448, 512)), RATE: Range(1e-4, 1e-2, log=True), EMA: Choices((True, 1))}
SEARCH = Search(algorithm="random", trials=8, space=SPACE)
NAN = math.nan


def trial(
    number, objective=NAN, state="finished", rate: Value = 1e-3, width=448, ema=True, **others
):
    given = {RATE: rate, WIDTH: width, EMA: ema}
    return Trial(
        number, given, TrialState(state), objective, path=Path(f"/s/trial_{number:04d}"), **others
    )


TRIALS = [
    trial(1, 0.9, started=100.0, ended=160.0, epochs=12),
    trial(2, 0.5, "pruned", reason="worse than the median", epochs=6),
    trial(3, 0.7, width=512),
    trial(4, state="failed", reason="not finite"),
    trial(5, 0.8),
    trial(6, state="running", started=150.0),
    trial(7, 0.1, "failed"),
]


def test_ranks_go_by_objective_of_those_that_finished():
    rows = rows_of(TRIALS, now=200.0)
    assert [(row.trial.number, row.rank) for row in rows] == [
        (3, 1), (5, 2), (1, 3), (2, 0), (4, 0), (6, 0), (7, 0),
    ]  # fmt: skip
    assert best_trial(TRIALS) == TRIALS[2]
    assert best_trial(TRIALS[3:4]) is None


def test_time_is_that_of_the_trial_or_until_now():
    seconds = {row.trial.number: row.seconds for row in rows_of(TRIALS, now=200.0)}
    assert seconds[1] == 60.0
    assert seconds[6] == 50.0
    assert math.isnan(seconds[3])
    backwards = replace(TRIALS[0], ended=50.0)
    assert math.isnan(rows_of([backwards], now=200.0)[0].seconds)


@pytest.mark.parametrize("descending", [False, True])
def test_rows_without_a_value_come_last_whichever_way(descending):
    rows = rows_of(TRIALS, now=200.0)
    ordered = [row.trial.number for row in sorted_rows(rows, "objective", descending)]
    known = [2, 3, 5, 1]
    assert ordered == [*(known[::-1] if descending else known), 4, 6, 7]


def test_any_values_can_be_sorted():
    values = [True, 3, 2.5, "b", None, (1, "a"), "a", (1, 2)]
    rows = rows_of([Trial(i, {"k": value}) for i, value in enumerate(values)], 0.0)
    shown = [row.trial.hyperparameters["k"] for row in sorted_rows(rows, "k")]
    assert shown == [True, 2.5, 3, "a", "b", (1, 2), (1, "a"), None]


def test_names_are_as_short_as_tells_them_apart():
    keys = ["objective.weights.range", "training.batch", "scene.range", "batch"]
    assert short_names(keys) == ["weights.range", "training.batch", "scene.range", "batch"]


def test_values_are_written_as_in_the_configuration():
    values = [None, True, 3e-4, 512, (32, 64), "beamspace"]
    assert [value_text(v) for v in values] == [
        "empty", "true", "0.0003", "512", "[32, 64]", "beamspace",
    ]  # fmt: skip


def test_best_so_far_falls_where_a_finished_trial_is_better():
    best = best_so_far(TRIALS)
    assert best.dots["finished"].x.tolist() == [1, 3, 5]
    assert best.dots["pruned"].y.tolist() == [0.5]
    assert best.dots["failed"].x.tolist() == [4, 7]  # 0.1 of a failed one is no objective
    assert (best.dots["failed"].y < 0.5).all()
    assert best.x.tolist() == [1, 3, 3, 5, 5, 7]
    assert best.y.tolist() == [0.9, 0.9, 0.7, 0.7, 0.7, 0.7]
    assert not best.log


def test_one_outlier_makes_the_axis_logarithmic():
    best = best_so_far([*TRIALS, trial(8, 80.0)])
    assert best.log
    assert 0 < best.rail < 0.5


def test_nothing_yet_is_nothing_to_draw():
    best = best_so_far([trial(1, state="running")])
    assert len(best.x) == 0
    assert all(len(dots.x) == 0 for dots in best.dots.values())


@given(
    st.lists(
        st.tuples(
            st.floats(-1e30, 1e30) | st.just(NAN), st.sampled_from([s.value for s in TrialState])
        ),
        max_size=8,
    )
)
def test_geometry_is_finite_and_within_the_axes(objectives):
    trials = [trial(i, value, state) for i, (value, state) in enumerate(objectives, 1)]
    best = best_so_far(trials)
    assert (np.diff(best.y) <= 0).all()
    assert (np.diff(best.x) >= 0).all()
    assert math.isfinite(best.rail)
    shown = parallel(SEARCH, trials)
    places = shown.places[np.isfinite(shown.places)]
    assert ((places >= 0) & (places <= 1)).all()
    counted = np.array([t.counts for t in shown.trials], bool)
    assert (np.isfinite(shown.level) == counted).all()
    ranked = [r for r in rows_of(trials, 0.0) if r.rank]
    assert len(ranked) == sum(t.counts for t in trials)


def test_axes_are_where_the_space_says():
    shown = parallel(SEARCH, TRIALS)
    width, rate, ema, objective = shown.axes
    assert [axis.label for axis in shown.axes] == ["width", "learning_rate", "ema", "objective"]
    assert width.ticks == ((0.0, "448"), (1.0, "512"))
    assert (rate.place(1e-4), rate.place(1e-3), rate.place(1e-2)) == pytest.approx((0, 0.5, 1))
    assert (ema.place(True), ema.place(1)) == (0, 1)  # two values, though equal to Python
    assert (objective.low, objective.high) == (0.5, 0.9)
    assert [t.number for t in shown.trials] == [1, 2, 3, 4, 5, 6, 7]
    assert shown.places[2].tolist() == pytest.approx([1, 0.5, 0, 0.5])
    assert np.isnan(shown.places[3, -1])
    assert np.isnan(shown.level[[1, 3, 5, 6]]).all()


def test_axes_are_widened_to_values_outside_the_space():
    shown = parallel(SEARCH, [trial(1, 0.5, rate=1e-6, width=640), trial(2, 0.6)])
    width, rate = shown.axes[:2]
    assert (rate.low, rate.high) == (1e-6, 1e-2)
    assert [words for _, words in width.ticks] == ["448", "512", "640"]
    assert shown.places[0, :2].tolist() == [1, 0]


def test_values_that_have_no_place_are_gaps():
    shown = parallel(SEARCH, [trial(1, 0.5, rate="fast"), trial(2, 0.6, rate=-1.0)])
    assert np.isnan(shown.places[:, 1]).all()
    shown = parallel(SEARCH, [Trial(1, {WIDTH: 448}, TrialState.FINISHED, 0.5)])
    assert np.isnan(shown.places[0, 1:3]).all()


def test_choices_that_are_not_known_are_those_seen():
    shown = parallel(Search(space={WIDTH: Choices(())}), TRIALS)
    assert shown.axes[0].categories == (448, 512)
    assert parallel(Search(space={WIDTH: Choices(())}), []).axes[0].ticks == ()


def test_an_outlier_stands_at_the_end_and_is_said_to_be_beyond():
    shown = parallel(SEARCH, [trial(i, 0.5 + 0.1 * i) for i in range(1, 6)] + [trial(9, 80.0)])
    axis = shown.axes[-1]
    assert axis.high < 2
    assert axis.ticks[-1][1].startswith("≥ ")
    assert shown.places[-1, -1] == 1
    assert shown.level[:5].max() < 1


def test_the_nearest_line_is_the_one_under_the_mouse():
    low, high = trial(1, 0.5, width=448), trial(2, 0.9, width=512)
    shown = parallel(SEARCH, [low, high])
    where = {"width": 60.0, "height": 200.0, "reach": 8.0}
    assert shown.nearest(0.0, 0.02, **where) == 0
    assert shown.nearest(0.0, 0.98, **where) == 1
    assert shown.nearest(0.0, 0.5, **where) is None
    assert parallel(SEARCH, []).nearest(0.0, 0.5, **where) is None
    assert parallel(Search(), [low]).nearest(0.0, 0.5, **where) is None


def test_table_of_all_values_has_every_digit():
    rows = rows_of([trial(1, 0.123456789012, rate=1 / 3), trial(2, state="failed")], 0.0)
    lines = list(csv.DictReader(io.StringIO(trials_csv(SEARCH, rows))))
    assert [line["objective"] for line in lines] == ["0.123456789012", ""]
    assert float(lines[0][RATE]) == 1 / 3
    assert (lines[0][WIDTH], lines[0][EMA], lines[1]["state"]) == ("448", "true", "failed")
