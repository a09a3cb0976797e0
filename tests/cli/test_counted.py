"""One is singular, in every line that a person reads."""

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

import ris_tf
from ris_tf import words

NOUNS = ("epochs", "sessions", "trials", "threads", "processors", "variables")
SOURCES = sorted(Path(ris_tf.__file__).parent.rglob("*.py"))


def numbered(text: ast.JoinedStr) -> Iterator[str]:
    """Nouns that stand in the plural behind a number that may be one."""
    for before, value, after in zip(("", *text.values), text.values, text.values[1:], strict=False):
        if not (isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant)):
            continue
        of = isinstance(before, ast.Constant) and str(before.value).endswith((" of ", "than "))
        constant = isinstance(value.value, ast.Name) and value.value.id.isupper()
        noun = str(after.value).lstrip(" ").partition(" ")[0].rstrip(",.;:")
        if str(after.value).startswith(" ") and noun in NOUNS and not (of or constant):
            yield noun


def test_numbers_of_things_are_written_by_one_function():
    assert doctest.testmod(words).attempted
    assert not doctest.testmod(words).failed
    found = [
        f"{path}:{node.lineno}: {noun}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        for noun in numbered(node)
    ]
    assert not found, "write counted(number, noun)"


def test_the_search_above_finds_what_it_is_for():
    (found,) = (n for n in ast.walk(ast.parse('f"in {x} epochs"')) if isinstance(n, ast.JoinedStr))
    assert list(numbered(found)) == ["epochs"]
