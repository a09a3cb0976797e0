"""`ris-tf train`: from a configuration file to a trained run."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import CONFIG_HELP, Overrides, Plugins
from ris_tf.cli.plugins import check_plugged, load_named, open_run
from ris_tf.cli.terminal import say

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.engine.cluster import Worker
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.session import Outcome
    from ris_tf.runlog import RunDirectory, Summary
    from ris_tf.training.job import Job
    from ris_tf.training.start import Start

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
    plugin: Plugins = None,
) -> None:
    """Train a network, or resume a run that was stopped."""
    load_named(plugin)
    request = _Request(
        config, tuple(set_ or ()), runs_dir, name, from_, allow_mismatch, resume, epochs
    )
    if resume:
        request.require_run_alone(start_or_resume)
        raise typer.Exit(_resume(request))
    request.require_no_epochs()
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

    def require_no_epochs(self) -> None:
        """Refuse a plan that is for resumed runs."""
        from ris_tf.config import ConfigError

        if self.epochs is not None:
            problem = "is for --resume"
            remedy = f"of a new run: --set training.epochs={self.epochs}"
            raise ConfigError(problem, key="--epochs", value=self.epochs, remedy=remedy)

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


# -- a new run ------------------------------------------------------------------------------------


def _begin(request: _Request) -> int:
    from ris_tf.config import dump_config
    from ris_tf.config.cost import require_room_for_training
    from ris_tf.engine.cluster import Worker
    from ris_tf.registry import named_plugins
    from ris_tf.runlog import Identity, RunDirectory, check_name, default_run_name
    from ris_tf.training.file_data import open_data, with_data
    from ris_tf.training.job import Job, resolved, several_replicas

    config = resolved(request.configuration())
    assert request.config is not None
    name = default_run_name(request.config) if request.name is None else request.name
    check_name(name)
    require_room_for_training(config)
    data = open_data(config)
    check_plugged(config)
    _check_files(config)
    path, worker = request.runs_dir / name, Worker.of(config.training.distribution)
    replicas = several_replicas(config, worker)
    start = _start(config, request, path)
    if worker.writes:
        run = RunDirectory.create(
            path,
            dump_config(with_data(config, data)),
            sys.argv,
            plugins=named_plugins(),
            began_from=start.origin if start else None,
            fill=start.keep if start else _nothing,
        )
    else:
        run = RunDirectory(path, Identity(name=name))  # the chief makes it
    return _work(Job(run, config, worker, replicas, data=data, start=start))


def _start(config: "Config", request: _Request, path: Path) -> "Start | None":
    """The weights to begin at; they and frozen layers are checked before there is a run."""
    from ris_tf.config import ConfigError
    from ris_tf.runlog import RunDirectory

    if request.allow_mismatch and not request.start:
        problem, remedy = "is for --from", "leave it out, or add --from RUN"
        raise ConfigError(problem, key="--allow-mismatch", remedy=remedy)
    if not (request.start or config.training.frozen):
        return None
    RunDirectory.require_free(path)
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.engine.runtime import use_threads
    from ris_tf.training.start import require_start

    use_threads(config.training.threads or 1)
    return require_start(config, request.start, request.allow_mismatch)


def _nothing(folder: Path) -> None:
    """A run of its own needs no more files."""


# -- a run that there is --------------------------------------------------------------------------


def _check_files(config: "Config") -> None:
    """Refuse files that scenes cannot be made of, before there is a run.

    Raises:
        FileError: saying which.
    """
    if config.channel.file is None and config.imperfections.calibration is None:
        return
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.scene.calibration import read_calibration
    from ris_tf.scene.channel_file import read_channels

    read_calibration(config)
    if config.channel.file is not None:
        read_channels(config)


def _resume(request: _Request) -> int:
    from ris_tf.config import ConfigError, load_config, replace_values
    from ris_tf.config.cost import require_room_for_training
    from ris_tf.engine.cluster import Worker
    from ris_tf.runlog import State, summarize
    from ris_tf.training.file_data import open_data
    from ris_tf.training.job import Job, several_replicas

    assert request.resume is not None
    run = open_run(request.resume)
    config = load_config(run.config_path)
    worker, summary = Worker.of(config.training.distribution), summarize(run)
    _require_trained_here(summary)
    replanned = request.epochs not in (None, config.training.epochs)
    if replanned:
        _require_more_epochs(summary, request.epochs or 0)
        config = replace_values(config, {"training.epochs": request.epochs}, "--epochs")
    elif worker.writes and summary.state is State.FINISHED:
        remedy = f"--epochs with more than {config.training.epochs} trains longer"
        raise ConfigError("is finished", source=str(run.path), remedy=remedy)
    require_room_for_training(config)
    data = open_data(config)
    replicas = several_replicas(config, worker)
    before = run.identity
    return _work(Job(run, config, worker, replicas, before, data=data, replanned=replanned))


def _require_trained_here(summary: "Summary") -> None:
    """Refuse a run that has nothing to go on with."""
    from ris_tf.runlog import RunError, State

    if summary.state is State.IMPORTED:
        path = summary.run.path
        remedy = f"train on from it: ris-tf train {path / 'config.yaml'} --from {path}"
        raise RunError("was imported, never trained here", source=str(path), remedy=remedy)


def _require_more_epochs(summary: "Summary", epochs: int) -> None:
    """Refuse a plan that the run has passed."""
    from ris_tf.config import ConfigError

    if epochs <= summary.epoch:
        problem = f"{summary.run.path} has trained {summary.epoch} epochs already"
        allowed = f"must be above {summary.epoch}"
        raise ConfigError(problem, key="--epochs", value=epochs, allowed=allowed)


def _start_or_resume(request: _Request) -> int:
    """One command for job scripts: begin, go on, or do nothing where all is done."""
    from ris_tf.config import ConfigError
    from ris_tf.runlog import State, check_name, summarize

    if request.name is None:
        remedy = "add --name NAME: it tells whether the run is there"
        raise ConfigError("needs a name", key="--start-or-resume", remedy=remedy)
    check_name(request.name)
    path = request.runs_dir / request.name
    if not path.exists():
        return _begin(request)
    run = open_run(path)
    _require_same(run, request)
    if summarize(run).state is State.FINISHED:
        say(f"{run.path} is finished: {summarize(run).reason}; there is nothing to do")
        return DONE
    return _resume(_Request(None, (), request.runs_dir, None, None, False, path, None))


def _require_same(run: "RunDirectory", request: _Request) -> None:
    """Refuse to go on with a run of another configuration than the one that was given."""
    from ris_tf.config import ConfigError, load_config
    from ris_tf.training.job import differing

    differences = differing(request.configuration(), load_config(run.config_path))
    begun = Path(run.identity.began_from.path) if run.identity.began_from.path else None
    if differences:
        key, (given, kept) = next(iter(differences.items()))
        more = key == "training.epochs" and int(str(given)) > int(str(kept))
        longer = f"ris-tf train --resume {run.path} --epochs {given} trains longer"
        others = f", as do {', '.join(list(differences)[1:4])}" if len(differences) > 1 else ""
        raise ConfigError(
            f"differs from the run's, {kept}{others}",
            source=str(run.path),
            key=key,
            value=given,
            remedy=longer if more else "give the run's, or another --name",
        )
    if (begun is None) != (request.start is None) or not _meant(request.start, begun):
        problem = f"the run began {f'at {begun}' if begun else 'at drawn weights'}"
        value = request.start or "not given"
        remedy = "give the same, or another --name"
        raise ConfigError(problem, source=str(run.path), key="--from", value=value, remedy=remedy)


def _meant(start: Path | None, begun: Path | None) -> bool:
    """Whether a run or file that was typed is where a run began; it may be gone since."""
    return start is None or begun is None or begun == start or begun.is_relative_to(start)


# -- the work -------------------------------------------------------------------------------------


def _work(job: "Job") -> int:
    """Train in this process, and print how it ended."""
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.stopping import StopSignals
    from ris_tf.training.job import EXIT_CODES, FAILED, work

    with Reporter(job.run.console_path if job.worker.writes else None) as reporter:
        outcome = work(job, reporter, StopSignals())
        if outcome is None:
            return FAILED
        _say_outcome(reporter, job.run, outcome, job.worker)
    return EXIT_CODES[outcome.reason]


def _say_outcome(
    reporter: "Reporter", run: "RunDirectory", outcome: "Outcome", worker: "Worker"
) -> None:
    from ris_tf.runlog import Reason

    good = outcome.reason in (Reason.FINISHED, Reason.EARLY)
    style = "good" if good else "error" if outcome.reason == Reason.FAILED else "warning"
    reporter.say(f"{outcome.reason}: {outcome.text}", style)
    if outcome.validation:
        for line in _comparison(outcome.validation):
            reporter.say(line)
    if not worker.writes:
        return
    if good:
        reporter.say(f"look into it: ris-tf show {run.path}; check it: ris-tf check {run.path}")
    else:
        reporter.say(f"to go on: ris-tf train --resume {run.path}")


def _comparison(figures: dict[str, float]) -> list[str]:
    """The network beside the sample covariance on the same validation scenes."""
    rows = [("on the validation scenes", "network", "sample covariance")]
    words = {"covariance": "covariance NMSE", "subspace": "energy outside the signal subspace"}
    for term, title in words.items():
        if f"term/{term}" in figures:
            ours, sample = figures[f"term/{term}"], figures[f"sample/{term}"]
            rows.append((title, f"{ours:.4f}", f"{sample:.4f}"))
    return [f"  {title:<36}{ours:>10}{sample:>20}" for title, ours, sample in rows]
