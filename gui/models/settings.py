"""A configuration while it is edited: texts, what they change, what is wrong with them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gui.models.configurations import KIND, flat
from ris_tf.config import (
    Config,
    Knob,
    all_knobs,
    load_config,
    override_config,
    parse_config,
    read_mapping,
)
from ris_tf.errors import UserError

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")  # what needs no quotes, if YAML reads no number in it
NETWORK = "network"
OUR_KNOBS = tuple(all_knobs(Config))
OUR_PATHS = frozenset(knob.path for knob in OUR_KNOBS)
OUR_KINDS = frozenset(knob.variant for knob in OUR_KNOBS if knob.variant)
ALL = ""  # the key of errors that concern no single value


class Settings:
    """Every value of a configuration as text, as a person edits it.

    Values of plug-ins, whose code this process never loads, are edited like all others; whether
    they can be used is for the command to say that is started with them.

    Args:
        base: what is edited, as far as it is of `ris-tf`'s own schema.
        source: the file that it came from.
        knobs: all knobs there are, those of plug-ins among them; the schema's unless given.
        foreign: the file's values of plug-ins' knobs, by dotted key.

    Attributes:
        base: what is edited; a value is changed where it differs from this.
        source: the file that it came from.
    """

    def __init__(
        self,
        base: Config,
        source: Path,
        knobs: Sequence[Knob] = (),
        foreign: Mapping[str, Any] | None = None,
    ):
        self.base, self.source = base, source
        self._knobs = tuple(knobs) or OUR_KNOBS
        given = foreign or {}
        theirs = {
            knob.path: knob.default
            for knob in self._knobs
            if knob.path not in OUR_PATHS or (KIND in given and knob.variant == given[KIND])
        }
        values = {**values_of(base), **theirs, **given}
        self._values = {path: text_of(value) for path, value in values.items()}
        self._kind = self._values[KIND]
        self._edits: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path, knobs: Sequence[Knob] = ()) -> "Settings":
        """The settings of a configuration file, or of a run's config.yaml.

        Args:
            path: the file.
            knobs: see `Settings`.

        Raises:
            ConfigError: the file cannot be used.
        """
        if not knobs:
            return cls(load_config(path), path)
        ours, foreign = _parted(read_mapping(path), {knob.path for knob in knobs})
        return cls(parse_config(ours, str(path)), path, knobs, foreign)

    @property
    def kind(self) -> str:
        """Which network the values are of."""
        return self.text(KIND)

    def knobs(self) -> list[Knob]:
        """The knobs that apply: those of the other network do not."""
        kind = self.kind if self.kind in self._kinds() else self._kind
        found: dict[str, Knob] = {}
        for knob in self._knobs:
            if knob.path == KIND:
                # One row with all kinds: each network's model knows its own alone.
                choices = (*(found[KIND].choices if KIND in found else ()), *knob.choices)
                known = found.get(KIND, knob)
                found[KIND] = Knob(**{**vars(known), "choices": choices, "variant": None})
            elif knob.variant in (None, kind):
                found[knob.path] = knob
        return list(found.values())

    def text(self, path: str) -> str:
        """A value as it stands in the form."""
        if path in self._edits:
            return self._edits[path]
        return self._untouched(path)

    def edit(self, path: str, text: str) -> None:
        """Take what was typed; another kind of network brings its own knobs.

        What the networks have in common is kept where it was not the default.
        """
        if path == KIND and text != self.kind:
            self._switch(text)
        elif text == self._untouched(path):
            self._edits.pop(path, None)
        else:
            self._edits[path] = text

    def edit_like(self, other: "Settings") -> None:
        """Take what was typed in other settings."""
        for path in sorted(other._edits, key=lambda path: path != KIND):  # the kind comes first
            self.edit(path, other._edits[path])

    def reset(self, path: str) -> None:
        """Take back what was typed."""
        if path == KIND:
            self.edit(KIND, self._kind)
        self._edits.pop(path, None)

    def is_changed(self, path: str) -> bool:
        """Whether a value differs from the file's."""
        return path in self._edits

    def changed(self) -> list[str]:
        """Paths of the values that differ from the file's."""
        return [knob.path for knob in self.knobs() if self.is_changed(knob.path)]

    def config(self) -> Config:
        """What the texts say, without those of plug-ins.

        Raises:
            ConfigError: one of them, or all together, cannot be used.
        """
        return override_config(self.base, self._texts())

    def errors(self) -> dict[str, str]:
        """What is wrong, by the path of the value, or by `ALL` where it is none alone."""
        try:
            self.config()
        except UserError as error:
            whole = error
        else:
            return {}
        found = {}
        for path in filter(self._is_ours, self._edits):
            try:
                override_config(self.base, [*self._kind_text(), f"{path}={self._edits[path]}"])
            except UserError as error:
                found[path] = _beside(error, path)
        if not found:  # each value can be used, and all together cannot
            place = whole.key if whole.key in {knob.path for knob in self.knobs()} else ALL
            found[place] = _beside(whole, place)
        return found

    def overrides(self) -> list[str]:
        """The fewest `key=value` texts that make this configuration of the file.

        Raises:
            ConfigError: the texts cannot be used.
        """
        wanted, texts = values_of(self.config()), self._kind_text()
        known = values_of(override_config(self.base, texts))
        if KIND in self._edits and not texts:
            texts = [f"network={{kind: {self._edits[KIND]}}}"]
        return [
            *texts,
            *(f"{path}={text_of(value)}" for path, value in wanted.items() if value != known[path]),
            *(f"{path}={self._edits[path]}" for path in self._edits if self._is_theirs(path)),
        ]

    def find(self, words: str) -> set[str]:
        """Paths of the knobs whose name, sentence or unit has all the words."""
        parts = words.casefold().split()
        return {
            knob.path
            for knob in self.knobs()
            if all(p in f"{knob.path} {knob.sentence} {knob.unit or ''}".casefold() for p in parts)
        }

    def _untouched(self, path: str) -> str:
        """The text of a value nobody typed: the file's, or the other network's default."""
        if path.startswith("network.") and KIND in self._edits:
            defaults = {knob.path: text_of(knob.default) for knob in self.knobs()}
            return self._edits[KIND] if path == KIND else defaults.get(path, "")
        return self._values.get(path, "")

    def _switch(self, kind: str) -> None:
        before = {k.path: (k.type, self.text(k.path), text_of(k.default)) for k in self.knobs()}
        self._edits = {p: t for p, t in self._edits.items() if not p.startswith("network.")}
        if kind != self._kind:
            self._edits[KIND] = kind
        if kind not in self._kinds():
            return
        for knob in self.knobs():
            type_, text, default = before.get(knob.path, ("", "", ""))
            kept = knob.variant and knob.type == type_ and text != default
            if kept and text != self._untouched(knob.path):
                self._edits[knob.path] = text

    def _kinds(self) -> set[str]:
        """The kinds of network."""
        return {knob.variant for knob in self._knobs if knob.variant}

    def _is_ours(self, path: str) -> bool:
        """Whether the schema here can judge a value; a plug-in's network is for the plug-in."""
        if path == NETWORK or path.startswith(f"{NETWORK}."):
            return self.kind not in self._kinds() - OUR_KINDS
        return path in OUR_PATHS

    def _is_theirs(self, path: str) -> bool:
        return path != KIND and not self._is_ours(path)

    def _kind_text(self) -> list[str]:
        """What brings the schema here to the kind of network that is chosen."""
        changed = KIND in self._edits and self._is_ours(KIND)
        return [f"{NETWORK}={{kind: {self._edits[KIND]}}}"] if changed else []

    def _texts(self) -> list[str]:
        ours = (path for path in self._edits if path != KIND and self._is_ours(path))
        return [*self._kind_text(), *(f"{path}={self._edits[path]}" for path in ours)]


def _parted(document: dict[str, Any], known: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A file's mapping without plug-ins' keys, and those by dotted key.

    Args:
        document: the file's.
        known: dotted keys of all knobs there are.
    """
    section = document.get(NETWORK)
    kind = section.get("kind") if isinstance(section, dict) else None
    theirs = kind is not None and kind not in OUR_KINDS
    foreign = {
        path: value
        for path, value in flat(document).items()
        if path in known and (path not in OUR_PATHS or (theirs and path.startswith(f"{NETWORK}.")))
    }
    return _without(document, set(foreign)), foreign


def _without(document: dict[str, Any], paths: set[str], prefix: str = "") -> dict[str, Any]:
    """Nested mappings without some dotted keys, and without what is empty then."""
    kept = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        inner = _without(value, paths, f"{path}.") if isinstance(value, dict) else value
        if path not in paths and (inner or not value):
            kept[name] = inner
    return kept


def values_of(config: Config) -> dict[str, Any]:
    """Values by dotted key."""
    return flat(config.model_dump(mode="json"))


def text_of(value: Any) -> str:
    """A value as YAML, as short as people write it."""
    if isinstance(value, str) and WORD.match(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value)


def _beside(error: UserError, path: str) -> str:
    """An error as it stands beside a value, whose name and text are there already."""
    return error.advice if error.key in ("", path) else error.sentence
