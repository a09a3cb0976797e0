"""Every command in the documentation is one: its name, options, keys, values and files.

The commands of the README and of the guides are run as well, see `test_readme.py`; here the program
that reads them takes each apart, without TensorFlow.
"""

import argparse
import re
from pathlib import Path

import pytest
from pages import commands, mentioned, pages
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ris_tf.cli.main import app
from ris_tf.config import load_config, override_config
from ris_tf.config.shipped import shipped_configs

ROOT = Path(__file__).parent.parent.parent
PAGES = [page for page in pages(ROOT) if page.name != "commands.md"]  # made from the program
TYPED = [(page, words) for page in PAGES for words in commands(page.read_text("utf-8"))]
NAMED = [(page, words) for page in PAGES for words in mentioned(page.read_text("utf-8"))]
ESTIMATORS = re.findall(
    r'^@estimator\("([^"]+)"',
    (ROOT / "ris_tf" / "estimation" / "catalogue.py").read_text("utf-8"),
    re.MULTILINE,
)


def test_there_are_commands_to_look_at():
    assert len(TYPED) > 90
    assert len(NAMED) > 40


@pytest.mark.parametrize(
    ("page", "words"), TYPED, ids=[f"{page.stem}-{i}" for i, (page, _) in enumerate(TYPED)]
)
def test_command_is_read_by_its_program(page, words):
    program, *rest = words
    if program == "ris-tf":
        command, given = found(rest)
        read(command, given)
    elif program == "ris-gui":
        from gui.app import _parser

        assert isinstance(_parser().parse_args(rest), argparse.Namespace)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert rest[0] in targets
    elif program == "python" and rest[0] == "-m":
        assert (ROOT / f"{rest[1].replace('.', '/')}.py").exists()
    elif program == "python":
        assert (ROOT / rest[0]).exists()
    elif program == "pip":
        _check_extras(rest[-1])
    for word in words:
        if re.match(r"(configs|examples|docs|benchmarks|tools)/", word):
            assert (ROOT / word).exists()


def _check_extras(requirement: str) -> None:
    """That `ris-tf[a,b]` names extras that there are."""
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    named = re.fullmatch(r"ris-tf(?:\[([\w,]+)\])?", requirement)
    assert named, requirement
    assert set((named[1] or "all").split(",")) <= set(extras)


def found(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """The command that some words name, and the words after its name."""
    command = get_command(app)
    while isinstance(command, TyperGroup) and words:
        assert words[0] in command.commands, f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def read(command: TyperCommand | TyperGroup, words: list[str]) -> None:
    """Have the command read its words, and what it has been given checked as far as it can be."""
    context = command.make_context(command.name, [word for word in words if word != "..."])
    given = context.params
    changes = given.get("changes") or given.get("overrides") or given.get("set_") or []
    if changes:
        config = given.get("config")
        name = str(config) if str(config) in shipped_configs() else "quickstart"
        override_config(load_config(name), changes)
    for name in str(given.get("estimators") or "").split(","):
        assert name in ("", "all", *ESTIMATORS), name


@pytest.mark.parametrize(
    ("page", "words"), NAMED, ids=[f"{page.stem}-{i}" for i, (page, _) in enumerate(NAMED)]
)
def test_command_in_the_text_has_its_options(page, words):
    command, given = found([word for word in words[1:] if word])
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    for word in given:
        if word.startswith("-"):
            assert word.partition("=")[0] in {*options, "--help", "-h"}, f"{page.name}: {word}"
