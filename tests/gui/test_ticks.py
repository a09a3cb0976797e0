"""Labels of axes: none over another, and at least two wherever there is room."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.ticks import ticks_of, time_unit

LETTER, ROW = 7.0, 13.0


def along(text):
    return LETTER * len(text)


def upright(text):
    return ROW


def value(text):
    for suffix, factor in {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.items():
        if text.endswith(suffix):
            return factor * float(text[:-1].replace("−", "-"))
    return float(text.replace("−", "-"))


def assert_apart(ticks, low, high, pixels, extent):
    at = [(tick.at - low) / (high - low) * pixels for tick in ticks]
    for a, b, before, after in zip(at, at[1:], ticks, ticks[1:], strict=False):
        assert b - a >= (extent(before.text) + extent(after.text)) / 2 + 5
    assert all(-1 <= place <= pixels + 1 for place in at)


@given(
    st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(20, 2000),
    st.sampled_from([along, upright]),
)  # fmt: skip
def test_linear_labels(low, width, pixels, extent):
    high = low + width
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return
    ticks = ticks_of(low, high, pixels, extent)
    assert_apart(ticks, low, high, pixels, extent)
    for tick in ticks:
        assert value(tick.text) == pytest.approx(tick.at, abs=1e-3 * width)
    if extent is upright and pixels >= 120:
        assert len(ticks) >= 2


@given(st.floats(-12, 8), st.floats(0.002, 20), st.integers(60, 1000), st.just(upright))
def test_logarithmic_labels_below_a_decade_and_over_many(low, decades, pixels, extent):
    high = low + decades
    ticks = ticks_of(low, high, pixels, extent, log=True)
    assert_apart(ticks, low, high, pixels, extent)
    for tick in ticks:
        assert math.log10(value(tick.text)) == pytest.approx(tick.at, abs=1e-3)
    if pixels >= 120:
        assert len(ticks) >= 2, [tick.text for tick in ticks]


def test_steps_of_a_narrow_plot_do_not_touch():
    texts = [tick.text for tick in ticks_of(0, 44_000, 110, along)]
    assert texts == ["0", "20k", "40k"]


@pytest.mark.parametrize(
    ("hours", "factor", "unit"),
    [(78 / 3600, 3600, "s"), (119 / 3600, 3600, "s"), (0.5, 60, "min"), (1.9, 60, "min"),
     (3, 1, "h")],
)  # fmt: skip
def test_times_are_in_the_unit_that_people_use(hours, factor, unit):
    assert time_unit(hours) == (factor, unit)
    ticks = ticks_of(0, hours, 400, along, factor=factor)
    assert value(ticks[-1].text) == pytest.approx(factor * ticks[-1].at)
    assert len(ticks) > 2
    assert max(len(tick.text) for tick in ticks) <= 4


@pytest.mark.parametrize("span", [(0, 0), (1, 0), (math.nan, 1), (0, math.inf)])
def test_no_axis_no_labels(span):
    assert ticks_of(*span, 100, along) == []
