"""A configuration written and read again is the same, whatever it holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from every_knob import KNOBS, document
from hypothesis import assume, given
from hypothesis import strategies as st

from ris_tf.config import Config, ConfigError, Knob, dump_config, load_config, parse_config
from ris_tf.config.conversion import AXES

# How the errors of two knobs that disagree read.
DISAGREE = (
    *("exceed", "no room", "must divide", "shared equally", "set distribution"),
    *("is of batches from files", "leaves no scene of files", "must say how many"),
    *("takes its channels from file", "set channel.model", "does not lie between"),
    *("takes a panel of at least", "leaves the covariance singular"),
)

LETTERS = st.characters(codec="ascii", exclude_categories=["Cc"])
VARIANTS = {knob.variant for knob in KNOBS if knob.variant}


def values(knob: Knob) -> st.SearchStrategy[Any]:
    """Values in the knob's range."""
    if knob.choices:
        return st.sampled_from(knob.choices)
    plain = {
        "bool": st.booleans,
        "str": lambda: st.none() | _texts(knob),
        "names": lambda: st.lists(st.text(LETTERS, min_size=1, max_size=20), max_size=4),
    }
    if knob.type in plain:
        return plain[knob.type]()
    number = _numbers(knob)
    if knob.type == "interval":
        return st.tuples(number, number).map(sorted)
    if knob.type == "list":
        size = len(knob.default)
        return st.lists(number, min_size=size, max_size=size)
    return number | st.none() if knob.optional else number


def _texts(knob: Knob) -> st.SearchStrategy[str]:
    """Names, or axes of an array."""
    name = knob.path.rpartition(".")[2].removesuffix("_axes")
    if not knob.path.endswith("_axes"):
        return st.text(LETTERS, min_size=1, max_size=20)
    needed, optional = AXES[name]
    letters = st.permutations(needed + optional) | st.permutations(needed)
    return letters.map("".join)


def _numbers(knob: Knob) -> st.SearchStrategy[Any]:
    bounds = dict(knob.bounds)
    least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    sample = knob.default[0] if isinstance(knob.default, tuple) else knob.default
    if knob.type == "int" or (knob.type == "list" and isinstance(sample, int)):
        return st.integers(least, most)
    return st.floats(least, most, exclude_min="gt" in bounds, exclude_max="lt" in bounds)


@st.composite
def settings_of_knobs(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A kind of network, and values of a few knobs by dotted path."""
    variant = draw(st.sampled_from(sorted(VARIANTS)))
    theirs = [knob for knob in KNOBS if knob.variant in (None, variant)]
    chosen = draw(st.lists(st.sampled_from(theirs), max_size=8, unique_by=lambda knob: knob.path))
    return variant, {knob.path: draw(values(knob)) for knob in chosen}


def accepted(nested: dict[str, Any]) -> Config:
    """The configuration, unless two of its knobs disagree: none is out of its range."""
    try:
        return parse_config(nested)
    except ConfigError as error:
        assert any(words in str(error) for words in DISAGREE)
        assume(False)
        raise


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round_trip") / "config.yaml"


@given(settings_of_knobs())
def test_written_and_read_is_the_same(path: Path, drawn: tuple[str, dict[str, Any]]) -> None:
    variant, chosen = drawn
    config = accepted(document(chosen, variant))
    text = dump_config(config)
    path.write_text(text)
    assert load_config(path) == config
    assert dump_config(load_config(path)) == text


@given(settings_of_knobs())
def test_override_is_as_good_as_the_file(path: Path, drawn: tuple[str, dict[str, Any]]) -> None:
    variant, chosen = drawn
    config = accepted(document(chosen, variant))
    path.write_text(f"network: {{kind: {variant}}}")
    overrides = [f"{key}={json.dumps(value)}" for key, value in chosen.items()]
    assert load_config(path, overrides) == config


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_dump_names_every_knob(variant: str) -> None:
    dumped = parse_config({"network": {"kind": variant}}).model_dump(mode="json")
    for knob in KNOBS:
        if knob.variant in (None, variant):
            here = dumped
            for name in knob.path.split("."):
                here = here[name]
