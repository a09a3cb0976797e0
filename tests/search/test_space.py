"""Spaces: the named ones fit both networks, files are checked against the schema."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.config import Config, load_config, parse_config
from ris_tf.errors import UserError
from ris_tf.search import Choices, Range
from ris_tf.search.hyperparameters import knobs_of, value_of
from ris_tf.search.hyperparameters import with_hyperparameters as with_values
from ris_tf.search.named_spaces import FIXED, make_space, parse_space

CONFIGS = Path(__file__).parents[2] / "configs"
BEAMSPACE, REFERENCE = Config(), parse_config({"network": {"kind": "reference"}})
BOTH = pytest.mark.parametrize("config", [BEAMSPACE, REFERENCE], ids=["beamspace", "reference"])


def ends(entry):
    return entry.values if isinstance(entry, Choices) else (entry.least, entry.most)


@BOTH
@pytest.mark.parametrize("name", ["wide", "narrow"])
def test_every_value_of_a_named_space_is_a_configuration(name, config):
    for key, entry in make_space(name, config).items():
        assert key in knobs_of(config)
        for value in ends(entry):
            with_values(config, {key: value})


@BOTH
def test_narrow_space_is_around_the_configuration(config):
    for key, entry in make_space("narrow", config).items():
        own = value_of(config, key)
        assert isinstance(entry, Range)
        assert entry.least == pytest.approx(own / 1.5, rel=1e-3)
        assert entry.most == pytest.approx(own * 1.5, rel=1e-3)


def test_wide_space_is_that_of_the_specification():
    space = make_space("wide", REFERENCE)
    assert space["network.width"] == Choices((448, 512))
    assert space["network.heads"] == Choices((6, 8))
    assert space["training.learning_rate"] == Range(1e-4, 1e-3, log=True)
    assert space["objective.weights.subspace"] == Range(0.02, 0.5, log=True)
    sizes = make_space("wide", load_config(CONFIGS / "quickstart.yaml"))
    assert sizes["network.width"] == Choices((32, 64, 96))
    assert sizes["network.filters"] == Choices((16, 32, 48))


@pytest.mark.parametrize(
    ("width", "heads", "taken"), [(448, 6, 7), (448, 8, 8), (512, 6, 8), (512, 8, 8)]
)
def test_heads_are_taken_to_the_nearest_divisor(width, heads, taken):
    config = with_values(REFERENCE, {"network.width": width, "network.heads": heads})
    assert config.network.heads == taken


def test_file_takes_lists_and_ranges(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "training.learning_rate: {least: 1e-4, most: 1e-3, scale: log}\n"
        "training.batch: [32, 64]\n"
        "network.image: [[25, 13], [29, 15]]\n"
        "network.width: {choices: [128, 256]}\n"
    )
    assert make_space(str(path), BEAMSPACE) == {
        "training.learning_rate": Range(1e-4, 1e-3, log=True),
        "training.batch": Choices((32, 64)),
        "network.image": Choices(((25, 13), (29, 15))),
        "network.width": Choices((128, 256)),
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "no key"),
        ({"training.learning_rat": [1e-3]}, "did you mean 'training.learning_rate'?"),
        ({"network.heads": [6]}, "unknown key of a configuration with the beamspace network"),
        ({"training.learning_rate": {"least": -1, "most": 1e-3}}, "training.learning_rate = -1"),
        ({"training.learning_rate": {"least": 2, "most": 1}}, "must be below most"),
        ({"training.batch": [64, 0]}, "training.batch = 0: must be at least 1"),
        ({"training.batch": [64, "many"]}, "training.batch = 'many': must be"),
        ({"training.batch": {"least": 1.5, "most": 8}}, "must be whole numbers"),
        ({"training.precision": {"least": 1, "most": 2}}, "must have choices"),
        ({"training.precision": ["float64"]}, "training.precision = 'float64'"),
        ({"training.batch": 64}, "must have choices, or least and most"),
        ({"training.batch": []}, "at least one value"),
    ],
)
def test_file_that_does_not_fit_is_refused_in_one_line(document, said):
    with pytest.raises(UserError) as caught:
        parse_space(document, BEAMSPACE, "space.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("space.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fixed", sorted(FIXED))
def test_what_trials_share_cannot_be_searched(fixed):
    key = next(key for key in [*knobs_of(BEAMSPACE), "network.kind"] if key.startswith(fixed))
    with pytest.raises(UserError, match="cannot be searched"):
        parse_space({key: [1]}, BEAMSPACE, "space.yaml")


@pytest.mark.parametrize("typed", ["wider", "", "no/such/file.yaml"])
def test_name_or_file_that_is_none_is_refused(typed):
    with pytest.raises(UserError, match=r"wide, narrow|cannot be read"):
        make_space(typed, BEAMSPACE)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(knobs_of(REFERENCE))), anything, max_size=3))
def test_no_document_raises_anything_else(document):
    try:
        space = parse_space(document, REFERENCE, "space.yaml")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert set(space) == set(document)
