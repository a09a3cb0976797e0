"""`ris-tf note`: what a person notes about a run, for the monitor, `ris-tf show` and others."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import RunFolder

if TYPE_CHECKING:
    from ris_tf.runlog import Remarks


def note(
    run: RunFolder,
    text: Annotated[
        str | None, typer.Argument(help="The note; an empty text removes it. Without: print it.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="What it is called instead of its folder's name.")
    ] = None,
    tags: Annotated[
        str | None, typer.Option(help="Words to find it by, separated by commas; replaces all.")
    ] = None,
    pin: Annotated[bool | None, typer.Option(help="Keep it above all others.")] = None,
    archive: Annotated[
        bool | None, typer.Option(help="Keep it out of the monitor's sight.")
    ] = None,
) -> None:
    """Note something about a run: text, title, tags; without any, print what is noted."""
    from ris_tf.runlog import RunDirectory, read_remarks, tags_of, write_remarks

    RunDirectory.open(run)  # refuses what is no run
    given = {
        "note": text,
        "title": title,
        "tags": None if tags is None else tags_of(tags),
        "pinned": pin,
        "archived": archive,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    remarks = replace(read_remarks(run), **changes)
    if changes:
        write_remarks(run, remarks)
    for name, words in about(remarks):
        typer.echo(f"{name:<12}{words}")


def about(remarks: "Remarks") -> list[tuple[str, str]]:
    """The rows that a table of a run has of remarks."""
    marks = [word for word in ("pinned", "archived") if getattr(remarks, word)]
    rows = {
        "title": remarks.title,
        "note": remarks.note,
        "tags": ", ".join(remarks.tags),
        "marks": ", ".join(marks),
    }
    return [(name, words) for name, words in rows.items() if words]
