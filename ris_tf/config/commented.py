"""A configuration with all its keys, and what each is, as comments: a file to start from."""

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from ris_tf.config.describe import Knob, all_knobs, allowed_words
from ris_tf.config.schema import Config, schema

WIDTH = 100  # characters of a line of comments
INDENT = "  "
HEAD = (
    "Every key of a configuration, its meaning, unit and allowed values. Keys may be left out: "
    "they then have the defaults named here. `ris-tf train FILE` trains it; `ris-tf model FILE` "
    "shows its network."
)


def commented_config(config: Config, title: str) -> str:
    """A configuration as YAML that `load_config` reads back, each key with its sentence.

    Args:
        config: its values.
        title: first line of the file.
    """
    knobs = {knob.path: knob for knob in all_knobs(schema()) if _has(config, knob)}
    head = [*_comment(title), "#", *_comment(HEAD)]
    return "\n".join([*head, *_section(config, "", knobs)]) + "\n"


def _has(config: Config, knob: Knob) -> bool:
    return knob.variant in (None, config.network.kind)


def _section(section: BaseModel, prefix: str, knobs: dict[str, Knob]) -> Iterator[str]:
    """Lines of a section, indented by its depth."""
    indent = INDENT * prefix.count(".")
    values = section.model_dump(mode="json")
    for name in type(section).model_fields:
        inner = getattr(section, name)
        if isinstance(inner, BaseModel):
            about = (type(inner).__doc__ or "").partition("\n")[0]
            yield from ["", *_comment(about, indent), f"{indent}{name}:"]
            yield from _section(inner, f"{prefix}{name}.", knobs)
        else:
            yield from ["", *_comment(_about(knobs[f"{prefix}{name}"]), indent)]
            yield f"{indent}{name}: {_yaml(values[name])}"


def _about(knob: Knob) -> str:
    """What a knob is, its unit, its allowed values and its default."""
    unit = f" Unit: {knob.unit}." if knob.unit else ""
    default = list(knob.default) if isinstance(knob.default, tuple) else knob.default
    return f"{knob.sentence}{unit} Allowed: {allowed_words(knob)}. Default: {_yaml(default)}."


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _yaml(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
