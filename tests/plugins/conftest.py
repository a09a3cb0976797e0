"""Plug-ins of tests: what they add is taken back."""

import textwrap

import pytest

from ris_tf.registry import plugins_apart


@pytest.fixture
def apart():
    """Whatever a test adds is gone after it."""
    with plugins_apart():
        yield


@pytest.fixture
def plugin(tmp_path, apart):
    """Writes a plug-in's file: its path."""

    def write(code: str, name: str = "mine") -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(code))
        return str(path)

    return write
