"""YAML of plain values, from anybody: no tags, no aliases, no key twice, numbers of YAML 1.2."""

import re
from typing import Any

import yaml

from ris_tf.errors import UserError

DEEPEST = 32  # sections and lists inside one another; configurations have four
# Numbers as YAML 1.2 has them: `1e-3` is one, `010` is ten, `1:30` and `2026-11-27` are texts.
NUMBERS = {
    "int": re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", re.ASCII),
    "float": re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        re.ASCII,
    ),
}
OTHERWISE_IN_1_1 = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp")}


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.2 numbers; refuses aliases, a key given twice, and what is nested too deep."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (as the base class has it)
        first: [one for one in resolvers if one[0] not in OTHERWISE_IN_1_1]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                mark = self.peek_event().start_mark
                raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=mark)
            return self._compose_shallow(parent, index)
        finally:
            self._depth -= 1

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        text = node.value
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)

    def _compose_shallow(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # a few lines of them can stand for gigabytes
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(
                problem="aliases are not allowed; write the value out", problem_mark=mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"keys must be text, not {key!r}", key_node.start_mark
                )
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            keys.add(key)
        return super().construct_mapping(node, deep)

    def construct_undefined(self, node: yaml.Node) -> Any:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise yaml.MarkedYAMLError(
            problem=f"tag {tag!r} is not allowed; only plain values are",
            problem_mark=node.start_mark,
        )


# None stands for every tag without a constructor of its own.
_Loader.add_constructor(None, _Loader.construct_undefined)  # pyright: ignore[reportArgumentType]
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole_number)


class _Dumper(yaml.SafeDumper):
    """Writes texts that `_Loader` would read as numbers in quotes."""


for _kind, _form in NUMBERS.items():  # the first that fits counts: `1` is a whole number
    for _yaml in (_Loader, _Dumper):
        _yaml.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _form, list("-+.0123456789"))


def parse_yaml(text: str | bytes, source: str) -> Any:
    """The value of a document.

    Args:
        text: as it is written.
        source: where it comes from, for errors.

    Raises:
        UserError: it is no YAML, or has more than plain values.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        raise UserError(f"not readable as YAML{where}: {problem}", source=source) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"not readable as YAML: {reason}", source=source) from error


def dump_yaml(document: Any) -> str:
    """A document as text that `parse_yaml` reads back."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None)
