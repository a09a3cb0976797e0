"""What a trial came to, from its run: the event log decides, whoever died when."""

import math
from dataclasses import replace

from ris_tf.config import Config, load_config
from ris_tf.errors import UserError
from ris_tf.runlog import Cause, End, Reason, RunDirectory
from ris_tf.search import (
    Choices,
    Entry,
    SearchDirectory,
    Space,
    Trial,
    TrialState,
    Value,
)
from ris_tf.search.ending import Ending
from ris_tf.search.hyperparameters import value_of, with_hyperparameters
from ris_tf.search.trial import frozen

# State of a trial by the reason of its run's end event.
ENDED = {
    Reason.FINISHED: TrialState.FINISHED,
    Reason.EARLY: TrialState.FINISHED,
    Reason.PRUNED: TrialState.PRUNED,
    Reason.STOPPED: TrialState.WAITING,
    Reason.INTERRUPTED: TrialState.WAITING,
    Reason.FAILED: TrialState.FAILED,
}
# Cause of a trial by that reason, where the end event of an older run has none.
CAUSES = {
    Reason.EARLY: Cause.PATIENCE,
    Reason.STOPPED: Cause.ON_REQUEST,
    Reason.INTERRUPTED: Cause.SIGNAL,
    Reason.FAILED: Cause.ERROR,
}


def with_outcome(trial: Trial, run: RunDirectory, before: End | None = None) -> Trial:
    """A trial with everything of it that is in its run's log.

    Args:
        trial: as it was known.
        run: its run.
        before: an end that was there before the run was taken up again, and means nothing now.

    Raises:
        RunError: the log cannot be read.
    """
    log = run.log(outline=True)
    objectives = tuple(v.values.get("objective", math.nan) for v in log.validations)
    finite = [value for value in objectives if math.isfinite(value)]
    record = replace(
        trial,
        epochs=len(objectives),
        objectives=objectives,
        objective=min(finite, default=math.nan),
        damaged=False,
    )
    if log.end is None or log.end == before:
        return replace(record, state=TrialState.RUNNING, cause=None)
    end = Reason.of(log.end.reason)
    record = replace(
        record,
        state=ENDED[end],
        reason=log.end.text,
        cause=Cause.of(log.end.cause) or CAUSES.get(end),
        ended=log.end.time,
    )
    if record.state == TrialState.FAILED and record.cause == Cause.DISK:
        return replace(record, state=TrialState.WAITING)  # the hyperparameters are not to blame
    if record.state == TrialState.FINISHED and not finite:
        return record.failed(Ending(Cause.NOT_FINITE, "no validation came to a number"))
    return record


def repair(search: SearchDirectory, config: Config) -> list[str]:
    """Write damaged trial.json files again from what their runs say; a line for each."""
    lines, space = [], search.search.space
    for trial in search.trials():
        if trial.path is None or not (trial.damaged or not _fits(trial, space)):
            continue
        if not trial.damaged and set(space) <= set(trial.hyperparameters):
            drawn = {key: _drawn(key, dict(trial.hyperparameters), space, config) for key in space}
            search.write_trial(replace(trial, drawn=drawn))
            continue
        run = RunDirectory.open(trial.path)
        try:
            own = load_config(run.config_path)
        except UserError as error:
            record = trial.failed(Ending(Cause.DAMAGED, f"trial.json is damaged, and {error}"))
            record = replace(record, damaged=False)
        else:
            values = {key: frozen(value_of(own, key)) for key in space}
            drawn = {key: _drawn(key, values, space, config) for key in space}
            record = with_outcome(replace(trial, hyperparameters=values, drawn=drawn), run)
            record = replace(record, started=run.identity.created)
        search.write_trial(record)
        lines.append(f"trial {trial.number}: trial.json could not be read; written from its run")
    return lines


def _fits(trial: Trial, space: Space) -> bool:
    """Whether an oracle can take a trial up."""
    parent = trial.drawn.get("tuner/trial_id", "0")
    return str(parent).isdecimal() and all(
        isinstance(trial.drawn.get(key), int | float)
        and (not isinstance(entry, Choices) or trial.drawn[key] in range(len(entry.values)))
        for key, entry in space.items()
    )


def _drawn(key: str, values: dict[str, Value], space: Space, config: Config) -> Value:
    """What keras-tuner would have drawn for a value: a place among choices, or the number."""
    entry: Entry = space[key]
    if not isinstance(entry, Choices):
        return values[key]
    if values[key] in entry.values:
        return entry.values.index(values[key])
    for place, choice in enumerate(entry.values):
        fitted = with_hyperparameters(config, {**values, key: choice})
        if frozen(value_of(fitted, key)) == values[key]:
            return place
    return 0
