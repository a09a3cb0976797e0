"""`ris-tf doctor`: does it work here, and what to do where it does not?"""

from pathlib import Path
from typing import Annotated

import typer

from ris_tf.words import counted

MARKS = {"good": ("ok", "green"), "note": ("--", "yellow"), "bad": ("NO", "bold red")}


def doctor(
    runs_dir: Annotated[Path, typer.Option(help="Folder that would get runs.")] = Path("runs"),
) -> None:
    """Try this machine: versions, memory, disk, display, TensorFlow, XLA, precisions.

    Takes about ten seconds and leaves nothing behind. What it prints can be pasted into a report
    of a fault. Exit code 1 where something does not work.
    """
    from rich.console import Console
    from rich.text import Text

    from ris_tf.doctor import Mark, examine, without_home

    console = Console(highlight=False, soft_wrap=True)
    bad = 0
    for one in examine(runs_dir):
        mark, style = MARKS[one.mark]
        bad += one.mark is Mark.BAD
        line = f"{one.name:<12}", without_home(one.text)
        console.print(Text.assemble((f"{mark}  ", style), *line))
        if one.remedy:
            console.print(Text(f"    {'':<12}-> {one.remedy}", style=style))
    console.print(counted(bad, "fault") if bad else "what is installed works here")
    raise typer.Exit(1 if bad else 0)
