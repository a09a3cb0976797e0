"""The schema as the tests see it: every knob, and documents that set one."""

from typing import Any

from ris_tf.config import Config, Knob, all_knobs

KNOBS = list(all_knobs(Config))
NAMES = [f"{knob.variant or ''}:{knob.path}" for knob in KNOBS]


def document(values: dict[str, Any], variant: str | None = None) -> dict[str, Any]:
    """Nested sections of values by dotted path, with the network of one kind."""
    nested: dict[str, Any] = {"network": {"kind": variant}} if variant else {}
    for path, value in values.items():
        *sections, name = path.split(".")
        here = nested
        for section in sections:
            here = here.setdefault(section, {})
        here[name] = value
    return nested


def setting(knob: Knob, value: Any) -> dict[str, Any]:
    """A document that sets one knob."""
    return document({knob.path: value}, knob.variant)
