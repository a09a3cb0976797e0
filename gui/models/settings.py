"""A configuration while it is edited: texts, what they change, what is wrong with them."""

import json
import re
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
    schema,
    shipped_configs,
)
from ris_tf.errors import UserError

# What needs no quotes, if YAML reads text in it: words, and paths with their patterns.
WORD = re.compile(r"(?:[A-Za-z_/]|\.{1,2}/)[\w./*?-]*$")
NO_MATCH = 99  # rank of a knob that a word does not describe
CONFIGS = Path("configs")  # of the project that one works in
ALL = ""  # the key of errors that concern no single value


class Settings:
    """Every value of a configuration as text, as a person edits it.

    Args:
        base: what is edited.
        source: the file that it came from.

    Attributes:
        base: what is edited; a value is changed where it differs from this.
        source: the file that it came from.
    """

    def __init__(self, base: Config, source: Path):
        self.base, self.source = base, source
        self._values = {path: text_of(value) for path, value in values_of(base).items()}
        self._edits: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """The settings of a configuration file, or of a run's config.yaml.

        Raises:
            ConfigError: the file cannot be used.
        """
        return cls(load_config(path), path)

    @property
    def kind(self) -> str:
        """Which network the values are of."""
        return self.text(KIND)

    def knobs(self) -> list[Knob]:
        """The knobs that apply: those of the other network do not."""
        kind = self.kind if self.kind in _kinds() else self.base.network.kind
        found: dict[str, Knob] = {}
        for knob in all_knobs(schema()):
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
        return self._unedited(path)

    def edit(self, path: str, text: str) -> None:
        """Take an edit; another kind of network brings its own knobs.

        What the networks have in common is kept where it was not the default.
        """
        if path == KIND and text != self.kind:
            self._switch(text)
        elif text == self._unedited(path):
            self._edits.pop(path, None)
        else:
            self._edits[path] = text

    def edit_like(self, other: "Settings") -> None:
        """Take the edits of other settings."""
        for path in sorted(other._edits, key=lambda path: path != KIND):  # the kind comes first
            self.edit(path, other._edits[path])

    def reset(self, path: str) -> None:
        """Undo an edit."""
        if path == KIND:
            self.edit(KIND, self.base.network.kind)
        self._edits.pop(path, None)

    def is_changed(self, path: str) -> bool:
        """Whether a value differs from the file's."""
        return path in self._edits

    def changed(self) -> list[str]:
        """Paths of the values that differ from the file's."""
        return [knob.path for knob in self.knobs() if self.is_changed(knob.path)]

    def config(self) -> Config:
        """The configuration that the texts describe.

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
        for path in self._edits:
            try:
                override_config(self.base, [*self._kind_text(), f"{path}={self._edits[path]}"])
            except UserError as error:
                found[path] = _message_beside(error, path)
        if not found:  # each value can be used, and all together cannot
            place = whole.key if whole.key in {knob.path for knob in self.knobs()} else ALL
            found[place] = _message_beside(whole, place)
        return found

    def overrides(self) -> list[str]:
        """The fewest `key=value` texts that make this configuration of the file.

        Raises:
            ConfigError: the texts cannot be used.
        """
        wanted, texts = values_of(self.config()), self._kind_text()
        known = values_of(override_config(self.base, texts))
        return texts + [
            f"{path}={text_of(value)}" for path, value in wanted.items() if value != known[path]
        ]

    def find(self, words: str) -> list[str]:
        """Paths of the knobs whose name, sentence or unit has all the words, best match first.

        A name counts more than its section, and that more than a sentence; a whole name more than
        its beginning. Without words, and among equals, the order is the schema's.
        """
        parts = words.casefold().split()
        found = [(knob.path, [_match(knob, part) for part in parts]) for knob in self.knobs()]
        hits = [(sum(ranks), path) for path, ranks in found if NO_MATCH not in ranks]
        return [path for _, path in sorted(hits, key=lambda hit: hit[0])]

    def _unedited(self, path: str) -> str:
        """The text of a value that is not edited: the file's, or the other network's default."""
        if path.startswith("network.") and KIND in self._edits:
            defaults = {knob.path: text_of(knob.default) for knob in self.knobs()}
            return self._edits[KIND] if path == KIND else defaults.get(path, "")
        return self._values.get(path, "")

    def _switch(self, kind: str) -> None:
        before = {k.path: (k.type, self.text(k.path), text_of(k.default)) for k in self.knobs()}
        self._edits = {p: t for p, t in self._edits.items() if not p.startswith("network.")}
        if kind != self.base.network.kind:
            self._edits[KIND] = kind
        if kind not in _kinds():
            return
        for knob in self.knobs():
            type_, text, default = before.get(knob.path, ("", "", ""))
            kept = knob.variant and knob.type == type_ and text != default
            if kept and text != self._unedited(knob.path):
                self._edits[knob.path] = text

    def _kind_text(self) -> list[str]:
        return [f"network={{kind: {self._edits[KIND]}}}"] if KIND in self._edits else []

    def _texts(self) -> list[str]:
        rest = (f"{path}={text}" for path, text in self._edits.items() if path != KIND)
        return [*self._kind_text(), *rest]


def _match(knob: Knob, word: str) -> int:
    """How well a word describes a knob: 0 is best, `NO_MATCH` not at all."""
    name, path = knob.path.rpartition(".")[2].casefold(), knob.path.casefold()
    ways = (
        word in (name, path),
        name.startswith(word),
        word in name,
        word in path,
        word in f"{knob.sentence} {knob.unit or ''}".casefold(),
    )
    return ways.index(True) if any(ways) else NO_MATCH


def _kinds() -> set[str]:
    """The kinds of network."""
    return {knob.variant for knob in all_knobs(schema()) if knob.variant}


def values_of(config: Config) -> dict[str, Any]:
    """Values by dotted key."""
    return flat(config.model_dump(mode="json"))


def text_of(value: Any) -> str:
    """A value as YAML, as short as people write it."""
    if isinstance(value, str) and WORD.match(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value)


def _message_beside(error: UserError, path: str) -> str:
    """An error as it stands beside a value, whose name and text are there already."""
    return error.advice if error.key in ("", path) else error.sentence


def configurations() -> list[Path]:
    """The configurations of the project one works in, or else those that come with the package."""
    return sorted(CONFIGS.glob("*.yaml")) or list(shipped_configs().values())
