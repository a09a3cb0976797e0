"""Values of JSON, read as the fields of a dataclass declare them: anybody may have written them.

A field that is missing keeps its default: it was added to the schema later. Control characters in
texts are made visible.
"""

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, NamedTuple, get_args, get_origin

from ris_tf.errors import printable

LARGEST = 2**63 - 1  # whole numbers beyond fit no column

_WRONG = object()
_Read = Callable[[Any], Any]  # a JSON value as what the schema declares, or `_WRONG`


def _number(value: Any) -> Any:
    if type(value) is float:
        return value
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _WRONG
    return float(value)


def _whole(value: Any) -> Any:
    return value if type(value) is int and abs(value) <= LARGEST else _WRONG


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else _WRONG


def _text(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else _WRONG


def _scalar(value: Any) -> Any:
    """One of the values of a notice."""
    return _text(value) if isinstance(value, str) else _number(value)


def _list_of(read: _Read) -> _Read:
    as_it_is = _AS_IT_IS.get(read, lambda value: False)

    def entries(value: Any) -> Any:
        if isinstance(value, list) and as_it_is(value):
            return value
        read_ones = list(map(read, value)) if isinstance(value, list) else [_WRONG]
        return _WRONG if _WRONG in read_ones else read_ones

    return entries


# Whether a list need not be read one by one: in a log, nearly all.
_AS_IT_IS: dict[_Read, Callable[[list[Any]], bool]] = {
    _number: lambda value: set(map(type, value)) == {float},
    _text: lambda value: set(map(type, value)) == {str} and "".join(value).isprintable(),
}


def _dict_of(read: _Read) -> _Read:
    def pairs(value: Any) -> Any:
        if not isinstance(value, dict):
            return _WRONG
        read_ones = {printable(name): read(entry) for name, entry in value.items()}
        return _WRONG if any(one is _WRONG for one in read_ones.values()) else read_ones

    return pairs


def _reader_of(declared: Any) -> _Read:
    """What reads a field of a declared type."""
    plain = {float: _number, int: _whole, str: _text, bool: _truth, Any: _scalar}
    if declared in plain:
        return plain[declared]
    of = get_args(declared)
    return (
        _list_of(_reader_of(of[0])) if get_origin(declared) is list else _dict_of(_reader_of(of[1]))
    )


class Declared(NamedTuple):
    """A field as its dataclass declares it.

    Attributes:
        name: of the field.
        required: whether it has no default.
        read: its value of one of JSON, or `_WRONG`.
    """

    name: str
    required: bool
    read: _Read


def schema_of(declaring: type) -> list[Declared]:
    """The fields of a dataclass."""
    return [
        Declared(
            one.name,
            one.default is MISSING and one.default_factory is MISSING,
            _reader_of(one.type),
        )
        for one in fields(declaring)
    ]


def read_fields(schema: list[Declared], document: dict[str, Any]) -> dict[str, Any] | None:
    """The values of a document, by field; `None` where one is missing or of another type."""
    values = {}
    for name, required, read in schema:
        if name in document:
            value = values[name] = read(document[name])
            if value is _WRONG:
                return None
        elif required:
            return None
    return values
