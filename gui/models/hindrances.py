"""Why something cannot be done to a run: one line for a person, empty where it can."""

from gui.models.followed import RunView
from ris_tf.runlog import State, Summary, verdict_on

ALIVE = (State.RUNNING, State.STALLED)
UNREADABLE = "it cannot be read"
NOT_OURS = "its own program goes on with it: the model is not ris-tf's"


def to_resume(view: RunView) -> str:
    """Going on with it from its last checkpoint."""
    return "" if view.resumable else _of_going_on(view, longer=False)


def taken_from(view: RunView) -> str:
    """Whose the run may still be, where that is not known here; empty where it is nobody's."""
    vanished = view.summary is not None and view.summary.state is State.VANISHED
    return view.summary.reason if vanished and view.summary else ""


def to_train_longer(view: RunView) -> str:
    """Going on with it under a plan of more epochs."""
    return "" if view.extendable else _of_going_on(view, longer=True)


def _of_going_on(view: RunView, longer: bool) -> str:
    if view.summary is None or not view.localizes:
        return NOT_OURS if view.summary else UNREADABLE
    if view.summary.state in ALIVE:
        return f"it is {doing(view.summary)}: a process works on it"
    if view.summary.state is State.FINISHED and not longer:
        return "it is finished; Train longer… plans more epochs"
    words = {
        State.NEW: "it has not begun",
        State.IMPORTED: "it was imported; Begin a new run at its weights… trains it",
    }
    checkpoint = "its process has not ended yet, or its checkpoints are gone"
    none = "it has no checkpoint; Start again with these settings… begins anew"
    return words.get(view.summary.state, checkpoint if view.log.checkpoints else none)


def to_stop(view: RunView) -> str:
    """Asking it to stop."""
    if view.summary and view.summary.stopping:
        return "it was asked to stop already, and ends after its window"
    return to_kill(view)


def to_kill(view: RunView) -> str:
    """Ending its process."""
    if view.summary is None:
        return UNREADABLE
    return "" if view.summary.state in ALIVE else f"it is {view.summary.state}: no process is at it"


def to_resume_search(view: RunView) -> str:
    """Going on with the search that it is a trial of."""
    if view.search_elsewhere:
        return ""  # a question comes before
    return _of_search(view, busy=True, words="a process works on its search")


def to_stop_search(view: RunView) -> str:
    """Asking the search that it is a trial of to stop."""
    return _of_search(view, busy=False, words="no process works on its search")


def _of_search(view: RunView, busy: bool, words: str) -> str:
    if view.search is None:
        return "it is no trial of a search"
    if view.search_busy is None:
        return "its search cannot be read"
    return words if view.search_busy is busy else ""


def to_open(view: RunView) -> str:
    """Anything that needs its folder alone."""
    return "" if view.run else UNREADABLE


def to_evaluate(view: RunView) -> str:
    """Comparing its network with other estimators, or localizing with it."""
    if view.run is None:
        return UNREADABLE
    return "" if view.localizes else "its model is not ris-tf's, and localizes nothing"


def to_change(view: RunView) -> str:
    """Starting it again with what its health checks advise to change."""
    advised = view.checks and verdict_on(view.checks).remedies
    return to_edit(view) or ("" if advised else "its health checks advise no other settings")


def to_note(view: RunView) -> str:
    """Noting something about it; also about a run that cannot be read."""
    del view
    return ""


def to_trash(view: RunView) -> str:
    """Moving its folder to the trash."""
    alive = view.summary is not None and view.summary.state in ALIVE
    return f"it is {doing(view.summary)}: stop it first" if alive and view.summary else ""


def to_edit(view: RunView) -> str:
    """Editing its settings in the form."""
    if view.run is None:
        return UNREADABLE
    return "" if view.localizes else "its settings are those of another program"


def doing(summary: Summary) -> str:
    """What a run is doing, in a word; also that it was asked to stop."""
    return "stopping" if summary.stopping else str(summary.state)
