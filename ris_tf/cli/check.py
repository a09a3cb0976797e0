"""`ris-tf check`: is a run healthy?"""

from typing import TYPE_CHECKING

import typer

from ris_tf.cli.options import RunFolder

if TYPE_CHECKING:
    from ris_tf.runlog import RunDirectory

MARKS = {"green": ("ok", "green"), "amber": ("--", "yellow"), "red": ("NO", "bold red")}


def check(run: RunFolder) -> None:
    """Print each health check, its figure and its advice; exit code 1 unless all pass."""
    from ris_tf.runlog import RunDirectory

    raise typer.Exit(report(RunDirectory.open(run)))


def report(directory: "RunDirectory") -> int:
    """Print a run's health as a checklist; the exit code."""
    from rich.console import Console
    from rich.text import Text

    from ris_tf.runlog import check_health

    checks = check_health(directory.log(), directory.identity.task)
    console = Console(highlight=False, soft_wrap=True)
    for one in checks:
        mark, style = MARKS[one.level]
        console.print(Text.assemble((f"{mark}  ", style), f"{one.name:<24}", one.result))
        if one.advice:
            console.print(Text(f"    {'':<24}-> {one.advice}", style=style))
    passed = sum(one.passed for one in checks)
    console.print(f"{passed} of {len(checks)} checks passed")
    return 0 if passed == len(checks) else 1
