"""`ris-tf`: the commands, and how their errors end."""

import errno
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ris_tf import __version__
from ris_tf.cli.calibrate import calibrate
from ris_tf.cli.check import check
from ris_tf.cli.data import data
from ris_tf.cli.doctor import doctor
from ris_tf.cli.evaluate import evaluate
from ris_tf.cli.export import export
from ris_tf.cli.figure_localize import figure
from ris_tf.cli.gui import gui
from ris_tf.cli.import_ import import_
from ris_tf.cli.init import init
from ris_tf.cli.knobs import knobs
from ris_tf.cli.localize import localize
from ris_tf.cli.model import model
from ris_tf.cli.note import note
from ris_tf.cli.runs import runs
from ris_tf.cli.show import show
from ris_tf.cli.simulate import simulate
from ris_tf.cli.stop import stop
from ris_tf.cli.train import train
from ris_tf.cli.tune import tune
from ris_tf.cli.why import why
from ris_tf.process import INTERRUPTED, REQUEUE, Preempted, ended_by_signals, keep_output_going

FAILED, WRONG = 1, 2  # exit codes
OUT_OF_MEMORY = 8  # `error_code` of TensorFlow's errors
# What is wrong with a path as it was typed, wherever it is found out.
TYPED = {
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.EACCES: "it must be yours to use",
    errno.EROFS: "choose a place that can be written to",
}

SHOWN_PATH = 200  # characters of one that cannot be used

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ris-tf {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Near-field localization with reconfigurable intelligent surfaces.

    Exit codes: 0 done, 1 the run or check failed, 2 what was typed or configured is wrong,
    75 ended by a scheduler's signal and to be started again, 130 interrupted.
    """
    del version


RUNS = (init, knobs, train, tune, runs, show, check, why, note, stop, export, doctor)
SCENES = (model, simulate, evaluate, localize, calibrate)
for command in RUNS + SCENES:
    app.command()(command)
app.command("import")(import_)
app.command(
    add_help_option=False,  # the monitor's own help has more
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(gui)
app.add_typer(data, name="data")
app.add_typer(figure, name="figure")


def main() -> None:
    """Entry point of `ris-tf`."""
    sys.exit(guarded(app))


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command: errors of a person's making are one line and exit code 2.

    Signals end it with a code of their own, and output that nobody reads is no reason to end.
    """
    keep_output_going()
    try:
        with ended_by_signals():
            return command() or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Preempted as end:
        print(f"ris-tf: ended by {end.by}: give it again", file=sys.stderr)
        return REQUEUE
    except ValueError as error:
        if not _is_config_error(error):
            raise
        print(f"ris-tf: {error}", file=sys.stderr)
        return WRONG
    except OSError as error:
        if error.errno not in TYPED or error.filename is None:
            raise
        print(f"ris-tf: {_unusable(error)}", file=sys.stderr)
        return WRONG
    except Exception as error:
        if getattr(error, "error_code", None) != OUT_OF_MEMORY:  # TensorFlow's, which is not loaded
            raise
        reason = " ".join(str(error).split())[:200]
        remedy = "--set training.batch=N with fewer scenes at a time, or --device cpu"
        print(f"ris-tf: out of memory: {reason}; try {remedy}", file=sys.stderr)
        return FAILED


def _unusable(error: OSError) -> str:
    """One line for a path that the system takes from nobody."""
    from ris_tf.errors import UserError

    path = str(error.filename)
    shortened = path if len(path) <= SHOWN_PATH else f"{path[:SHOWN_PATH]}..."
    return str(UserError(error.strerror or "", source=shortened, remedy=TYPED[error.errno or 0]))


def _is_config_error(error: ValueError) -> bool:
    """Whether somebody typed it; imported late, so that help stays quick."""
    from ris_tf.errors import UserError

    return isinstance(error, UserError)
