"""`ris-tf check`: is a run healthy, and if not, why?"""

from typing import TYPE_CHECKING

import typer

from ris_tf.cli.options import RunFolder

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
    from rich.console import Console

    from ris_tf.runlog import check_health, verdict_on

    checks = check_health(directory.log(), directory.identity.task)
    console = Console(highlight=False, soft_wrap=True)
    verdict = verdict_on(checks)
    console.print(verdict.sentence, style=MARKS[verdict.level][1], markup=False)
    if verdict.check:
        for line in _to_do(verdict.check):
            console.print(f"  {line}", markup=False)
    for one in checks:
        _print(console, one)
    counted = [one for one in checks if one.level != "unknown"]
    passed, untold = sum(one.passed for one in counted), len(checks) - len(counted)
    rest = f", {untold} cannot be told" if untold else ""
    console.print(f"{passed} of {len(counted)} checks passed{rest}")
    return 0 if passed == len(counted) else 1


def _to_do(check: "Check") -> list[str]:
    """What to change, as a sentence and as settings, and where more about it stands."""
    return [
        *([f"what to do: {check.advice}"] if check.advice else []),
        *([f"as settings: {check.as_options}"] if check.remedies else []),
        *([f"more: {check.page}"] if check.page else []),
    ]


def _print(console: "Console", check: "Check") -> None:
    from rich.text import Text

    mark, style = MARKS[check.level]
    console.print(Text.assemble((f"{mark}  ", style), f"{check.name:<{COLUMN}}", check.result))
    wanted = check.level in ("red", "warning", "amber")
    lines = [*([check.matter] if check.matter and not check.because else []), *_to_do(check)]
    for line in lines if wanted and not check.because else ():
        console.print(Text(f"    {'':<{COLUMN}}-> {line}", style=style))
