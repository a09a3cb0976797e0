"""`ris-tf show`: one run in full."""

import time
from typing import TYPE_CHECKING

import typer

from ris_tf.cli.options import RunFolder
from ris_tf.cli.runs import duration, number

if TYPE_CHECKING:
    from ris_tf.runlog import RunLog, Summary

NOTICES = 5  # shown, the last ones


def show(run: RunFolder) -> None:
    """Print a run: who and where, state, last validation, checkpoints, notices."""
    from ris_tf.runlog import RunDirectory, summarize

    directory = RunDirectory.open(run)
    summary, log = summarize(directory), directory.log()
    for title, text in [*_about(summary), *_validated(log), *_files(summary, log)]:
        typer.echo(f"{title:<12}{text}")


def _about(s: "Summary") -> list[tuple[str, str]]:
    who = s.run.identity
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(who.created))
    versions = ", ".join(f"{name} {version}" for name, version in who.versions.items())
    return [
        ("run", str(s.run.path)),
        ("state", f"{s.state}{': ' + s.reason if s.reason else ''}"),
        ("progress", f"epoch {s.epoch} of {s.epochs}, window {s.step:,} of {s.windows:,}"),
        ("time", f"{duration(s.seconds)} in {who.session} session(s), created {created}"),
        ("loss", f"best {number(s.best_loss)}, last {number(s.last_loss)} (validation)"),
        ("dropped", f"{s.skipped} windows"),
        ("where", f"{who.user} on {who.host}, {who.processor}"),
        ("versions", f"python {who.python}, {versions}"),
        ("command", " ".join(who.command)),
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
    files = sorted(path.name for path in s.run.checkpoints.glob("*"))  # none in a copy without
    rows = [("checkpoints", ", ".join(files) or "none yet")]
    rows += [("notice", notice.text) for notice in log.notices[-NOTICES:]]
    if s.resumable:
        rows.append(("to go on", f"ris-tf train --resume {s.run.path}"))
    return rows
