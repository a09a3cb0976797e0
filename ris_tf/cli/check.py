"""`ris-tf check`: is a run healthy, and if not, why?"""

from typing import TYPE_CHECKING

import typer

from ris_tf.cli.options import RunFolder
from ris_tf.cli.terminal import cell, console
from ris_tf.errors import printable

if TYPE_CHECKING:
    from rich.console import Console

    from ris_tf.runlog import Check, RunDirectory

MARKS = {
    "green": ("ok", "green"),
    "warning": ("!!", "yellow"),
    "amber": ("--", "yellow"),
    "unknown": ("??", "dim"),
    "red": ("NO", "bold red"),
}
COLUMN = 31  # width of the names


def check(run: RunFolder) -> None:
    """Print whether a run is healthy or why not, then each check; exit code 1 unless all pass.

    Checks that cannot be told, from an older log or of another model, do not count.
    """
    from ris_tf.runlog import RunDirectory

    raise typer.Exit(report(RunDirectory.open(run)))


def report(directory: "RunDirectory") -> int:
    """Print a run's health, the most upstream cause first; the exit code."""
    from ris_tf.runlog import check_health, verdict_on

    checks = check_health(directory.log(), directory.identity.task)
    printed = console(soft_wrap=True)
    verdict = verdict_on(checks)
    printed.print(cell(verdict.sentence, MARKS[verdict.level][1]))
    if verdict.check:
        for line in _to_do(verdict.check):
            printed.print(cell(f"  {line}"))
    for one in checks:
        _print(printed, one)
    counted = [one for one in checks if one.level != "unknown"]
    passed, untold = sum(one.passed for one in counted), len(checks) - len(counted)
    rest = f", {untold} cannot be told" if untold else ""
    printed.print(f"{passed} of {len(counted)} checks passed{rest}")
    return 0 if passed == len(counted) else 1


def _to_do(check: "Check") -> list[str]:
    """What to change, as a sentence and as settings, and where more about it stands."""
    return [
        *([f"what to do: {check.advice}"] if check.advice else []),
        *([f"as settings: {check.as_options}"] if check.remedies else []),
        *([f"more: {check.page_file}"] if check.page else []),
    ]


def _print(printed: "Console", check: "Check") -> None:
    from rich.text import Text

    mark, style = MARKS[check.level]
    printed.print(
        Text.assemble((f"{mark}  ", style), printable(f"{check.name:<{COLUMN}}{check.result}"))
    )
    wanted = check.level in ("red", "warning", "amber")
    lines = [*([check.matter] if check.matter and not check.because else []), *_to_do(check)]
    for line in lines if wanted and not check.because else ():
        printed.print(cell(f"    {'':<{COLUMN}}-> {line}", style))
