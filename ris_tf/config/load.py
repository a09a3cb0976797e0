"""From YAML files and `--set key=value` to a `Config`, and back to YAML."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ris_tf.config.describe import names_by_section
from ris_tf.config.errors import ConfigError, refused
from ris_tf.config.scene import IMPERFECTIONS, named_imperfections
from ris_tf.config.schema import Config, schema
from ris_tf.config.shipped import config_file
from ris_tf.disk import open_regular
from ris_tf.errors import UserError
from ris_tf.plain_yaml import dump_yaml, parse_yaml

LARGEST_FILE = 1_000_000  # bytes; configurations are small, anything larger is a mistake


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration and apply `key=value` overrides.

    Args:
        path: YAML file, or the name of a configuration that comes with the package, such as
            `quickstart`; keys that it does not give keep their defaults.
        overrides: `section.key=value` texts, the value in YAML, applied in order.

    Raises:
        ConfigError: the file or a value cannot be used; one line names what is wrong and allowed.
    """
    file = config_file(path)
    return _validated(read_mapping(file), list(overrides), str(path))


def parse_config(document: dict[str, Any], source: str = "configuration") -> Config:
    """Make a `Config` of nested dictionaries, as YAML gives them.

    Raises:
        ConfigError: a key or value is refused.
    """
    return _validated(document, [], source)


def text_config(text: str, source: str) -> Config:
    """The configuration of a YAML text, as `dump_config` writes it.

    Raises:
        ConfigError: it is none.
    """
    return parse_config(_mapping(_parse(text, source), source), source)


def default_config(overrides: Iterable[str]) -> Config:
    """The defaults with `section.key=value` texts applied, as `load_config` applies them.

    Raises:
        ConfigError: a text or value is refused; one line names what is wrong and allowed.
    """
    return _validated({}, list(overrides), "configuration")


def override_config(config: Config, overrides: Iterable[str]) -> Config:
    """A configuration with `section.key=value` texts applied, as `load_config` applies them.

    Raises:
        ConfigError: a text or value is refused; one line names what is wrong and allowed.
    """
    return _validated(config.model_dump(mode="json"), list(overrides), "configuration")


def replace_values(
    config: Config, values: Mapping[str, Any], source: str = "configuration"
) -> Config:
    """A configuration with other values by dotted key, checked as a file's are.

    Raises:
        ConfigError: a key or value is refused; one line, which begins with `source`.
    """
    document = config.model_dump(mode="json")
    for key, value in values.items():
        document = _placed(document, key.split("."), value, source)
    return _validated(document, [], source)


def values_by_key(document: Any, prefix: str = "") -> dict[str, Any]:
    """The values of nested sections by dotted key, as `model_dump(mode="json")` has them."""
    if not isinstance(document, Mapping):
        return {prefix: document}
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat |= values_by_key(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def with_calibration(config: Config, path: str | Path) -> Config:
    """A configuration whose panel's elements have the gains of a file of `ris-tf calibrate`."""
    changes = {"imperfections.calibration": str(path), "imperfections.digest": None}
    return replace_values(config, changes, "--calibration")


def with_imperfections(config: Config, name: str) -> Config:
    """A configuration with a named set of imperfections in place of its own.

    Raises:
        ConfigError: there is no such set.
    """
    try:
        changes = named_imperfections(name)
    except UserError as error:
        raise ConfigError(**{**error.arguments(), "key": "--imperfections"}) from None
    return replace_values(config, {"imperfections": changes}, "--imperfections")


def dump_config(config: Config) -> str:
    """The whole configuration, defaults included, as YAML that `load_config` reads back."""
    return dump_yaml(config.model_dump(mode="json"))


def read_mapping(path: Path) -> dict[str, Any]:
    """Keys and values of a small YAML file: no tags, no aliases, no key twice.

    Raises:
        ConfigError: it cannot be read, or has something else in it.
    """
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}",
            source=str(path),
            remedy="give the path of a YAML file",
        ) from error
    if len(data) > LARGEST_FILE:
        raise ConfigError(
            f"larger than {LARGEST_FILE} bytes",
            source=str(path),
            remedy="this is no configuration",
        )
    return _mapping(_parse(data, str(path)), str(path))


def _parse(text: str | bytes, source: str) -> Any:
    try:
        return parse_yaml(text, source)
    except UserError as error:
        raise ConfigError.like(error, source) from error


def _mapping(document: Any, source: str) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(
            source=source, allowed=f"must have keys and values, not {type(document).__name__}"
        )
    return document


def _validated(document: dict[str, Any], overrides: list[str], source: str) -> Config:
    merged = document
    for override in overrides:
        merged = overridden(merged, override)
    try:
        return schema().model_validate(merged)
    except ValidationError as error:
        blamed = "--set" if overrides and _is_valid(document) else source
        raise refused(error, blamed, merged, names_by_section(schema())) from error


def _is_valid(document: dict[str, Any]) -> bool:
    try:
        schema().model_validate(document)
    except ValidationError:
        return False
    return True


def overridden(document: dict[str, Any], override: str) -> dict[str, Any]:
    """Nested keys and values, not checked yet, with a `section.key=value` text applied.

    Raises:
        ConfigError: the text has no key, or its value is no YAML.
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(source=f"--set {override!r}", allowed="must read section.key=value")
    value = _parse(text, f"--set {override!r}")
    if parts == ["imperfections"] and value in list(IMPERFECTIONS):  # others may follow
        value = named_imperfections(value)
    return _placed(document, parts, value, f"--set {override!r}")


def _placed(
    document: Any, parts: list[str], value: Any, source: str, above: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A document with a value at the place that `parts` name; `above` are the names before."""
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise ConfigError(
            "is a value, not a section", source=source, key=".".join(above), value=document
        )
    head, *rest = parts
    if not rest:
        return {**document, head: value}
    return {**document, head: _placed(document.get(head, {}), rest, value, source, (*above, head))}
