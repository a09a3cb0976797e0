"""Every knob is described, and its default is allowed."""

import operator

import pytest
from every_knob import KNOBS, NAMES

from ris_tf.config import Knob

HOLDS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
UNITS = {"_deg": "deg", "_m": "m", "_db": "dB", "_rad": "rad"}

each_knob = pytest.mark.parametrize("knob", KNOBS, ids=NAMES)


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@each_knob
def test_knob_is_described(knob: Knob) -> None:
    assert knob.sentence[0].isupper()
    assert knob.sentence.endswith(".")
    if knob.type == "choice":
        assert knob.choices
    elif knob.type not in ("bool", "str"):
        lower, upper = {"ge", "gt"}, {"le", "lt"}
        assert {name for name, _ in knob.bounds} & lower
        assert {name for name, _ in knob.bounds} & upper


@each_knob
def test_unit_agrees_with_name(knob: Knob) -> None:
    for suffix, unit in UNITS.items():
        if knob.path.endswith(suffix):
            assert knob.unit == unit


@each_knob
def test_default_is_allowed(knob: Knob) -> None:
    if knob.default is None:
        assert knob.optional
        return
    if knob.choices:
        assert knob.default in knob.choices
    values = knob.default if isinstance(knob.default, tuple) else (knob.default,)
    for name, bound in knob.bounds:
        assert all(HOLDS[name](value, bound) for value in values)
