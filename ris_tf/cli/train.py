"""`ris-tf train`: from a configuration file to a trained run."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import CONFIG_HELP, Device, Overrides, Plugins, TakeOver
from ris_tf.cli.plugins import load_named, open_run
from ris_tf.cli.terminal import say
from ris_tf.device import choose_device

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.engine.cluster import Worker
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.session import Outcome
    from ris_tf.runlog import RunDirectory
    from ris_tf.training.job import Job

DONE = 0  # exit code


def train(
    config: Annotated[Path | None, typer.Argument(help=CONFIG_HELP, show_default=False)] = None,
    set_: Overrides = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that gets the run.")] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="time and configuration")
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN|FILE",
            help="Begin at the weights of a run's best network, or of a .keras or .weights.h5.",
            show_default="drawn from the seed",
        ),
    ] = None,
    allow_mismatch: Annotated[
        bool, typer.Option("--allow-mismatch", help="With --from: take the weights that fit.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run from its last checkpoint.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --resume: plan so many epochs instead, also of a finished run.",
            show_default="as planned",
        ),
    ] = None,
    start_or_resume: Annotated[
        bool,
        typer.Option(
            "--start-or-resume",
            help="Begin the run of --name, go on with it, or end at once where it is finished.",
        ),
    ] = False,
    take_over: TakeOver = False,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Train a network, or resume a run that was stopped."""
    choose_device(device)
    load_named(plugin)
    request = _Request(
        config, tuple(set_ or ()), runs_dir, name, from_, allow_mismatch, resume, epochs, take_over
    )
    if resume:
        request.require_run_alone(start_or_resume)
        raise typer.Exit(_resume(request))
    request.require_no_epochs()
    request.require_a_run(start_or_resume)
    raise typer.Exit(_start_or_resume(request) if start_or_resume else _begin(request))


@dataclass(frozen=True)
class _Request:
    """What was typed."""

    config: Path | None
    overrides: tuple[str, ...]
    runs_dir: Path
    name: str | None
    start: Path | None
    allow_mismatch: bool
    resume: Path | None
    epochs: int | None
    take_over: bool

    def require_no_epochs(self) -> None:
        """Refuse a plan that is for resumed runs."""
        from ris_tf.config import ConfigError

        if self.epochs is not None:
            problem = "is for --resume"
            remedy = f"of a new run: --set training.epochs={self.epochs}"
            raise ConfigError(problem, key="--epochs", value=self.epochs, remedy=remedy)

    def require_a_run(self, by_name: bool) -> None:
        """Refuse to take over what is not there yet."""
        from ris_tf.config import ConfigError

        if self.take_over and not by_name:
            remedy = "leave it out, or add --resume RUN or --start-or-resume"
            raise ConfigError("is for runs that there are", key="--take-over", remedy=remedy)

    def require_run_alone(self, by_name: bool) -> None:
        """Refuse what a resumed run has in its folder already."""
        from ris_tf.config import ConfigError

        if self.config or self.overrides or self.name or self.start or by_name:
            raise ConfigError(
                "takes the run alone: its configuration is in the run",
                key="--resume",
                value=self.resume,
                remedy="to train with other settings, start a new run, --from this one if you like",
            )

    def configuration(self) -> "Config":
        """The configuration, as far as it is written."""
        from ris_tf.config import ConfigError, load_config
        from ris_tf.training.file_data import with_absolute_paths

        if self.config is None:
            remedy = "give a configuration (ris-tf train quickstart), or --resume RUN"
            raise ConfigError(source="train", remedy=remedy)
        return with_absolute_paths(load_config(self.config, self.overrides))


# -- a new run, or one that there is --------------------------------------------------------------


def _begin(request: _Request) -> int:
    from ris_tf.runlog import check_name, default_run_name
    from ris_tf.training.begin import Origin, new_job
    from ris_tf.training.job import resolved

    config = resolved(request.configuration())
    assert request.config is not None
    name = default_run_name(request.config) if request.name is None else request.name
    check_name(name)
    origin = Origin(request.start, request.allow_mismatch)
    return _work(new_job(config, request.runs_dir / name, origin, sys.argv))


def _resume(request: _Request) -> int:
    from ris_tf.training.begin import resumed_job

    assert request.resume is not None
    run = open_run(request.resume)
    run.take_over = request.take_over
    return _work(resumed_job(run, request.epochs))


def _start_or_resume(request: _Request) -> int:
    """One command for job scripts: begin, go on, or do nothing where all is done."""
    from ris_tf.config import ConfigError
    from ris_tf.runlog import State, check_name, summarize
    from ris_tf.training.begin import require_same, resumed_job

    if request.name is None:
        remedy = "add --name NAME: it tells whether the run is there"
        raise ConfigError("needs a name", key="--start-or-resume", remedy=remedy)
    check_name(request.name)
    path = request.runs_dir / request.name
    if not path.exists():
        return _begin(request)
    run = open_run(path)
    require_same(run, request.configuration(), request.start)
    if summarize(run).state is State.FINISHED:
        say(f"{run.path} is finished: {summarize(run).reason}; there is nothing to do")
        return DONE
    run.take_over = request.take_over
    return _work(resumed_job(run))


# -- the work -------------------------------------------------------------------------------------


def _work(job: "Job") -> int:
    """Train in this process, and print how it ended."""
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.stopping import StopSignals
    from ris_tf.process import tolerate_full_disk
    from ris_tf.training.job import FAILED, exit_code, work

    tolerate_full_disk()

    with Reporter(job.run.console_path if job.worker.writes else None) as reporter:
        outcome = work(job, reporter, StopSignals())
        if outcome is None:
            return FAILED
        _say_outcome(reporter, job.run, outcome, job.worker)
    return exit_code(outcome)


def _say_outcome(
    reporter: "Reporter", run: "RunDirectory", outcome: "Outcome", worker: "Worker"
) -> None:
    from ris_tf.runlog import Reason

    reporter.say_end(outcome.reason, outcome.text)
    if outcome.validation:
        for line in _comparison(outcome.validation):
            reporter.say(line)
    if not worker.writes:
        return
    path = shlex.quote(str(run.path))
    if outcome.reason in (Reason.FINISHED, Reason.EARLY):
        reporter.say(f"its results: ris-tf show {path}; its health: ris-tf check {path}")
    else:
        reporter.say(f"to go on: ris-tf train --resume {path}")


def _comparison(figures: dict[str, float]) -> list[str]:
    """The network beside the sample covariance on the same validation scenes."""
    rows = []
    words = {"covariance": "covariance NMSE", "subspace": "energy outside the signal subspace"}
    for term, title in words.items():
        if f"term/{term}" in figures and f"sample/{term}" in figures:
            ours, sample = figures[f"term/{term}"], figures[f"sample/{term}"]
            rows.append((title, f"{ours:.4f}", f"{sample:.4f}"))
    if rows:
        rows.insert(0, ("on the validation scenes", "network", "sample covariance"))
    return [f"  {title:<36}{ours:>10}{sample:>20}" for title, ours, sample in rows]
