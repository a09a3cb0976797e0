"""What is wrong with a configuration: pydantic's problems as errors with fields."""

import difflib
from typing import Any

from pydantic import ValidationError

from ris_tf.errors import UserError
from ris_tf.registry import HOW_TO_ADD

WRONG_TYPE = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text, not empty",
    "tuple_type": "a list",
    "finite_number": "a finite number",
    "model_type": "a group of keys",
    "model_attributes_type": "a group of keys",
    "dict_type": "a group of keys",
}
TERMS = ["objective", "weights"]  # where the keys are terms
NAMED_BY_IT = ("problem", "value", "allowed", "remedy")  # fields that a validator's error gives
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class ConfigError(UserError):
    """A configuration, or an argument of a command, cannot be used."""


def not_written(option: str, path: object, error: OSError, remedy: str) -> ConfigError:
    """The error of an output that an option names and the disk refused."""
    problem = f"cannot be written: {error.strerror or error}"
    return ConfigError(problem, key=option, value=path, remedy=remedy)


def refused(
    error: ValidationError, source: str, document: Any, kinds: dict[str, list[str]]
) -> ConfigError:
    """The error of the first thing that pydantic refused, and how many more there are.

    Args:
        error: what pydantic raised.
        source: where the values came from.
        document: the values, to know which parts of a location are keys.
        kinds: valid names by the dotted path of their section.
    """
    problems = error.errors()
    fields = _fields(problems[0], document, kinds)
    return ConfigError(source=source, others=len(problems) - 1, **fields)


def _fields(problem: Any, document: Any, kinds: dict[str, list[str]]) -> dict[str, Any]:
    """One of pydantic's problems as the fields of a `ConfigError`."""
    path = _keys_only(problem["loc"], document)
    key = ".".join(path)
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return {"key": key, "problem": "unknown key", "remedy": _instead(problem, path, kinds)}
    if kind == "missing":
        return {"key": key, "problem": "is missing", "remedy": "give it a value"}
    if kind == "union_tag_invalid":
        allowed = f"must be one of {context['expected_tags']}"
        name = {"key": f"{key}.kind", "value": context["tag"]}
        return {**name, "allowed": allowed, "remedy": HOW_TO_ADD}
    if kind == "union_tag_not_found":
        kinds_known = " or ".join(repr(name) for name in _kinds_of(key, kinds))
        return {"key": key, "allowed": f"must be a group of keys with kind: {kinds_known}"}
    if kind == "value_error":
        return {"key": key, **_of_validator(context["error"])}
    allowed = _allowed(kind, context, problem["msg"])
    return {"key": key, "value": problem["input"], "allowed": allowed}


def _of_validator(error: ValueError) -> dict[str, Any]:
    """The fields of what a section's own validator raised."""
    if not isinstance(error, UserError):
        return {"problem": str(error)}
    return {name: value for name, value in error.arguments().items() if name in NAMED_BY_IT}


def _instead(problem: Any, path: list[str], kinds: dict[str, list[str]]) -> str:
    """What a key that is unknown could be; of terms, of which plug-ins add more, all there are."""
    section = ".".join(path[:-1])
    own = next((part for part in problem["loc"] if f"{section}:{part}" in kinds), None)
    having = [kind for kind in _kinds_of(section, kinds) if path[-1] in kinds[f"{section}:{kind}"]]
    if own and having:
        defaults = f'"{section}={{kind: {own}}}" is one of kind {own!r} with its defaults'
        return f"only kind {having[0]!r} has it; {defaults}"
    siblings = _siblings(problem["loc"], path, kinds)
    near = nearest(path[-1], siblings)
    if path[:-1] != TERMS:
        return near
    return "; ".join(dict.fromkeys([near, nearest("", siblings), HOW_TO_ADD]))


def _kinds_of(key: str, kinds: dict[str, list[str]]) -> list[str]:
    """The kinds that a section may be of."""
    return [name.partition(":")[2] for name in kinds if name.startswith(f"{key}:")]


def _allowed(kind: str, context: dict[str, Any], message: str) -> str:
    if kind in WRONG_TYPE:
        return f"must be {WRONG_TYPE[kind]}"
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        return f"must have {'at least' if kind == 'too_short' else 'at most'} {bound} entries"
    for bound, words in BOUNDS.items():
        if bound in context:
            return f"must be {words} {number(context[bound])}"
    return message[0].lower() + message[1:]


def _keys_only(location: tuple[int | str, ...], document: Any) -> list[str]:
    """The location without the union tags that pydantic puts between the keys."""
    path: list[str] = []
    here = document
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(here, dict) and part not in here and not last:
            continue
        if isinstance(here, dict) and here.get("kind") == part:
            continue
        path.append(str(part))
        try:
            here = here[part] if here is not None else None
        except (KeyError, IndexError, TypeError):
            here = None
    return path


def _siblings(
    location: tuple[int | str, ...], path: list[str], kinds: dict[str, list[str]]
) -> list[str]:
    section = ".".join(path[:-1])
    with_kind = [f"{section}:{part}" for part in location]
    return next((kinds[name] for name in [*with_kind, section] if name in kinds), [])


def nearest(name: str, valid: list[str]) -> str:
    """`did you mean ...` for a name that does not exist, else the names there are."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"valid here: {', '.join(valid)}" if valid else "nothing is allowed here"


def number(value: float) -> str:
    """A bound as people write it; whole numbers with all their digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"
