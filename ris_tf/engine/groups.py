"""Optimizer groups: which variables learn at which rate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from ris_tf.errors import UserError

REST = "backbone"  # name of the variables that no group has
RESERVED = ("total",)


class Groups:
    """The groups of a model's trainable variables; those that none names form one of their own.

    Args:
        weights: trainable variables of the model.
        groups: layers or variables by name; a pair `(layers, multiplier)` learns at so many times
            the base rate.

    Attributes:
        names: of the groups that have a variable, the rest first.
        multipliers: learning rate over the base, by name.
        of_weight: number of the group of every variable.

    Raises:
        UserError: a variable is in two groups or not of the model, a group has none, or a
            multiplier is no rate.
    """

    def __init__(self, weights: Sequence[keras.Variable], groups: Mapping[str, Any] | None = None):
        named: dict[int, str] = {}
        self.multipliers: dict[str, float] = {REST: 1.0}
        known = {id(weight) for weight in weights}
        for name, given in (groups or {}).items():
            members, self.multipliers[name] = _split(name, given)
            for variable in _variables(name, members):
                if id(variable) not in known:
                    raise _error(name, f"{variable.path} is no trainable variable of the model")
                if named.get(id(variable), name) != name:
                    other = named[id(variable)]
                    raise _error(name, f"{variable.path} is in group {other!r} already")
                named[id(variable)] = name
        of_each = [named.get(id(weight), REST) for weight in weights]
        for name in groups or {}:
            if name not in of_each:
                raise _error(name, "has no trainable variable")
        self.names = [name for name in self.multipliers if name in of_each]
        self.of_weight = [self.names.index(name) for name in of_each]

    def rate_multipliers(self) -> list[float]:
        """Learning rate over the base, of every variable."""
        return [self.multipliers[self.names[group]] for group in self.of_weight]


def _split(name: str, given: Any) -> tuple[Any, float]:
    """Members and multiplier of a group."""
    if not name or name in RESERVED or "/" in name:
        raise _error(name, f"a name must not be empty, {', '.join(RESERVED)}, or hold a slash")
    members, multiplier = given, 1.0
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], int | float):
        members, multiplier = given
    if not 0 <= multiplier < float("inf"):
        raise _error(name, f"multiplier {multiplier}: must be at least 0 and finite")
    return members, float(multiplier)


def _variables(name: str, members: Any) -> Iterable[keras.Variable]:
    if isinstance(members, keras.Variable):
        return [members]
    if hasattr(members, "trainable_variables"):
        return members.trainable_variables
    if isinstance(members, Iterable) and not isinstance(members, str | bytes):
        return [variable for member in members for variable in _variables(name, member)]
    raise _error(
        name, f"must be layers or variables, or (layers, multiplier). Received: {members!r}"
    )


def _error(name: str, text: str) -> UserError:
    return UserError(text, key=f"groups.{name}")
