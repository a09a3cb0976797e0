"""`ris-tf why`: where a window that is not finite began."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Plugins, RunFolder
from ris_tf.cli.plugins import load_named, open_run
from ris_tf.errors import UserError

if TYPE_CHECKING:
    from ris_tf.runlog import RunDirectory

FINITE, BROKEN = 0, 1  # exit codes
Rows = list[tuple[str, str]]


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
    A run of a model of your own computed its first one again while it trained: that is shown.
    """
    from ris_tf.runlog import LOCALIZATION, RunDirectory

    load_named(plugin)
    directory = RunDirectory.open(run)
    ours = directory.identity.task == LOCALIZATION
    rows, code = _replayed(open_run(run), window) if ours else _recorded(directory, window)
    for title, text in rows:
        typer.echo(f"{title:<12}{text}")
    raise typer.Exit(code)


def _replayed(directory: "RunDirectory", window: int | None) -> tuple[Rows, int]:
    """A window of localization, computed again from the run's folder."""
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.engine.replay import as_values
    from ris_tf.runlog.origins import lines_of
    from ris_tf.training.why import replay

    found = replay(directory, window)
    begun = f"with weights from before window {found.begun}" if found.begun else "from the start"
    rows, origin = [("window", f"{found.window}, computed again {begun}")], found.origin
    if origin is None:
        return [*rows, ("begins", "nowhere: everything in it is finite this time")], FINITE
    rows += lines_of(as_values(origin))
    if origin.what in ("value", "gradient") and origin.term in origin.terms:
        rows.append(("without it", f"--set objective.weights.{origin.term}=0"))
    return [*rows, ("batch", f"{found.kept}, for a bug report")], BROKEN


def _recorded(directory: "RunDirectory", window: int | None) -> tuple[Rows, int]:
    """What a run of anybody's model found of its first window that is not finite.

    Raises:
        UserError: no window was dropped, nothing is known of them, or of this one.
    """
    from ris_tf.runlog.origins import ORIGIN, lines_of

    log = directory.log()
    dropped = log.steps[log.column("ok") != 1].tolist()
    notices = [notice.values for notice in log.notices if notice.what == ORIGIN]
    if not notices:
        raise _unknown(directory, dropped)
    found = notices[0]
    if window not in (None, found["window"]):
        raise UserError(
            source=str(directory.path),
            key="--window",
            value=window,
            allowed=f"must be {found['window']:g}, the one that this run computed again as it "
            "happened: its model, loss and data are in its own program",
        )
    rows = [("window", f"{found['window']:g}, computed again while the run trained")]
    if not found["of"]:
        return [("window", f"{found['window']:g}"), ("not known", found["problem"])], BROKEN
    kept = directory.path / found.get("kept", "")
    return [*rows, *lines_of(found), ("batch", f"{kept}, for a bug report")], BROKEN


def _unknown(directory: "RunDirectory", dropped: Sequence[int]) -> UserError:
    """Why there is nothing to show of a run of anybody's model."""
    source = str(directory.path)
    if not dropped:
        return UserError("no window was dropped", source=source)
    return UserError(
        f"window {dropped[0]} was dropped and not computed again: a loss scale was looking for its "
        "level, or an older version trained it; model, loss and data are in the run's own program",
        source=source,
        remedy="train it again with precision float32, which computes such a window as it happens",
    )
