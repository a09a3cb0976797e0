"""Where a window that is not finite began, as the notice of it has it, in words."""

from collections.abc import Mapping
from typing import Any

ORIGIN = "origin"  # kind of the notice

KINDS = {
    "inputs": "the inputs {term}",
    "value": "the term {term}",
    "gradient": "the gradient of the term {term}",
}
OF_ALL = {"value": "all terms at once", "gradient": "the gradient of all terms"}


def array_words(name: str) -> str:
    """An array of a batch: its name, or the number that it has in a tuple."""
    return f"array {name}" if name.isdecimal() else name


def begins_with(values: Mapping[str, Any]) -> str:
    """What is not finite first, and in which example.

    Args:
        values: `of`, `term`, `example` and `batch` of the notice.
    """
    kinds, term = KINDS if values["term"] else OF_ALL, values["term"]
    term = array_words(term) if values["of"] == "inputs" else term
    where = f", example {values['example']:g} of batch {values.get('batch', 0):g}"
    return kinds[values["of"]].format(term=term) + (where if values["example"] >= 0 else "")


def lines_of(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and text of all that is known of it: terms, operation, layer, place."""
    rows = [("begins with", begins_with(values))]
    if terms := values.get("terms", ""):
        rows.append(("not finite", terms))
    if kind := values.get("kind", ""):
        way = "backward" if values.get("backward") else "forward"
        rows.append(("operation", f"{kind}, {way}"))
        rows += [("in layer", values["layer"])] if values.get("layer") else []
        place = f"{values.get('place')}: {values.get('source')}"
        rows += [("at", place)] if values.get("place") else []
    return rows
