"""What commands print: one line is one line, and nothing in it is obeyed by a terminal.

Names of folders, texts of files and command lines of others may hold line breaks, escape sequences,
marks that turn the direction of writing, and rich's own markup.
"""

from typing import TYPE_CHECKING, Any

import typer

from ris_tf.errors import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def say(text: str = "", err: bool = False) -> None:
    """Print a line; line breaks and control characters in it are made visible."""
    typer.echo(printable(text), err=err)


def console(**options: Any) -> "Console":
    """A terminal for tables, whose texts are taken as they are.

    Args:
        options: of `rich.console.Console`.
    """
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, **options)


def cell(text: object, style: str = "") -> "Text":
    """A cell of a table, of a text from anywhere."""
    from rich.text import Text

    return Text(printable(str(text)), style)
