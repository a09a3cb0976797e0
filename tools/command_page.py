"""Writes docs/commands.md: every command of `ris-tf`, its arguments and options, from the app."""

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from ris_tf.cli.main import app

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
ELSEWHERE = {"gui"}  # commands whose help is another program's: `ris-gui --help`
ABOUT = """\
# Commands

Written by `make docs` from the program, whose `--help` has the same.

{exit_codes}

"""


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page in Markdown."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    commands = list(every_command(root))
    parts = ["| command | what it does |", "|---|---|", *(_line(*some) for some in commands), ""]
    parts += [_section(name, command) for name, command in commands]
    exit_codes = (root.help or "").partition("\n\n")[2].replace("\n", " ")
    return ABOUT.format(exit_codes=exit_codes) + "\n".join(parts)


def every_command(group: TyperGroup, before: str = "ris-tf") -> Iterator[tuple[str, TyperCommand]]:
    """Commands by what is typed, those of groups after their group's name."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from every_command(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def _line(name: str, command: TyperCommand) -> str:
    sentence = _about(command)[0].partition("\n")[0]
    return f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(sentence)} |"


def _section(name: str, command: TyperCommand) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    lines = [f"## {name}", "", *_about(command)]
    if command.name in ELSEWHERE:
        return "\n".join([*lines, "", "`ris-gui --help` has its options.", ""])
    usage = " ".join(command.collect_usage_pieces(context))
    lines += ["", "```", f"{name} {usage}", "```", ""]
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    options = [p for p in command.params if isinstance(p, TyperOption) and p.name != "help"]
    lines += _table("argument", [_row(p, context) for p in arguments])
    lines += _table("option", [_row(p, context) for p in options])
    return "\n".join(lines)


def _about(command: TyperCommand) -> list[str]:
    """The help text, its lines joined into paragraphs."""
    paragraphs = (command.help or "").replace("\b", "").split("\n\n")
    return ["\n\n".join(" ".join(part.split()) for part in paragraphs)]


def _table(what: str, rows: list[str]) -> list[str]:
    return [f"| {what} | what it is |", "|---|---|", *rows, ""] if rows else []


def _row(parameter: TyperArgument | TyperOption, context: typer.Context) -> str:
    spelled, text = parameter.get_help_record(context) or ("", "")
    return f"| `{_cell(spelled)}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
