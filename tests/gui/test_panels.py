"""Which curves stand where, with which values, marks and words."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from gui.models.configurations import compare, flat
from gui.models.followed import FollowedRun, RunView
from gui.models.layers import layer_image
from gui.models.marks import dropped, marks_of, position_text, value_at
from gui.models.panels import Options, gradient_panels, loss_panels, schedule_panels, terms_off
from gui.models.smoothing import Smoother
from gui.models.tables import panels_csv
from gui.models.words import duration, moment, number
from ris_tf.config import Config, parse_config
from ris_tf.runlog import Notice, RunLog, Series, Steps

RAW = Smoother(0)
FOLDER = Path("run")


@pytest.fixture
def view(fake_run):
    return fake_run().train(12, dropped=(4,)).phase("SWA begins").train(13).view()


def two_windows(*values):
    return Steps(np.arange(2), np.zeros(2, int), np.arange(2.0), np.array(values, float))


def curve(panels, name, points=False):
    found = [c for p in panels for c in p.curves if c.name == name and c.points == points]
    assert len(found) == 1
    return found[0]


def test_every_term_has_a_plot(view):
    panels = loss_panels([view], Options(), RAW)
    assert [p.curves[0].name for p in panels] == ["loss", "covariance", "subspace", "angle"]
    np.testing.assert_allclose(curve(panels, "subspace").y, 0.5 + 5 / np.arange(1, 26), rtol=1e-5)
    validation = curve(panels, "loss", points=True)
    np.testing.assert_array_equal(validation.x, [9, 19])
    np.testing.assert_array_equal(validation.y, [2, 1.5])


def test_weighted_terms_are_at_their_weights(view):
    panels = loss_panels([view], Options(weighted=True), RAW)
    raw = loss_panels([view], Options(), RAW)
    np.testing.assert_allclose(
        curve(panels, "subspace").y, 0.05 * curve(raw, "subspace").y, rtol=1e-5
    )


def test_all_in_one_plot_are_distinct(view):
    (panel,) = loss_panels([view], Options(together=True), RAW)
    drawn = [c for c in panel.curves if not c.points]
    assert len({(c.colour, c.style) for c in drawn}) == len(drawn) == 4


def test_terms_can_be_hidden_and_those_of_weight_0_are_off(fake_run):
    config = parse_config({"objective": {"weights": {"angle": 0.0}}})
    view = fake_run("a", config).train(5).view()
    assert terms_off([view]) == ["angle"]
    panels = loss_panels([view], Options(hidden=frozenset({"covariance"})), RAW)
    assert [p.curves[0].name for p in panels] == ["loss", "subspace"]


def test_runs_are_overlaid(fake_run):
    views = [
        fake_run(name).train(n).view(name, colour)
        for name, n, colour in (("a", 5, "#0072B2"), ("b", 9, "#D55E00"))
    ]
    panels = loss_panels(views, Options(), RAW)
    assert [(c.run, len(c.x)) for c in panels[0].curves] == [("a", 5), ("b", 9)]
    (together,) = loss_panels(views, Options(together=True), RAW)
    assert {c.run: c.style for c in together.curves} == {"a": 0, "b": 1}


def test_gradients_with_threshold_and_share_clipped(view):
    panels = gradient_panels([view], Options(), RAW)
    assert panels[0].levels == (1.0,)
    share = curve(panels, "share clipped").y
    assert share[0] == 1
    assert share[-1] == pytest.approx(13 / 25)  # every other window, from the first


def test_schedules(view):
    panels = schedule_panels([view], Options())
    np.testing.assert_array_equal(curve(panels, "optimizer iterations").y, np.arange(1, 26))
    assert {c.name for c in panels[1].curves} == {"covariance", "subspace", "angle"}


def test_marks_have_their_reasons(view):
    marks = {(m.x, m.kind): m.text for m in marks_of(view, Options())}
    assert marks[4.0, "dropped"] == "heads/dense/kernel is not finite at scale 1024"
    assert marks[12.0, "phase"] == "SWA begins"
    assert [x for x, kind in marks if kind == "epoch"] == [9, 19]


def test_values_at_the_crosshair_are_exact(view):
    loss = curve(loss_panels([view], Options(), RAW), "loss")
    assert value_at(loss, 9.4) == pytest.approx(2.0)
    assert np.isnan(value_at(loss, 26))
    assert position_text(view, 4.2, Options()) == "window 4 · epoch 1 · after 0:04 · dropped"


def test_layers_as_an_image(view):
    image = layer_image(view.log, view.x("step"), columns=5)
    assert image.layers == ["encoder/conv", "heads/dense"]
    np.testing.assert_allclose(image.decades[0], -1, atol=1e-6)
    largest = np.log10([4e-3, 9e-3, 1.4e-2, 1.9e-2, 2.5e-2])  # up to the window that ends it
    np.testing.assert_allclose(image.decades[1], largest, rtol=1e-6)
    assert image.ends == (0, 24)
    near = layer_image(view.log, view.x("step"), span=(3, 5))
    np.testing.assert_allclose(10 ** near.decades[1], [4e-3, 4e-3, 6e-3], rtol=1e-5)


def test_layers_stand_where_the_curves_do():
    """In hours, a slow half of a run takes most of the picture."""
    log, steps = RunLog(), np.arange(100)
    log.append(Series(["layer/a"]))
    norms = np.where(steps < 50, 1.0, 10.0)[:, None]
    log.append(Steps(steps, steps, np.where(steps < 50, 9.0 * steps, 450.0 + steps - 50), norms))
    image = layer_image(log, log.times, columns=100)
    assert np.argmax(image.decades[0] > 0.5) == pytest.approx(90, abs=1)


def test_tables_have_every_value(view):
    panels = loss_panels([view], Options(), Smoother(0.3))
    rows = list(csv.reader(io.StringIO(panels_csv(panels))))
    assert rows[0] == ["plot", "curve", "run", "x", "value"]
    losses = [float(r[4]) for r in rows if r[1] == "loss"]
    np.testing.assert_allclose(losses, 1 + 10 / np.arange(1, 26), rtol=1e-5)


def test_empty_and_unreadable_runs_have_no_curves_and_raise_nothing(fake_run):
    run = fake_run("a")
    (run.path / "config.yaml").unlink()
    view = FollowedRun(run.path, "a", "#000000").poll()
    for panels in (
        loss_panels([view], Options(), RAW),
        gradient_panels([view], Options(), RAW),
        schedule_panels([view], Options()),
    ):
        assert all(not len(c.x) for p in panels for c in p.curves)
    assert layer_image(view.log, view.x("step")) is None
    assert marks_of(view, Options()) == []


def test_configurations_side_by_side():
    other = parse_config({"network": {"kind": "reference"}, "training": {"epochs": 3}})
    settings = [flat(config.model_dump(mode="json")) for config in (Config(), other)]
    found = {entry.path: entry for entry in compare(settings, [True, True])}
    assert found["training.epochs"].values == ("60", "3")
    assert found["training.epochs"].differs
    assert not found["seed"].differs
    assert found["network.heads"].values == ("", "8")
    assert found["network.planes_m"].values[1] == ""


def test_configurations_of_other_models_are_as_they_stand(model_run):
    view = model_run().train(1).view()
    found = compare([view.configuration], [False])
    assert [(e.path, *e.values, e.default) for e in found] == [
        ("precision", "mixed_float16", ""),
        ("accumulation", "4", ""),
        ("clip_norm", "0.5", ""),
        ("groups.body", "1", ""),
    ]
    assert not any(entry.changed for entry in found)
    ours = flat(Config().model_dump(mode="json"))
    both = {e.path: e for e in compare([ours, view.configuration], [True, False])}
    assert both["training.epochs"].values == ("60", "")
    assert both["accumulation"].values == ("", "4")
    assert both["training.epochs"].default == "60"


def test_other_models_have_their_own_names(model_run):
    """No word of localization: a term called `range` is theirs, not the distance of a source."""
    view = model_run().train(25).view()
    panels = loss_panels([view], Options(), RAW)
    assert [p.title for p in panels[1:]] == [
        "cross_entropy", "range", "sparsity", "accuracy (validation)",
    ]  # fmt: skip
    np.testing.assert_allclose(curve(panels, "accuracy", points=True).y, [0.5, 0.75])
    np.testing.assert_allclose(curve(panels, "cross_entropy", points=True).y, 1.9)
    assert terms_off([view]) == []
    raw, weighted = (
        [c.y for p in loss_panels([view], Options(weighted=on), RAW) for c in p.curves]
        for on in (False, True)
    )
    np.testing.assert_array_equal(np.concatenate(raw), np.concatenate(weighted))
    gradients = gradient_panels([view], Options(), RAW)
    assert gradients[0].levels == (0.5,)
    assert [c.name for c in gradients[1].curves] == ["body", "classifier"]
    schedules = schedule_panels([view], Options())
    assert [p.title for p in schedules] == ["learning rates", "updates applied"]
    assert [c.name for c in schedules[0].curves] == ["body", "classifier"]
    image = layer_image(view.log, view.x("step"))
    assert image.layers == ["conv_1", "conv_2", "classifier"]
    assert len(view.checks) == 11
    assert all(check.passed or check.level == "unknown" for check in view.checks)


def test_runs_of_two_kinds_are_compared_where_they_have_the_same(fake_run, model_run):
    ours, theirs = fake_run("ours").train(12).view(), model_run("theirs").train(12).view()
    panels = {p.title: p for p in loss_panels([ours, theirs], Options(), RAW)}
    runs = {title: {c.run for c in panel.curves} for title, panel in panels.items()}
    assert runs["total loss (dots: validation)"] == {"ours", "theirs"}
    assert runs["covariance NMSE"] == {"ours"}
    assert runs["range"] == runs["accuracy (validation)"] == {"theirs"}
    gradients = gradient_panels([ours, theirs], Options(), RAW)
    assert gradients[0].levels == (1.0, 0.5)
    groups = {(c.run, c.name) for c in gradients[1].curves}
    assert groups == {
        ("ours", "backbone"), ("ours", "head"), ("theirs", "body"), ("theirs", "classifier"),
    }  # fmt: skip
    beta = [p for p in schedule_panels([ours, theirs], Options()) if p.title.startswith("beta")]
    assert [c.run for p in beta for c in p.curves] == ["ours"]


def test_a_term_of_a_plug_in_goes_by_its_name_and_weight():
    log = RunLog()
    log.append(Series(["loss", "term/entropy", "term/still", "weight/entropy", "weight/still"]))
    log.append(two_windows([1, 2, 3, 4, 0], [1, 2, 3, 4, 0]))
    view = RunView(FOLDER, "a", "#000000", log=log)
    panels = loss_panels([view], Options(weighted=True), RAW)
    assert [p.title for p in panels] == ["total loss (dots: validation)", "entropy"]
    np.testing.assert_array_equal(panels[1].curves[0].y, [8, 8])
    assert terms_off([view]) == ["still"]


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (Notice(0.0, "warning", "", "dropped", {"window": 1.0, "variable": "loss"}),
         "loss is not finite at scale 64"),
        (Notice(0.0, "warning", "", "dropped", {"window": float("nan"), "variable": "loss"}),
         "not finite at scale 64"),
        (Notice(0.0, "warning", "", "dropped", {"window": "1", "variable": 7.0}),
         "not finite at scale 64"),
        (Notice(0.0, "warning", "window 1 dropped: a is not finite at scale 64"),
         "not finite at scale 64"),
    ],
)  # fmt: skip
def test_what_was_not_finite_is_read_from_values_never_from_words(notice, text):
    log = RunLog()
    log.append(Series(["ok", "scale"]))
    log.append(two_windows([1, 64], [0, 64]))
    log.append(notice)
    assert dropped(log) == [(1, text)]


def test_words():
    assert number(float("nan")) == "–"
    assert number(0.000123456) == "0.00012346"
    assert number(-1.5e-7) == "−1.5e−07"
    assert number(1234567.0) == "1,234,567"
    assert (duration(61), duration(3661), duration(90_000)) == ("1:01", "1:01:01", "1 d 01:00")
    assert moment(0) == ""
    assert moment(1e300) == ""
