"""`ris-tf why`: where a window that is not finite began."""

from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Plugins, RunFolder
from ris_tf.cli.plugins import load_named, open_run

if TYPE_CHECKING:
    from ris_tf.training.why import Found

FINITE, BROKEN = 0, 1  # exit codes


def why(
    run: RunFolder,
    window: Annotated[
        int | None,
        typer.Option(min=0, help="Window to replay.", show_default="the first that was dropped"),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Replay a dropped window with every operation checked, and name what is not finite first.

    Exit code 1 where it is found; its batch is kept in the run's folder, for a bug report.
    """
    load_named(plugin)
    directory = open_run(run)
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.training.why import replay

    found = replay(directory, window)
    for title, text in _lines(found):
        typer.echo(f"{title:<12}{text}")
    raise typer.Exit(BROKEN if found.origin else FINITE)


def _lines(found: "Found") -> list[tuple[str, str]]:
    from ris_tf.engine.diagnostics import words

    begun = f"with weights from before window {found.begun}" if found.begun else "from the start"
    rows = [("window", f"{found.window}, computed again {begun}")]
    origin = found.origin
    if origin is None:
        return [*rows, ("begins", "nowhere: everything in it is finite this time")]
    rows.append(("begins with", words(origin)))
    if origin.terms:
        rows.append(("not finite", ", ".join(origin.terms)))
    if operation := origin.operation:
        way = "backward" if operation.backward else "forward"
        rows.append(("operation", f"{operation.kind}, {way}"))
        rows += [("in layer", operation.layer)] if operation.layer else []
        rows += [("at", f"{operation.place}: {operation.source}")] if operation.place else []
    if origin.what in ("value", "gradient") and origin.term in origin.terms:
        rows.append(("without it", f"--set objective.weights.{origin.term}=0"))
    return [*rows, ("batch", f"{found.kept}, for a bug report")]
