"""Terms of the objective and networks, by name: what extends the schema. No TensorFlow.

The names, default weights and sentences of this package's own terms are the fields of `Weights`,
the knobs of its networks their sections: `@term` and `@network` find them there. Everybody else's
bring theirs with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import create_model

from ris_tf.config.knobs import Section, knob
from ris_tf.config.learning import LABELS, Objective, Weights, needs_of, weight_knob
from ris_tf.config.network import BeamspaceNetwork, ReferenceNetwork
from ris_tf.registry import PluginError, Registry, require_signature, sentence_of

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

NETWORK = "ris_tf.network.base.Network"  # by its name: here is no TensorFlow
OUR_NETWORKS: dict[str, type[Section]] = {
    "beamspace": BeamspaceNetwork,
    "reference": ReferenceNetwork,
}


@dataclass(frozen=True)
class Term:
    """A term of the objective.

    Attributes:
        name: as in `objective.weights` and everywhere else.
        weight: the default.
        sentence: what it is.
        compute: `[B]` float32 of a `Comparison`, and of its knobs where it has some.
        through_blend: whether the network learns from it through `R_blend`.
        knobs: its own section, `objective.NAME`.
        needs: labels of scenes without which it cannot be computed, some of `LABELS`.
    """

    name: str
    weight: float
    sentence: str
    compute: Callable[..., Any]
    through_blend: bool = False
    knobs: type[Section] | None = None
    needs: tuple[str, ...] = ()

    def __call__(self, comparison: Any) -> Any:
        """`[B]` values of the scenes of a `Comparison`.

        Raises:
            PluginError: it returns anything else.
            MissingOutputError: the network does not have what it needs.
        """
        knobs = [getattr(comparison.config.objective, self.name)] if self.knobs else []
        value = self.compute(comparison, *knobs)
        shape = getattr(value, "shape", None)
        kind = getattr(getattr(value, "dtype", None), "name", type(value).__name__)
        if shape is None or len(shape) != 1 or kind != "float32":
            raise PluginError(
                f"returns {'' if shape is None else f'{list(shape)} '}{kind}",
                key="term",
                value=self.name,
                allowed="must return [B] float32, one value a scene",
            )
        return value


@dataclass(frozen=True)
class NetworkKind:
    """A kind of network.

    Attributes:
        name: as in `network.kind`.
        section: its knobs, with their `kind`.
        sentence: what it is.
        make: the network of a configuration, a `ris_tf.network.Network`.
    """

    name: str
    section: type[Section]
    sentence: str
    make: Callable[..., Any]


TERMS: Registry[Term] = Registry("term", r"[a-z][a-z0-9_]*", tuple(Weights.model_fields))
NETWORKS: Registry[NetworkKind] = Registry("network", r"[a-z][a-z0-9_-]*", tuple(OUR_NETWORKS))


def term(
    name: str,
    weight: float | None = None,
    *,
    through_blend: bool = False,
    knobs: type[Section] | None = None,
    needs: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Add a function as a term of the objective.

    Args:
        name: of the term, and of its weight `objective.weights.NAME`.
        weight: the default, 0 to 1000; 0 has the term off unless a configuration asks for it.
        through_blend: whether the network learns from it through `R_blend`: training then refuses
            to begin where `R_blend` is not on the gradient path.
        knobs: a `Section` of its own, which configurations have as `objective.NAME`.
        needs: labels that it needs, some of `LABELS`: where files do not have them, it is off.

    Returns:
        A decorator of a function of a `Comparison`, and of the knobs where there are some, that
        returns `[B]` float32. The first sentence of its docstring says everywhere what it is.

    Raises:
        PluginError: the name is taken, or the function or the weight cannot be used.
    """

    def register(function: F) -> F:
        given = ["comparison", *(["knobs"] if knobs else [])]
        require_signature(function, given, "term", name)
        field = Weights.model_fields.get(name)
        if field is not None:
            default, sentence, own = field.default, field.description or "", needs_of(field)
        else:
            default, sentence = _checked(weight, name), sentence_of(function, "term", name) + "."
            _check_name(name, knobs)
            own = _checked_needs(name, needs)
        TERMS.add(
            name,
            Term(name, default, sentence, function, through_blend, knobs, own),
            function.__module__,
        )
        return function

    return register


def _checked(weight: float | None, name: str) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1e3:
        allowed = "must be a number from 0 to 1000"
        raise PluginError(key=f"weight of {name}", value=weight, allowed=allowed)
    return float(weight)


def _checked_needs(name: str, needs: tuple[str, ...]) -> tuple[str, ...]:
    strange = [label for label in needs if label not in LABELS]
    if strange:
        allowed = f"must be some of {', '.join(LABELS)}"
        raise PluginError(key=f"needs of {name}", value=strange[0], allowed=allowed)
    return tuple(needs)


def labels_needed(name: str) -> tuple[str, ...]:
    """The labels of sources that a term needs; known before its function is loaded."""
    if name in Weights.model_fields:
        return needs_of(Weights.model_fields[name])
    return TERMS[name].needs


def _check_name(name: str, knobs: Any) -> None:
    if hasattr(Section, name) or (knobs and name in Objective.model_fields):
        remedy = "choose another name"
        raise PluginError("is a name of the schema's", key="term", value=name, remedy=remedy)
    _check_section("term", name, knobs)


def _check_section(what: str, name: str, knobs: Any) -> None:
    if knobs is not None and not (isinstance(knobs, type) and issubclass(knobs, Section)):
        allowed = "knobs must be a subclass of ris_tf.plugins.Section"
        raise PluginError(key=what, value=name, allowed=allowed)


def network(name: str, *, knobs: type[Section] | None = None) -> Callable[[C], C]:
    """Add a class as a kind of network, `network: {kind: NAME}`.

    Args:
        name: of the kind.
        knobs: a `Section` of its own, which the network finds as `config.network`.

    Returns:
        A decorator of a subclass of `ris_tf.network.Network`, whose docstring says what such a
        network takes and gives.

    Raises:
        PluginError: the name is taken, or the class cannot be used.
    """

    def register(cls: C) -> C:
        bases = {f"{base.__module__}.{base.__name__}" for base in getattr(cls, "__mro__", ())}
        if NETWORK not in bases:
            allowed = "must be a subclass of ris_tf.plugins.Network"
            raise PluginError(key="network", value=name, allowed=allowed)
        _check_section("network", name, knobs)
        section = OUR_NETWORKS.get(name) or create_model(
            "Network",
            __base__=knobs or Section,
            __doc__=sentence_of(cls, "network", name) + ".",
            kind=(Literal[name], knob(name, "Which network.")),  # pyright: ignore
        )
        sentence = sentence_of(section, "network", name) + "."
        NETWORKS.add(name, NetworkKind(name, section, sentence, cls), cls.__module__)
        return cls

    return register


def extra_terms() -> tuple[Term, ...]:
    """The terms that are not this package's own."""
    return tuple(one for one in TERMS.values() if one.name not in Weights.model_fields)


def extra_networks() -> tuple[NetworkKind, ...]:
    """The networks that are not this package's own."""
    return tuple(one for one in NETWORKS.values() if one.name not in OUR_NETWORKS)


def weights_with(terms: tuple[Term, ...]) -> type[Weights]:
    """The section of the weights, with those of more terms."""
    fields: Any = {one.name: (float, weight_knob(one.weight, one.sentence)) for one in terms}
    return create_model("Weights", __base__=Weights, __doc__=Weights.__doc__, **fields)
