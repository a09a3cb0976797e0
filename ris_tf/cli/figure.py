"""`ris-tf figure`: pictures for papers and reports."""

from pathlib import Path
from typing import Annotated

import typer

from ris_tf.cli.options import RunFolder

SUFFIXES = (".png", ".svg", ".pdf")

figure = typer.Typer(no_args_is_help=True, help="Draw a figure to a file.")


@figure.callback()
def _group() -> None:
    """Draw a figure to a file."""


@figure.command()
def training(
    run: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(help="File: .png, .svg or .pdf.", show_default="training.png in the run"),
    ] = None,
) -> None:
    """Loss, terms, gradient norms and directions of a run over its windows."""
    from ris_tf.config import ConfigError
    from ris_tf.runlog import RunDirectory, RunError

    directory = RunDirectory.open(run)
    target = out or directory.path / "training.png"
    if target.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {target}: must end in {', '.join(SUFFIXES)}")
    log = directory.log()
    if not len(log.steps):
        raise RunError(f"{run}: has no window yet, so there is nothing to draw")
    from ris_tf.figures import save_figure, training_figure

    drawn = training_figure(log, directory.config(), directory.identity.name)
    try:
        save_figure(drawn, target)
    except OSError as error:
        raise ConfigError(
            f"--out {target}: cannot be written: {error.strerror or error}; choose another file"
        ) from error
    typer.echo(str(target))
