"""What can be done to plots: enlarge, box, menu, ranges, copies, pictures; their matrix."""

import csv
import io

import numpy as np
import pytest
from driven import SOON_MS
from pixels import coverage, screen, wheel
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from gui.models.groups import grouped, keys_to_group_by
from gui.models.panels import Curve, Options, Panel, distinct, loss_panels, runs_of
from gui.models.sheaf import sheaf_of
from gui.models.sight import NOTHING, XView, drawn, ends_of, fitted, has_data
from gui.models.smoothing import Smoother
from gui.plots.legend import entries_of
from gui.plots.menu import PlotMenu, RangeDialog
from gui.plots.picture import image_of, svg_of
from gui.tabs.gradients import GradientsTab
from gui.tabs.loss import LossTab
from ris_tf.config import parse_config

BLUE, ORANGE = "#0072B2", "#D55E00"


@pytest.fixture
def shown(qtbot, fake_run):
    """The Loss tab with two runs."""
    a = fake_run("first <b>", windows=200).train(200).end().view("first <b>", BLUE)
    b = fake_run("second", windows=120).train(120).end().view("second", ORANGE)
    tab = LossTab()
    qtbot.addWidget(tab)
    tab.resize(1000, 640)
    tab.show_runs([a, b])
    tab.show()
    qtbot.waitExposed(tab)
    screen(tab)
    return tab


def choose(tab, plot, text):
    menu = PlotMenu(tab.grid, plot)
    (action,) = [a for a in menu.actions() if a.text().replace("&", "") == text]
    action.trigger()
    screen(tab)


def curve(y, x=None, run="a", name="loss", **more):
    y = np.asarray(y, float)
    x = np.arange(float(len(y))) if x is None else np.asarray(x, float)
    return Curve(name, run, BLUE, x, y, **more)


def test_a_double_click_and_the_keys_enlarge_and_restore(shown):
    first, second = shown.grid.plots()[:2]
    height = second.height()
    QTest.mouseDClick(second, Qt.MouseButton.LeftButton, pos=QPoint(90, 60))
    screen(shown)
    assert not first.isVisible()
    assert second.height() > 2 * height
    shown.show_runs(shown.runs)
    assert not first.isVisible(), "what comes in leaves it alone"
    QTest.mouseDClick(second, Qt.MouseButton.LeftButton, pos=QPoint(90, 60))
    screen(shown)
    assert first.isVisible()
    QTest.keyClick(first, Qt.Key.Key_Return)
    assert shown.grid.enlarged == first.title
    QTest.keyClick(first, Qt.Key.Key_Escape)
    assert shown.grid.enlarged is None


def test_the_total_loss_is_large_and_plots_keep_a_height(shown):
    shown.resize(760, 300)
    screen(shown)
    plots = shown.grid.plots()
    assert plots[0].width() > 1.8 * plots[1].width()
    assert plots[0].height() > 1.3 * plots[1].height()
    assert min(plot.height() for plot in plots) >= 130
    assert shown.grid._area.verticalScrollBar().maximum() > 0


def test_the_wheel_zooms_and_with_a_modifier_scrolls(shown):
    shown.resize(760, 300)
    screen(shown)
    plot, bar = shown.grid.plots()[0], shown.grid._area.verticalScrollBar()
    wheel(plot, -1, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert shown.grid.view.span is None
    wheel(plot, 1)
    low, high = shown.grid.view.span
    assert high - low == pytest.approx(0.8 * (ends_of(shown.grid.panels)[1] + 3), rel=0.1)
    assert bar.value() == 0
    for _ in range(6):
        wheel(plot, -1)
    assert shown.grid.view.span is None, "wider than all there is"


def test_dragging_moves_never_to_where_nothing_is(shown):
    plot = shown.grid.plots()[0]
    shown.grid.zoom((50, 100))
    screen(shown)
    middle = plot.frame.inner.center().toPoint()
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(plot, middle + QPoint(-60, 0))
    low, high = shown.grid.view.span
    assert (high - low) == pytest.approx(50)
    assert low > 52
    QTest.mouseMove(plot, middle + QPoint(-6000, 0))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=middle)
    assert shown.grid.view.span[1] <= shown.grid.view.ends[1]
    assert has_data(shown.grid.panels, shown.grid.view.span)
    assert coverage(plot, "first <b>") > 0.9


def test_a_box_is_zoomed_into(shown):
    plot = shown.grid.plots()[0]
    frame = plot.frame
    corner = QPoint(int(frame.inner.left()) + 100, int(frame.inner.top()) + 20)
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, shift, corner)
    QTest.mouseMove(plot, corner + QPoint(150, 80))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, shift, corner + QPoint(150, 80))
    screen(shown)
    expected = [frame.x.value(corner.x()), frame.x.value(corner.x() + 150)]
    np.testing.assert_allclose(shown.grid.view.span, expected, rtol=1e-6)
    expected = [frame.y.value(corner.y() + 80), frame.y.value(corner.y())]
    np.testing.assert_allclose(plot.y_range, expected, rtol=1e-6)
    shown.grid.fit()
    screen(shown)
    assert plot.choice.y_range is None


def test_the_menu_chooses_axes_of_one_plot_and_of_all(shown):
    plots = shown.grid.plots()
    choose(shown, plots[1], "Logarithmic y")
    assert [plot.frame.y.log for plot in plots[:3]] == [False, True, False]
    shown.show_runs(shown.runs)
    screen(shown)
    assert plots[1].frame.y.log, "it stays with what comes in"
    choose(shown, plots[0], "Logarithmic x")
    assert all(plot.frame.x.log for plot in plots if plot.frame)
    for plot in plots[:2]:
        assert coverage_of_log(plot) > 0.9
    choose(shown, plots[0], "Logarithmic x")
    choose(shown, plots[1], "Logarithmic y")
    assert not plots[1].frame.y.log
    assert not plots[1].frame.x.log


def coverage_of_log(plot):
    """A logarithmic axis begins at the first step above 0."""
    x = plot.view.scale(0, 1)
    assert x.value(0) == pytest.approx(1, rel=1e-6)
    return coverage(plot)


def test_ranges_that_are_typed(shown, qtbot):
    dialog = RangeDialog(shown, None, None)
    qtbot.addWidget(dialog)
    assert dialog.range("x") is None
    for field, text in zip(dialog.fields["y"], ("0.5", "2.5"), strict=True):
        field.setText(text)
    assert dialog.range("y") == (0.5, 2.5)
    dialog.fields["y"][0].setText("3")
    assert dialog.range("y") is None, "no range"


def test_pictures_and_data_are_copied(shown):
    plot = shown.grid.plots()[1]
    choose(shown, plot, "Copy data")
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert rows[0] == ["plot", "curve", "run", "x", "value"]
    assert {row[2] for row in rows[1:]} == {"first <b>", "second"}
    choose(shown, plot, "Copy picture")
    assert not QGuiApplication.clipboard().image().isNull()


def test_saving_asks_for_the_plot_that_was_clicked(shown, qtbot):
    plot = shown.grid.plots()[1]
    with qtbot.waitSignal(shown.save_wanted) as wanted:
        choose(shown, plot, "Save…")
    assert wanted.args == [plot.title]


def test_pictures_are_white_and_name_their_runs(shown):
    from gui.theme import DARK

    shown.restyle(DARK)
    drawing = svg_of(shown.grid.plots()[:1]).decode()
    assert ">first &lt;b&gt;</text>" in drawing
    assert ">second</text>" in drawing
    assert BLUE.lower() in drawing.lower(), "the colour on white, not that of the dark theme"
    image = image_of(shown.plots())
    assert image.pixelColor(2, 2).name() == "#ffffff"
    assert image.pixelColor(image.width() - 3, image.height() - 3).name() == "#ffffff"


def test_the_plots_say_whose_they_are(shown):
    assert "second" in shown.grid.header.accessibleName()
    shown.show_runs(shown.runs[1:])
    assert "first" not in shown.grid.header.accessibleName()


def test_a_curve_that_is_pointed_at_stands_out(shown):
    plot = shown.grid.plots()[0]
    found = next(d for d in plot._curves if d.curve.run == "second")
    place = len(found.x) // 3
    x = plot.frame.x.pixels(found.x[place : place + 1])[0]
    y = plot.frame.y.pixels(found.y[place : place + 1])[0]
    assert plot.curve_at(QPointF(x, y - 1)) in (("second", None), ("first <b>", None))
    assert plot.curve_at(QPointF(x, y - 60)) is None
    shown.grid.lift(("second", None))
    assert coverage(plot, "second") > 0.9


def test_the_matrix_has_terms_down_and_runs_across(shown, qtbot):
    model = shown.readout.model
    assert [column.run for column in model.matrix.columns] == ["first <b>", "second"]
    assert [row.title for row in model.matrix.rows] == ["loss", "covariance", "subspace", "angle"]
    shown.grid.cross(100.0)
    assert model.index(0, 0).data() == model.index(0, 1).data() == "1.099"
    shown.grid.cross(150.0)
    assert model.index(0, 1).data() == "–", "it ended before"
    shown.readout.table.across.sectionClicked.emit(0)
    qtbot.waitUntil(lambda: [run.label for run in shown.runs] == ["second"], timeout=SOON_MS)
    assert [column.on for column in model.matrix.columns] == [False, True]
    shown.readout.table.setCurrentIndex(model.index(1, 0))
    QTest.keyClick(shown.readout.table, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: len(shown.runs) == 2, timeout=SOON_MS)
    QTest.keyClick(shown.readout.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "covariance" in shown.options.hidden, timeout=SOON_MS)


def test_what_diverged_is_marked_and_said(qtbot, fake_run):
    run = fake_run("a", windows=60).train(40)
    row = run.row
    run.row = lambda step, dropped: [np.nan, *row(step, dropped)[1:]]
    tab = LossTab()
    qtbot.addWidget(tab)
    tab.show_runs([run.train(5).view()])
    plot = tab.grid.plots()[0]
    loss = plot.content(QRectF(0, 0, 400, 200), plot.look).sight.curves[0]
    assert loss.ended == (39, pytest.approx(1.25))
    assert tab.readout.model.index(0, 0).data() == "not finite"


def test_layers_of_the_chosen_run(qtbot, fake_run):
    views = [fake_run(name).train(n).view(name) for name, n in (("a", 9), ("b", 30))]
    tab = GradientsTab()
    qtbot.addWidget(tab)
    tab.show_runs(views)
    assert tab.layers.run == "a"
    tab.of.setCurrentIndex(1)
    assert tab.layers.run == "b"
    assert tab.layers.image.ends == (0, 29)
    tab.show_runs(views)
    assert tab.layers.run == "b", "the choice stays"
    assert tab.table(tab.layers.title).count("\n") == 31


def test_groups_have_a_mean_and_a_spread(fake_run):
    def view(name, seed, rate):
        config = parse_config({"seed": seed, "training": {"learning_rate": rate}})
        return fake_run(name, config).train(20).view(name)

    views = [view("a", 1, 1e-3), view("b", 2, 1e-3), view("c", 3, 1e-2)]
    assert keys_to_group_by(views) == ["training.learning_rate"], "seeds are all different"
    assert keys_to_group_by(views[:2]) == []
    values = {"a": 1.0, "b": 3.0, "c": 7.0}
    curves = tuple(curve(np.full(20, value), run=run) for run, value in values.items())
    (panel,) = grouped([Panel("p", "", curves)], views, "training.learning_rate")
    found = {c.run: c for c in panel.curves}
    assert set(found) == {"learning_rate = 0.001", "learning_rate = 0.01"}
    np.testing.assert_allclose(found["learning_rate = 0.001"].y, 2)
    np.testing.assert_allclose(found["learning_rate = 0.001"].band[0], 1)
    np.testing.assert_allclose(found["learning_rate = 0.001"].band[1], 3)
    assert found["learning_rate = 0.01"].band is None, "one run has no spread"


def test_fifty_runs_differ_by_colour_and_dashes(fake_run):
    run = fake_run("a").train(12)
    from gui.models.palette import COLOURS

    views = [run.view(f"run {i}", COLOURS[i % 10]) for i in range(1)]
    views = [
        type(views[0])(**{**vars(views[0]), "label": f"run {i}", "colour": COLOURS[i % 10]})
        for i in range(40)
    ]
    panels = distinct(loss_panels(views, Options(), Smoother(0)), views)
    lines = [c for c in panels[0].curves if not c.points]
    assert len({(c.colour, c.style) for c in lines}) == 40
    assert len(runs_of(panels)) == 40


def test_names_of_curves_stand_in_their_plot():
    several = Panel("p", "", (curve([1, 2], name="a"), curve([2, 1], name="b")))
    assert [name for name, _, _ in entries_of(several)] == ["a", "b"]
    assert entries_of(Panel("p", "", (curve([1, 2]),))) == []


def test_y_follows_what_is_in_sight_calmly():
    panel = Panel("p", "", (curve(np.linspace(0, 1, 100)),))
    curves = drawn(panel, (0, 99), 300)
    low, high = fitted(curves, panel, clip=False, before=None)
    assert low < 0
    assert high > 1
    assert fitted(curves, panel, False, (low, high)) == (low, high)
    assert fitted(curves, panel, False, (low - 5, high + 5)) != (low - 5, high + 5)
    logarithmic = Panel("p", "", (curve([1e-3, 10.0, -1.0, 0.0]),), log=True)
    low, high = fitted(drawn(logarithmic, (0, 3), 300), logarithmic, False, None)
    assert (low, high) == (pytest.approx(-3.24), pytest.approx(1.24))


@pytest.mark.parametrize("y", [[], [np.nan] * 5, [np.inf, -np.inf], [0.0] * 5, [1e300, -1e300]])
def test_any_values_make_a_range(y):
    for log in (False, True):
        panel = Panel("p", "", (curve(y),), log=log)
        low, high = fitted(drawn(panel, (0, 5), 100), panel, True, None)
        assert np.isfinite([low, high]).all()
        assert low < high


def test_ranges_stay_among_what_there_is():
    view = XView(ends=(0.0, 100.0))
    assert view.within((-50, 200)) is None
    assert view.within((-10, 20)) == (0, 30)
    assert view.within((90, 120)) == (70, 100)
    low, high = view.within((5.0, 5.0))
    assert low < high
    assert view.within((np.nan, 1)) is None
    assert ends_of([]) == NOTHING


def many(lengths, smooth=True):
    """A panel of as many runs as there are lengths, in three colours."""
    curves = []
    for i, n in enumerate(lengths):
        x = np.arange(float(n))
        y = np.sin(x / 50 + i)
        line = (x[::5], y[::5]) if smooth else None
        colour = ("#0072B2", "#D55E00", "#009E73")[i % 3]
        curves.append(Curve("loss", f"run-{i}", colour, x, y, line, style=i // 3))
    return Panel("loss", "loss", tuple(curves))


@pytest.mark.parametrize("span", [(-10.0, 900.0), (100.0, 140.0), (103.2, 103.4), (500.0, 2000.0)])
@pytest.mark.parametrize("smooth", [True, False])
def test_many_runs_side_by_side_are_cut_as_each_alone(span, smooth):
    """Cut all at once, every curve is the same line within the range as cut by itself."""
    panel = many([900, 400, 150, 1, 700, 90, 899, 300], smooth)
    sheaf = sheaf_of(panel)
    together, alone = sheaf.sight(span, 4000), drawn(panel, span, 4000)
    assert {d.curve.run for d in together.curves} == {d.curve.run for d in alone.curves}
    at = np.linspace(*span, 101)
    for cut in together.curves:
        other = next(d for d in alone.curves if d.curve is cut.curve)
        whole = cut.curve.smooth or (cut.curve.x, cut.curve.y)
        inside = at[(at >= whole[0][0]) & (at <= whole[0][-1])]
        for found in (cut, other) if len(inside) else ():
            values = np.interp(inside, found.x, found.y)
            np.testing.assert_allclose(values, np.interp(inside, *whole), atol=1e-12)


def test_many_runs_keep_a_value_for_each_pixel_at_most_and_their_last_ones():
    panel = many([900] * 12)
    cut = sheaf_of(panel).sight((-10.0, 900.0), 60)
    assert all(45 <= len(d.x) <= 120 for d in cut.curves)
    assert all(d.x[-1] == 895 for d in cut.curves)
    assert np.isnan(cut.x[cut.ends]).all() and np.isfinite(np.delete(cut.y, cut.ends)).all()
    colours = [d.curve.colour for d in cut.curves]
    assert colours == sorted(colours, key=colours.index), "those of a colour are neighbours"


def test_few_runs_and_very_long_ones_are_cut_one_by_one():
    assert sheaf_of(many([100] * 3)) is None
    assert sheaf_of(many([100_000] * 8, smooth=False)) is None
