"""Resolved configurations as a tree, the differences between runs marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ris_tf.config import Config, all_knobs, schema


@dataclass(frozen=True)
class Entry:
    """A knob of one or several configurations.

    Attributes:
        path: dotted key, as `--set` takes it.
        values: one text for each configuration; empty where it has no such knob.
        default: what it would be; of the network's own kind.
        unit: its unit, empty for none.
        sentence: what it does.
    """

    path: str
    values: tuple[str, ...]
    default: str
    unit: str
    sentence: str

    @property
    def differs(self) -> bool:
        """Whether the configurations disagree."""
        return len(set(self.values)) > 1

    @property
    def changed(self) -> bool:
        """Whether any is not the default."""
        return any(value not in ("", self.default) for value in self.values)


def entries(configs: Sequence[Config]) -> list[Entry]:
    """Every knob that any of the configurations has, in the order of the schema."""
    flat = [_flat(config.model_dump(mode="json")) for config in configs]
    kinds = [config.network.kind for config in configs]
    found = {}
    for knob in all_knobs(schema()):
        if (knob.variant and knob.variant not in kinds) or knob.path in found:
            continue
        values = tuple(shown(values[knob.path]) if knob.path in values else "" for values in flat)
        found[knob.path] = Entry(
            knob.path, values, shown(knob.default), knob.unit or "", knob.sentence
        )
    return list(found.values())


def _flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


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
