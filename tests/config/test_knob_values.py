"""What each knob refuses, and the line that says so. One case for every knob of the schema."""

import math
import re
from typing import Any

import pytest
import yaml
from every_knob import KNOBS, NAMES, setting

from ris_tf.config import ConfigError, Knob, parse_config
from ris_tf.config.errors import BOUNDS, number

BOUNDED = [(knob, name, bound) for knob in KNOBS for name, bound in knob.bounds]
BOUND_IDS = [f"{knob.variant or ''}:{knob.path}:{name}" for knob, name, _ in BOUNDED]
WRONG_TYPES = {
    "int": [("1", "a whole number"), (1.5, "a whole number"), (True, "a whole number")],
    "float": [("1", "a number"), ([], "a number"), (False, "a number")],
    "bool": [(1, "true or false"), ("true", "true or false")],
    "str": [(1, "text"), ([], "text"), (True, "text")],
    "choice": [("nonsense", "one of"), (-1, "one of"), (None, "one of")],
    "list": [(3, "a list"), ("ab", "a list"), ({}, "a list")],
    "names": [(3, "a list"), ("ab", "a list"), ({}, "a list"), (None, "a list")],
    "interval": [(3, "a list"), (None, "a list")],
}

each_knob = pytest.mark.parametrize("knob", KNOBS, ids=NAMES)
each_bound = pytest.mark.parametrize(("knob", "name", "bound"), BOUNDED, ids=BOUND_IDS)


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(document, "my.yaml")
    line = str(caught.value)
    assert line.isprintable()
    return line


def beside(knob: Knob, bound: float, direction: int) -> float:
    """The next value of the knob's type after a bound, upwards or downwards."""
    if isinstance(bound, int) and knob.type in ("int", "list"):
        return bound + direction
    return math.nextafter(bound, direction * math.inf)


def with_entry(knob: Knob, name: str, value: float) -> tuple[Any, str]:
    """A value of the knob with one entry replaced, and where that entry is."""
    if knob.type not in ("list", "interval"):
        return value, knob.path
    position = 0 if name in ("ge", "gt") else len(knob.default) - 1
    entries = list(knob.default)
    entries[position] = value
    return entries, f"{knob.path}.{position}"


@each_bound
def test_value_beyond_bound_is_refused(knob: Knob, name: str, bound: float) -> None:
    outside = {"gt": bound, "lt": bound}.get(name)
    if outside is None:
        outside = beside(knob, bound, -1 if name == "ge" else 1)
    value, path = with_entry(knob, name, outside)
    line = refusal(setting(knob, value))
    assert line == f"my.yaml: {path} = {outside!r}: must be {BOUNDS[name]} {number(bound)}"


@each_bound
def test_value_at_bound_is_in_range(knob: Knob, name: str, bound: float) -> None:
    inside = {"ge": bound, "le": bound}.get(name)
    if inside is None:
        inside = beside(knob, bound, 1 if name == "gt" else -1)
    value, _ = with_entry(knob, name, inside)
    try:
        parse_config(setting(knob, value))
    except ConfigError as error:  # may disagree with another knob's default
        assert not re.search(rf"must be ({'|'.join(BOUNDS.values())})", str(error))


@each_knob
def test_wrong_type_is_refused(knob: Knob) -> None:
    for value, allowed in WRONG_TYPES[knob.type]:
        if value is None and knob.path == "network.kind":
            continue  # no kind at all: the default
        line = refusal(setting(knob, value))
        shown = str(value) if knob.path == "network.kind" else value
        assert line.startswith(f"my.yaml: {knob.path} = {shown!r}: must be {allowed}")


@each_knob
def test_number_that_is_none_is_refused(knob: Knob) -> None:
    if knob.type not in ("float", "interval"):
        return
    for value in (math.nan, math.inf, -math.inf):
        entry, path = with_entry(knob, "le", value)
        assert refusal(setting(knob, entry)) == (
            f"my.yaml: {path} = {value!r}: must be a finite number"
        )


@each_knob
def test_null_is_for_optional_knobs(knob: Knob) -> None:
    if knob.optional:
        parse_config(setting(knob, None))
    elif knob.type != "choice":
        assert f"{knob.path} = None: must be" in refusal(setting(knob, None))


@each_knob
def test_misspelt_key_finds_its_neighbour(knob: Knob) -> None:
    section, _, name = knob.path.rpartition(".")
    wrong = name[:-1] + name[-1] * 2
    dotted = f"{section}.{wrong}" if section else wrong
    misspelt = Knob(dotted, knob.variant, knob.type, None, None, "")
    line = refusal(setting(misspelt, knob.default))
    told = f"my.yaml: {dotted}: unknown key; did you mean {name!r}?"
    if section != "objective.weights":
        assert line == told
    else:  # plug-ins add terms: here all are named
        assert line.startswith(f"{told}; valid here: covariance, covariance_pred, ")
        assert line.endswith("--plugin MODULE (docs/plug-ins.md)")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("scene: {sources_min: 4, sources_max: 3}", "sources_min = 4 must not exceed sources_max"),
        ("scene: {snr_db: [20, 0]}", "scene.snr_db: must be [least, most] with least <= most"),
        ("scene: {separation_deg: 60}", "separation_deg = 60 leaves no room for 5 sources"),
        ("network: {kind: reference, heads: 7}", "heads = 7 must divide width = 512; 8 does"),
        ("network: {kind: other}", "network.kind = 'other': must be one of 'beamspace', 'ref"),
        (
            "network: {heads: 8}",
            "network.heads: unknown key; only kind 'reference' has it; "
            "\"network={kind: beamspace}\" is one of kind 'beamspace' with its defaults",
        ),
        ("network: {image: [3]}", "network.image.1: is missing; give it a value"),
        ("network: {image: [3, 3, 3]}", "= [3, 3, 3]: must have at most 2 entries"),
        ("network: {planes_m: []}", "network.planes_m = []: must have at least 1 entries"),
        ("network: {angle_grid: [61, 61]}", "of version 0.1, which had slots: train it again"),
        (
            "network: {image: [2, 2]}",
            "detections = 10 does not lie between scene.",
        ),
        ("scene: 3", "scene = 3: must be a group of keys"),
        ("scene: [1]", "scene = [1]: must be a group of keys"),
        ("network: []", "network = []: must be a group of keys"),
        ("nothing_like_it: 1", "nothing_like_it: unknown key; valid here: seed, geometry,"),
        ("{seed: -1, scene: {antennas: 0}}", "seed = -1: must be at least 0 (and 1 more)"),
        (f"seed: 0x{'f' * 9000}", "must be at most 2147483647"),
    ],
)
def test_refused_value(text: str, line: str) -> None:
    assert line in refusal(yaml.safe_load(text))


def test_separation_that_is_suggested_fits() -> None:
    suggested = re.search(r"at most ([\d.]+) fits", refusal({"scene": {"separation_deg": 60.0}}))
    assert suggested
    parse_config({"scene": {"separation_deg": float(suggested[1]) - 0.05}})  # it was rounded


def test_long_values_are_cut() -> None:
    assert len(refusal({"scene": {"symbols": "x" * 10_000}})) < 200
