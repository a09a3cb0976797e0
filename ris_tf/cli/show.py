"""`ris-tf show`: one run in full, or a search with its trials."""

from typing import TYPE_CHECKING

from ris_tf.cli.note import about
from ris_tf.cli.options import AnyFolder
from ris_tf.cli.runs_table import number
from ris_tf.cli.terminal import console, say
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.runlog import RunLog, Summary
    from ris_tf.search import SearchDirectory

NOTICES = 5  # shown, the last ones


def show(run: AnyFolder) -> None:
    """Print a run: who and where, state, last validation; or a search and its trials."""
    from ris_tf.runlog import RunDirectory, summarize
    from ris_tf.search import SearchDirectory, is_search

    if is_search(run):
        _show_search(SearchDirectory.open(run))
        return
    directory = RunDirectory.open(run)
    summary, log = summarize(directory), directory.log()
    for title, text in [*_about(summary), *_validated(log), *_files(summary, log)]:
        say(f"{title:<12}{text}")


def _show_search(search: "SearchDirectory") -> None:
    from ris_tf.cli.trials_table import print_trials

    for title, text in _about_search(search):
        say(f"{title:<12}{text}")
    if search.trials():
        say()
        print_trials(console(), search)


def _about_search(search: "SearchDirectory") -> list[tuple[str, str]]:
    from ris_tf.search import best_trial

    plan, trials, alive = search.search, search.trials(), search.holder_alive()
    best, done = best_trial(trials), sum(trial.settled for trial in trials)
    found = f"{number(best.objective)}, trial {best.number}" if best else "none yet"
    over = "finished" if plan.trials and done >= plan.trials else "stopped"
    state = {True: "running", False: over, None: "perhaps running, on another machine"}
    up_to = f", up to {counted(plan.epochs, 'epoch')} a trial" if plan.epochs else ""
    planned = counted(plan.trials or done, "trial")
    rows = [
        ("search", f"{search.path}, {state[alive]}"),
        ("algorithm", f"{plan.algorithm or 'not known'}{up_to}"),
        ("objective", plan.objective or "not known"),
        ("progress", f"{f'{done} of ' if plan.trials else ''}{planned} done"),
        ("best", found),
        ("where", f"{plan.user} on {plan.host}, {_created(plan.created)}"),
        ("command", " ".join(plan.command)),
    ]
    if alive is False and done < plan.trials:
        rows.append(("to go on", f"ris-tf tune {search.path} --resume"))
    return rows


def _created(seconds: float) -> str:
    from ris_tf.runlog import moment

    return f"created {moment(seconds, '%Y-%m-%d %H:%M:%S') or 'at no known time'}"


def _about(s: "Summary") -> list[tuple[str, str]]:
    from ris_tf.runlog import duration, read_remarks

    who = s.run.identity
    versions = ", ".join(f"{name} {version}" for name, version in who.versions.items())
    return [
        ("run", str(s.run.path)),
        ("state", f"{s.state}{': ' + s.reason if s.reason else ''}"),
        ("progress", f"epoch {s.epoch} of {s.epochs}, window {s.step:,} of {s.windows:,}"),
        (
            "time",
            f"{duration(s.seconds)} in {counted(who.session, 'session')}, {_created(who.created)}",
        ),
        ("loss", f"best {number(s.best_loss)}, last {number(s.last_loss)} (validation)"),
        ("dropped", counted(s.skipped, "window")),
        ("where", f"{who.user} on {who.host}, {who.processor}"),
        ("versions", f"python {who.python}, {versions}"),
        ("command", " ".join(who.command)),
        *([("began from", who.began_from.path)] if who.began_from.path else []),
        *about(read_remarks(s.run.path)),
    ]


def _validated(log: "RunLog") -> list[tuple[str, str]]:
    if not log.validations:
        return [("validation", "none yet")]
    last = log.validations[-1]
    rows = [("validation", f"after epoch {last.epoch + 1}, with the {last.weights} weights")]
    for name, value in last.values.items():
        sample = last.values.get(name.replace("term/", "sample/"))
        beside = (
            f"   (sample covariance {sample:.4f})"
            if sample is not None and name.startswith("term/")
            else ""
        )
        if not name.startswith("sample/"):
            rows.append(("", f"{name.removeprefix('term/'):<22}{value:>9.4f}{beside}"))
    return rows


def _files(s: "Summary", log: "RunLog") -> list[tuple[str, str]]:
    from ris_tf.runlog import State

    files = sorted(path.name for path in s.run.checkpoints.glob("*"))  # none in a copy without
    rows = [("checkpoints", ", ".join(files) or "none yet")]
    rows += [("notice", notice.text) for notice in log.notices[-NOTICES:]]
    if s.state is State.IMPORTED:
        rows.append(("to go on", f"ris-tf train {s.run.config_path} --from {s.run.path}"))
    elif s.resumable:
        rows.append(("to go on", f"ris-tf train --resume {s.run.path}"))
    elif s.idle:
        rows.append(("to go on", f"{' '.join(s.run.identity.command)}, its fit with resume=True"))
    return rows
