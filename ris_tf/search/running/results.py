"""What a search prints while it goes on, and the files that it writes: best.yaml, trials.csv."""

import time
from collections.abc import Mapping
from statistics import median

from ris_tf.config import Config, dump_config
from ris_tf.engine.reporter import Reporter
from ris_tf.errors import UserError
from ris_tf.runlog import RunError, atomic_write
from ris_tf.runlog.files import unwritable
from ris_tf.search import (
    SearchDirectory,
    Trial,
    TrialState,
    Value,
    best_trial,
    rows_of,
    short_names,
    trials_csv,
    value_text,
)
from ris_tf.search.hyperparameters import with_hyperparameters
from ris_tf.words import counted

BEST, TABLE = "best.yaml", "trials.csv"


def described(hyperparameters: Mapping[str, Value]) -> str:
    """`width 256, dropout 0.12, ...`"""
    names = short_names(list(hyperparameters))
    pairs = zip(names, hyperparameters.values(), strict=True)
    return ", ".join(f"{name} {value_text(value)}" for name, value in pairs)


def trial_begins(reporter: Reporter, search: SearchDirectory, trial: Trial) -> None:
    """Print which trial trains now."""
    again = f", going on after epoch {trial.epochs}" if trial.epochs else ""
    reporter.say(f"trial {trial.number} of {search.search.trials}{again}")
    reporter.say(f"  {described(trial.hyperparameters)}")


def trial_ended(reporter: Reporter, search: SearchDirectory, trial: Trial) -> None:
    """Print how a trial ended, and how far the search is."""
    trials = search.trials()
    best = best_trial(trials)
    text, style = f"trial {trial.number} {trial.state}", "info"
    if trial.state == TrialState.FAILED:
        style = "error"
        text += f": {trial.reason}"
    else:
        text += f": objective {trial.objective:.4f}"
        text += f"; {trial.reason}" if trial.state == TrialState.PRUNED else ""
    if best and best.number == trial.number:
        style = "good"
        text += ", the best so far"
    elif best:
        text += f"; best {best.objective:.4f}, trial {best.number}"
    reporter.say(text + _remaining(search, trials, trial.worker), style)


def _remaining(search: SearchDirectory, trials: list[Trial], worker: str) -> str:
    """About how long the rest will take, by the trials that ended: some were stopped in between."""
    took = [t.ended - t.started for t in trials if t.settled and t.ended > t.started > 0]
    rest = search.search.trials - sum(trial.settled for trial in trials)
    if not took or rest <= 0:
        return ""
    workers = len({t.worker for t in trials if t.state == TrialState.RUNNING} | {worker})
    minutes = rest * median(took) / 60 / workers
    return f"; {rest} to go, about {minutes:.0f} min"


def write_results(search: SearchDirectory, config: Config) -> None:
    """best.yaml and trials.csv as of now, each whole or not at all.

    Raises:
        RunError: the disk refused.
    """
    trials = search.trials()
    table = trials_csv(search.search, rows_of(trials, time.time()))
    files = {TABLE: table}
    best = best_trial(trials)
    if best:
        files[BEST] = best_config(search, config, best)
    for name, text in files.items():
        try:
            atomic_write(search.path / name, text.encode())
        except OSError as error:
            raise unwritable(search.path / name, error) from error


def best_config(search: SearchDirectory, config: Config, best: Trial) -> str:
    """The configuration of a trial as YAML that `ris-tf train` takes: averages and epochs are the
    configuration's own again."""
    try:
        text = dump_config(with_hyperparameters(config, best.hyperparameters))
    except UserError as error:  # config.yaml was changed under the search
        raise RunError.like(error, f"{search.path}: trial {best.number}") from error
    head = [
        f"Trial {best.number} of search {search.search.name}: objective {best.objective:.4f} after "
        f"{counted(best.epochs, 'epoch')}.",
        f"Chosen: {described(best.hyperparameters)}.",
    ]
    return "".join(f"# {line}\n" for line in head) + text
