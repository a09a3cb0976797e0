"""Every error that a person causes has fields; its line is made of them, in one place."""

import pickle

import pytest

from ris_tf.config import Config, ConfigError, load_config, override_config, parse_config
from ris_tf.errors import UserError
from ris_tf.runlog import RunError
from ris_tf.search import parse_entry
from ris_tf.search.named_spaces import make_space, parse_space


def error_of(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return caught.value


CASES = [
    (parse_config, ({"training": {"batch": 0}},), "training.batch", 0, "must be at least 1"),
    (parse_config, ({"scene": {"symbols": "fixed"}},), "scene.symbols", "fixed", "must be one of"),
    (override_config, (Config(), ["seed.x=1"]), "seed", 42, ""),
    (parse_entry, ("network.width", {"least": 4, "most": 2}), "network.width.least", 4, "below"),
    (parse_entry, ("network.width", {"choices": []}), "network.width.choices", [], "a list of"),
    (make_space, ("broad", Config()), "--space", "broad", "must be wide, narrow"),
]


@pytest.mark.parametrize(("call", "arguments", "key", "value", "allowed"), CASES)
def test_fields(call, arguments, key, value, allowed):
    error = error_of(call, *arguments)
    assert (error.key, error.value) == (key, value)
    assert allowed in error.allowed
    assert error.sentence in str(error)
    assert error.advice in error.sentence
    assert key not in error.advice


def test_unknown_keys_have_a_remedy():
    error = error_of(parse_config, {"training": {"batch_size": 8}}, "my.yaml")
    assert (error.source, error.key) == ("my.yaml", "training.batch_size")
    assert (error.problem, error.remedy) == ("unknown key", "did you mean 'batch'?")
    assert error.advice == "unknown key; did you mean 'batch'?"


def test_more_errors_are_counted():
    error = error_of(parse_config, {"seed": -1, "training": {"batch": 0}})
    assert (error.key, error.others) == ("seed", 1)
    assert str(error).endswith("(and 1 more)")


def test_space_blames_the_key_that_is_wrong_whatever_the_words(monkeypatch):
    """A value that depends on another key fails its trials, not the space."""
    from ris_tf.config import errors

    monkeypatch.setattr(errors, "BOUNDS", dict.fromkeys(errors.BOUNDS, "network.width = nie"))
    config = load_config("quickstart")
    error = error_of(parse_space, {"training.batch": [0, 8]}, config, "space.yaml")
    assert (error.source, error.key, error.value) == ("space.yaml", "training.batch", 0)
    assert "nie" in str(error)


def test_error_from_another_source_is_the_same_error():
    error = RunError(key="network.width", value=None, allowed="must be a number", source="a")
    other = ConfigError.like(error, "b")
    assert str(error) == "a: network.width = None: must be a number"
    assert str(other) == "b: network.width = None: must be a number"
    assert str(other.with_source("")) == "network.width = None: must be a number"
    assert type(other) is ConfigError


@pytest.mark.parametrize(
    "error",
    [
        RunError("whole line"),
        ConfigError("exists", key="--out", value="a.npz", remedy="remove it", source="x"),
        ConfigError(key="seed", value=None, allowed="must be a whole number", others=2),
    ],
)
def test_errors_travel_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_line_stays_one_line():
    assert str(ConfigError("a\nb\x1b[31m", key="k\n")) == r"k\n: a\nb\x1b[31m"
