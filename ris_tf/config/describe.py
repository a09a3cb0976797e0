"""Every knob as a row: what the docs table, the launch form and error messages are made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ris_tf.config.errors import BOUNDS, number

BOUND_NAMES = ("ge", "gt", "le", "lt")


@dataclass(frozen=True)
class Knob:
    """One configuration key.

    Attributes:
        path: dotted key, as `--set` takes it.
        variant: the `kind` of network that has it, `None` where all have it.
        type: `int`, `float`, `bool`, `str`, `choice`, `list` or `interval`.
        choices: allowed values of a choice.
        bounds: `ge`, `gt`, `le`, `lt` as far as given; of the entries, for lists.
        optional: whether it may be empty (`null`).
    """

    path: str
    variant: str | None
    type: str
    default: Any
    unit: str | None
    sentence: str
    choices: tuple[Any, ...] = ()
    bounds: tuple[tuple[str, float], ...] = ()
    optional: bool = False


def all_knobs(
    model: type[BaseModel], prefix: str = "", variant: str | None = None
) -> Iterator[Knob]:
    """Every knob of a configuration model, in the order of declaration."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        sections = list(_sections(field.annotation))
        for section in sections:
            kind = section.model_fields.get("kind")
            yield from all_knobs(section, f"{path}.", variant or (kind.default if kind else None))
        if not sections:
            yield _knob(path, field, variant)


def allowed_words(knob: Knob, quote: str = "") -> str:
    """Which values a knob takes, in words; `quote` stands around values."""

    def quoted(*values: object) -> str:
        return ", ".join(f"{quote}{value}{quote}" for value in values)

    bounds = ", ".join(f"{BOUNDS[name]} {number(bound)}" for name, bound in knob.bounds)
    words = {
        "bool": quoted("true", "false"),
        "choice": quoted(*knob.choices),
        "int": f"whole number {bounds}",
        "float": bounds,
        "interval": f"{quoted('[least, most]')}, each {bounds}",
        "list": f"list, each {bounds}",
        "str": "text",
    }[knob.type]
    return f"{words}, or {quoted('null')}" if knob.optional else words


def names_by_section(model: type[BaseModel]) -> dict[str, list[str]]:
    """Valid names by the dotted path of their section.

    The top level is `""`; a section of several kinds has an entry `path:kind` for each.
    """
    names: dict[str, list[str]] = {}
    for row in all_knobs(model):
        parts = row.path.split(".")
        for depth, name in enumerate(parts):
            inner = depth == len(parts) - 1 and row.variant
            section = ".".join(parts[:depth]) + (f":{row.variant}" if inner else "")
            siblings = names.setdefault(section, [])
            if name not in siblings:
                siblings.append(name)
    return names


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, Annotated):
        for inner in get_args(annotation):
            yield from _sections(inner)


def _knob(path: str, field: FieldInfo, variant: str | None) -> Knob:
    kind, choices, optional = _shape(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = extra.get("unit")
    return Knob(
        path=path,
        variant=variant,
        type=kind,
        default=field.default,
        unit=str(unit) if unit else None,
        sentence=field.description or "",
        choices=choices,
        bounds=tuple(_bounds(field.metadata) or _entry_bounds(field.annotation)),
        optional=optional,
    )


def _shape(annotation: Any) -> tuple[str, tuple[Any, ...], bool]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(inner[0])
    if origin is Literal:
        return "choice", inner, False
    if origin is tuple:
        pair = len(inner) == 2 and Ellipsis not in inner
        return ("interval" if pair and inner[0] is float else "list"), (), False
    if origin in (Union, UnionType):
        kind, choices, _ = _shape(next(a for a in inner if a is not type(None)))
        return kind, choices, type(None) in inner
    return annotation.__name__, (), False


def _bounds(metadata: Any) -> list[tuple[str, float]]:
    return [
        (name, getattr(item, name))
        for item in metadata
        for name in BOUND_NAMES
        if getattr(item, name, None) is not None
    ]


def _entry_bounds(annotation: Any) -> list[tuple[str, float]]:
    if get_origin(annotation) is Annotated:
        return _entry_bounds(get_args(annotation)[0])
    entries = [a for a in get_args(annotation) if get_origin(a) is Annotated]
    if not entries:
        return []
    metadata = entries[0].__metadata__
    nested = [m for item in metadata for m in getattr(item, "metadata", [item])]
    return list(_bounds(nested))
