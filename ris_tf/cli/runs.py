"""`ris-tf runs`: every run under a folder."""

import math
from pathlib import Path
from typing import Annotated

import typer

STYLES = {"running": "green", "stalled": "yellow", "failed": "red", "lost": "red"}


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder to look under.")] = Path("runs"),
) -> None:
    """List runs, oldest first: state, progress, validation loss."""
    from rich.console import Console
    from rich.table import Table

    from ris_tf.runlog import RunError, find_runs, summarize

    if not folder.is_dir() and folder != Path("runs"):
        raise RunError(f"{folder}: is no folder; give the folder that holds the runs")
    found = find_runs(folder)
    if not found:
        typer.echo(f"no runs under {folder}/; start one: ris-tf train configs/quickstart.yaml")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold")
    for title in ("state", "epoch", "best loss", "last loss", "dropped", "took"):
        table.add_column(title, justify="left" if title == "state" else "right", no_wrap=True)
    for run in found:
        s = summarize(run)
        table.add_row(
            str(run.path),
            f"[{STYLES.get(s.state, 'default')}]{s.state}[/]",
            f"{s.epoch}/{s.epochs or '?'}",
            number(s.best_loss),
            number(s.last_loss),
            str(s.skipped),
            duration(s.seconds),
        )
    Console(highlight=False).print(table)


def number(value: float) -> str:
    """A loss to four digits, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def duration(seconds: float) -> str:
    """`1:02:03`, or `2:03` below an hour."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
