"""`ris-tf check`: is a run healthy?"""

from typing import TYPE_CHECKING

import typer

from ris_tf.cli.options import RunFolder
from ris_tf.cli.terminal import cell, console

if TYPE_CHECKING:
    from ris_tf.runlog import RunDirectory

MARKS = {"green": ("ok", "green"), "amber": ("--", "yellow"), "red": ("NO", "bold red")}


def check(run: RunFolder) -> None:
    """Print each health check, its figure and its advice; exit code 1 unless all pass."""
    from ris_tf.runlog import RunDirectory

    raise typer.Exit(report(RunDirectory.open(run)))


def report(directory: "RunDirectory") -> int:
    """Print a run's health as a checklist; the exit code."""
    from rich.text import Text

    from ris_tf.errors import printable
    from ris_tf.runlog import check_health

    checks = check_health(directory.log(), directory.identity.task)
    printed = console(soft_wrap=True)
    for one in checks:
        mark, style = MARKS[one.level]
        printed.print(Text.assemble((f"{mark}  ", style), printable(f"{one.name:<24}{one.result}")))
        if one.advice:
            printed.print(cell(f"    {'':<24}-> {one.advice}", style))
    passed = sum(one.passed for one in checks)
    printed.print(f"{passed} of {len(checks)} checks passed")
    return 0 if passed == len(checks) else 1
