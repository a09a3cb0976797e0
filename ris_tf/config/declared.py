"""What plug-ins add to the schema, as data: for programs that must not load their code.

The monitor loads no TensorFlow, which a plug-in may import. So another process loads the plug-ins
and prints what they add (`ris-tf knobs --json`), and the monitor declares the same here: its forms
then show and check their knobs like all others, though it can compute none of them.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from ris_tf.config.describe import Knob, all_knobs
from ris_tf.config.knobs import Interval, Section, Within, knob
from ris_tf.config.registry import (
    NETWORKS,
    TERMS,
    NetworkKind,
    Term,
    extra_networks,
    extra_terms,
)
from ris_tf.registry import PluginError, mark_loaded, named_plugins

TYPES = {"int": int, "float": float, "bool": bool}
WAIT_S = 300.0  # for a process that may import TensorFlow on a busy machine


def additions() -> dict[str, Any]:
    """What the plug-ins of this process add to the schema, as JSON."""
    return {
        "plugins": named_plugins(),
        "terms": [
            {
                **{"name": one.name, "weight": one.weight, "sentence": one.sentence},
                "knobs": _rows(one.knobs),
            }
            for one in extra_terms()
        ],
        "networks": [
            {"name": one.name, "sentence": one.sentence, "knobs": _rows(one.section)}
            for one in extra_networks()
        ],
    }


def declare(additions: dict[str, Any]) -> None:
    """Add to the schema what another process declared; nothing of it can be computed here.

    Args:
        additions: as `additions` gave it there.

    Raises:
        PluginError: a name is taken.
    """
    for one in additions["terms"]:
        name, knobs = one["name"], _section(one["knobs"], one["sentence"])
        made = Term(name, one["weight"], one["sentence"], _elsewhere, knobs=knobs)
        TERMS.add(name, made, __name__ + ".declared")
    for one in additions["networks"]:
        name, section = one["name"], _section(one["knobs"], one["sentence"])
        assert section is not None  # it has its kind
        kind = NetworkKind(name, section, one["sentence"], _elsewhere)
        NETWORKS.add(name, kind, __name__ + ".declared")
    mark_loaded(additions["plugins"])


def declare_plugins(names: Sequence[str]) -> None:
    """Declare what plug-ins add, which a process of its own loads.

    Raises:
        PluginError: they cannot be loaded; the line is that process's.
    """
    if names:
        declare(additions_of(names))


def additions_of(names: Sequence[str]) -> dict[str, Any]:
    """What plug-ins add to the schema, from a process of its own that loads them.

    Raises:
        PluginError: they cannot be loaded; the line is that process's.
    """
    options = [word for name in names for word in ("--plugin", name)]
    command = [sys.executable, "-m", "ris_tf.cli", "knobs", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
        raise PluginError(last.removeprefix("ris-tf: "))
    return json.loads(done.stdout)


def _rows(section: type[Section] | None) -> list[dict[str, Any]]:
    return [asdict(row) for row in all_knobs(section)] if section else []


def _section(rows: list[dict[str, Any]], sentence: str) -> type[Section] | None:
    """A section of knobs from their rows; those of a section in it have a dot in their path."""
    if not rows:
        return None
    fields: dict[str, Any] = {}
    for row in rows:
        name, _, below = row["path"].partition(".")
        if not below:
            fields[name] = _field(Knob(**row))
        elif name not in fields:
            own = [r for r in rows if r["path"].startswith(f"{name}.")]
            inner: Any = _section([{**r, "path": r["path"].partition(".")[2]} for r in own], "")
            fields[name] = (inner, Field(default_factory=inner))
    return create_model("Declared", __base__=Section, __doc__=sentence, **fields)


def _field(row: Knob) -> tuple[Any, Any]:
    """Type and declaration of a knob."""
    kind: Any
    bounds: Any = dict(row.bounds)
    if row.type == "choice":
        kind, bounds = Literal[tuple(row.choices)], {}  # pyright: ignore[reportInvalidTypeForm]
    elif row.type == "interval":
        kind, bounds = Annotated[Interval, Within(**bounds)], {}
    elif row.type == "list":
        entry: Any = Annotated[type(row.default[0]), Field(**bounds)]
        kind, bounds = Annotated[tuple[entry, ...], Field(strict=False)], {}
    elif row.type == "names":
        kind = Annotated[tuple[str, ...], Field(strict=False)]
    else:
        kind = TYPES.get(row.type, str)
    default = tuple(row.default) if isinstance(row.default, list) else row.default
    return (kind | None if row.optional else kind), knob(default, row.sentence, row.unit, **bounds)


def _elsewhere(*arguments: Any) -> Any:
    raise PluginError("is declared here, not loaded: this process cannot compute it")
