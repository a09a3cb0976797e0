"""Public names of `ris_tf`: loaded when asked for, the same for programs and type checkers."""

import subprocess
import sys

import pytest

import ris_tf


@pytest.mark.parametrize("name", sorted(ris_tf._HOMES))
def test_every_name_is_there_with_its_docstring(name):
    value = getattr(ris_tf, name)
    assert value.__doc__, name
    assert value.__module__.startswith("ris_tf."), name
    assert f"`{name}`" in (ris_tf.__doc__ or ""), "the docstring lists the names"
    assert name in dir(ris_tf)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Localiser'"):
        _ = ris_tf.Localiser


def test_names_without_tensorflow_load_none():
    program = """
import sys, ris_tf
dir(ris_tf)
ris_tf.load_config("quickstart"), ris_tf.find_runs, ris_tf.SearchDirectory, ris_tf.UserError
assert not {"tensorflow", "keras"} & set(sys.modules)
ris_tf.Simulator
assert "tensorflow" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
