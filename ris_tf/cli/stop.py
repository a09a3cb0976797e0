"""`ris-tf stop`: a clean stop, from anywhere that sees the run's folder."""

import typer

from ris_tf.cli.options import RunFolder


def stop(run: RunFolder) -> None:
    """Ask a run to stop after its window: checkpoint, end event, exit code 0."""
    from ris_tf.runlog import RunDirectory, RunError, State, summarize

    directory = RunDirectory.open(run)
    state = summarize(directory).state
    if state not in (State.RUNNING, State.STALLED):
        raise RunError(f"{run}: is {state}, so there is nothing to stop")
    directory.request_stop()
    typer.echo(f"{run}: asked to stop; it checkpoints after its window")
