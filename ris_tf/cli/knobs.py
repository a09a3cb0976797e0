"""`ris-tf knobs`: every configuration key, those of plug-ins included."""

from typing import Annotated

import typer

from ris_tf.cli.options import Plugins
from ris_tf.cli.plugins import load_named
from ris_tf.cli.terminal import cell, console, say


def knobs(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]...", help="Only keys with these words.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="What plug-ins add, for programs.")] = False,
    plugin: Plugins = None,
) -> None:
    """List configuration keys: default, what is allowed, what it is."""
    import json

    from rich.table import Table

    from ris_tf.config import ConfigError, all_knobs, schema
    from ris_tf.config.declared import additions
    from ris_tf.config.describe import allowed_words

    load_named(plugin)
    if json_:
        say(json.dumps(additions()))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("key", "default", "allowed", "what it is"):
        table.add_column(title, overflow="fold")
    for knob in all_knobs(schema()):
        text = f"{knob.path} {knob.variant or ''} {knob.sentence}".casefold()
        if all(word.casefold() in text for word in words or ()):
            of = f" ({knob.variant})" if knob.variant else ""
            default = json.dumps(knob.default)
            table.add_row(*map(cell, (knob.path + of, default, allowed_words(knob), knob.sentence)))
    if not table.row_count:
        raise ConfigError("no key has these words", source=f"knobs {' '.join(words or ())}")
    printed = console()
    if not printed.is_terminal:
        printed = console(width=160)
    printed.print(table)
