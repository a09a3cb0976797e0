"""What a search may choose from: choices or a range for each configuration key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ris_tf.runlog.rundir import RunError
from ris_tf.search.trial import Value, frozen, is_number, is_value, plain

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Choices:
    """A hyperparameter that takes one of some values.

    Attributes:
        values: in their order; empty where a search.json does not say them in words known here.
    """

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    """A hyperparameter that takes a number between two, both included.

    Attributes:
        least: least number; above 0 on a log scale.
        most: greatest number, above `least`.
        log: whether the logarithm is what is spread evenly.
    """

    least: float
    most: float
    log: bool = False


Entry = Choices | Range
Space = Mapping[str, Entry]


def parse_entry(key: str, document: Any) -> Entry:
    """One hyperparameter of a space, as search.json and the YAML of spaces write it.

    Args:
        key: configuration key, for the message.
        document: `{"choices": [...]}`, or `{"least":, "most":, "scale": "linear" or "log"}`, of
            which the scale may be left out.

    Raises:
        RunError: in one line, what is wrong and what would be right.
    """
    if not isinstance(document, dict):
        raise RunError(key=key, value=document, allowed="must have choices, or least and most")
    names = {"choices"} if "choices" in document else {"least", "most", "scale"}
    for name in document:
        if name not in names:
            remedy = f"valid here: {', '.join(sorted(names))}"
            raise RunError("unknown", key=f"{key}.{name}", remedy=remedy)
    if "choices" in document:
        values = document["choices"]
        if not isinstance(values, list | tuple) or not values or not all(map(is_value, values)):
            allowed = "must be a list of at least one value"
            raise RunError(key=f"{key}.choices", value=values, allowed=allowed)
        return Choices(tuple(frozen(value) for value in values))
    return _range(key, document)


def _range(key: str, document: dict[str, Any]) -> Range:
    least, most = (_bound(key, name, document.get(name)) for name in ("least", "most"))
    scale = document.get("scale", SCALES[0])
    if scale not in SCALES:
        raise RunError(key=f"{key}.scale", value=scale, allowed="must be linear or log")
    if not least < most:
        raise RunError(key=f"{key}.least", value=least, allowed=f"must be below most = {most}")
    if scale == "log" and least <= 0:
        allowed = "must be above 0 on a log scale"
        raise RunError(key=f"{key}.least", value=least, allowed=allowed)
    return Range(least, most, scale == "log")


def _bound(key: str, name: str, value: Any) -> float:
    if not is_number(value):
        raise RunError(key=f"{key}.{name}", value=value, allowed="must be a number")
    return value


def entry_document(entry: Entry) -> dict[str, Any]:
    """A hyperparameter as `parse_entry` takes it."""
    if isinstance(entry, Choices):
        return {"choices": [plain(value) for value in entry.values]}
    return {"least": entry.least, "most": entry.most, "scale": SCALES[entry.log]}
