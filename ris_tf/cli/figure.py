"""`ris-tf figure`: pictures for papers and reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import RunFolder, SearchFolder, require_out
from ris_tf.cli.terminal import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
SearchFigure = Annotated[
    Path | None,
    typer.Option("--out", help="File: .png, .svg or .pdf.", show_default="in the search"),
]

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
    from ris_tf.runlog import RunDirectory, RunError

    directory = RunDirectory.open(run)
    target = target_file(out, directory.path / "training.png")
    log = directory.log()
    if not len(log.steps):
        raise RunError("has no window yet, so there is nothing to draw", source=str(run))
    from ris_tf.figures import training_figure

    write_figure(training_figure(log, directory.identity.name), target)


@figure.command()
def trials(search: SearchFolder, out: SearchFigure = None) -> None:
    """The objective of a search's trials, and the best so far."""
    _of_search("trials", search, out)


@figure.command()
def parallel(search: SearchFolder, out: SearchFigure = None) -> None:
    """A search's trials as lines through an axis for each hyperparameter."""
    _of_search("parallel", search, out)


@figure.command()
def hyperparameters(search: SearchFolder, out: SearchFigure = None) -> None:
    """Each hyperparameter of a search against the objective."""
    _of_search("hyperparameters", search, out)


def _of_search(what: str, folder: Path, out: Path | None) -> None:
    from ris_tf.runlog import RunError
    from ris_tf.search import SearchDirectory

    search = SearchDirectory.open(folder)
    target = target_file(out, folder / f"{what}.png")
    trials = search.trials()
    from ris_tf.figures.search import FIGURES, why_not_drawn

    missing = why_not_drawn(what, search.search, trials)
    if missing:
        raise RunError(f"{missing}, so there is nothing to draw", source=str(folder))
    write_figure(FIGURES[what](search.search, trials), target)


def target_file(out: Path | None, default: Path) -> Path:
    """Where a figure goes; its suffix must be one that can be drawn."""
    from ris_tf.config import ConfigError

    target = out or default
    if target.suffix.lower() not in SUFFIXES:
        allowed = f"must end in {', '.join(SUFFIXES)}"
        raise ConfigError(key="--out", value=target, allowed=allowed)
    require_out("--out", target)
    return target


def write_figure(drawn: "Figure", target: Path) -> None:
    """Write a figure and say where."""
    from ris_tf.config import not_written
    from ris_tf.figures import save_figure

    try:
        save_figure(drawn, target)
    except OSError as error:
        raise not_written("--out", target, error, "choose another file") from error
    say(str(target))
