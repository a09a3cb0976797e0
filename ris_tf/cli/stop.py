"""`ris-tf stop`: a clean stop, from anywhere that sees the run's folder."""

from ris_tf.cli.options import RunFolder
from ris_tf.cli.terminal import say


def stop(run: RunFolder) -> None:
    """Ask a run, or a search with its trials, to stop after its window: checkpoint, end event."""
    from ris_tf.runlog import RunDirectory, RunError, State, summarize
    from ris_tf.search import SearchDirectory, is_search

    if is_search(run):
        search = SearchDirectory.open(run)
        if search.holder_alive() is False:
            problem = "nothing works on it, so there is nothing to stop"
            raise RunError(problem, source=str(run))
        search.request_stop()
        say(f"{run}: asked to stop; its trials checkpoint after their window")
        return
    directory = RunDirectory.open(run)
    state = summarize(directory).state
    if state not in (State.RUNNING, State.STALLED, State.SUSPENDED, State.VANISHED):
        raise RunError(f"is {state}, so there is nothing to stop", source=str(run))
    directory.request_stop()
    say(f"{run}: asked to stop; it checkpoints after its window")
