"""Configurations of runs side by side, the differences between them marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ris_tf.config import Knob, all_knobs, schema

KIND = "network.kind"


@dataclass(frozen=True)
class ComparedKey:
    """A key of one or several configurations.

    Attributes:
        path: dotted key, as `--set` takes it.
        values: one text for each configuration; empty where it has no such key.
        default: what it would be; empty where that is not known.
        unit: its unit, empty for none.
        sentence: what it does, empty where that is not known.
    """

    path: str
    values: tuple[str, ...]
    default: str = ""
    unit: str = ""
    sentence: str = ""

    @property
    def differs(self) -> bool:
        """Whether the configurations disagree."""
        return len(set(self.values)) > 1

    @property
    def changed(self) -> bool:
        """Whether any is not the default, where there is one."""
        return bool(self.default) and any(v not in ("", self.default) for v in self.values)


def compare(configurations: Sequence[Mapping[str, Any]], ours: Sequence[bool]) -> list[ComparedKey]:
    """Every key that any of the configurations has.

    Args:
        configurations: values by dotted key.
        ours: which of them are of `ris-tf`'s own task, whose keys have a default, a unit and a
            sentence.

    Returns:
        Keys of the schema in its order, then all others in that of the configurations.
    """
    chosen = [given for given, own in zip(configurations, ours, strict=True) if own]
    knobs = _knobs({str(given.get(KIND)) for given in chosen}) if chosen else {}
    known = [path for path in knobs if any(path in given for given in chosen)]
    others = [path for given in configurations for path in given]
    return [
        _compared(path, configurations, knobs.get(path))
        for path in dict.fromkeys([*known, *others])
    ]


def _knobs(kinds: set[str]) -> dict[str, Knob]:
    """The schema's knobs of some kinds of network, by dotted key."""
    found: dict[str, Knob] = {}
    for knob in all_knobs(schema()):
        if knob.variant is None or knob.variant in kinds:
            found.setdefault(knob.path, knob)
    return found


def _compared(
    path: str, configurations: Sequence[Mapping[str, Any]], knob: Knob | None
) -> ComparedKey:
    values = tuple(shown(given[path]) if path in given else "" for given in configurations)
    if knob is None:
        return ComparedKey(path, values)
    return ComparedKey(path, values, shown(knob.default), knob.unit or "", knob.sentence)


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of nested mappings by dotted key."""
    values: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict) and value:
            values |= flat(value, f"{prefix}{name}.")
        else:
            values[f"{prefix}{name}"] = value
    return values


def shown(value: Any) -> str:
    """A value as a configuration file writes it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(entry) for entry in value) + "]"
    return str(value)
