"""What plug-ins add to the schema, said by one process and declared in another."""

import json
import subprocess
import sys

import pytest

from ris_tf.config import ConfigError, all_knobs, parse_config, schema
from ris_tf.config.declared import additions, declare
from ris_tf.registry import load_plugins, plugins_apart

PLUGIN = '''
from ris_tf.config.knobs import Interval, Within
from ris_tf.plugins import Section, knob, term
from typing import Annotated, Literal
from pydantic import Field

class Inner(Section):
    """Inner."""

    share: float = knob(0.5, "Share.", ge=0, le=1)

class Knobs(Section):
    """Knobs of every kind."""

    number: int = knob(3, "Number.", "scenes", ge=1, le=9)
    maybe: float | None = knob(None, "Maybe.", gt=0)
    which: Literal["a", "b"] = knob("a", "Which.")
    on: bool = knob(True, "On.")
    between: Annotated[Interval, Within(0, 1)] = knob((0.1, 0.9), "Between.")
    some: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)] = knob(
        (1, 2), "Some."
    )
    inner: Inner = Field(default_factory=Inner)

@term("mine", weight=0.25, knobs=Knobs)
def mine(comparison, knobs):
    """What it is."""
'''
REFUSED = ({"number": 0}, {"which": "c"}, {"between": [0.5, 2]}, {"some": [0]}, {"inner": {"x": 1}})


def rows():
    return [knob for knob in all_knobs(schema()) if "mine" in knob.path]


def test_declared_knobs_are_those_of_the_plugin(plugin):
    with plugins_apart():
        load_plugins([plugin(PLUGIN)])
        said, own = json.dumps(additions()), rows()
    assert rows() == []
    with plugins_apart():
        declare(json.loads(said))
        assert rows() == own
        config = parse_config({"objective": {"mine": {"maybe": 2.0, "some": [4]}}})
        assert config.objective.mine.inner.share == 0.5
        for wrong in REFUSED:
            with pytest.raises(ConfigError, match=r"objective\.mine\."):
                parse_config({"objective": {"mine": wrong}})


def test_the_monitor_shows_and_passes_on_what_it_did_not_load(root):
    """In a process of its own, since the monitor must not load TensorFlow."""
    code = """
import sys
from pathlib import Path
from ris_tf.config.declared import declare_plugins
declare_plugins([sys.argv[1]])
from gui.models.settings import Settings
from ris_tf.config import parse_config
from ris_tf.registry import named_plugins
settings = Settings(parse_config({"network": {"kind": "dictionary"}}), Path("mine.yaml"))
settings.edit("network.width", "0")
print({k.path for k in settings.knobs()} >= {"network.ranges", "network.kept"})
print(list(settings.errors()), "tensorflow" in sys.modules)
print(named_plugins() == [sys.argv[1]])
"""
    path = str((root / "examples" / "own_network.py").resolve())
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n['network.width'] False\nTrue\n", done.stderr
