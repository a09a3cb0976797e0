"""`ris-tf tune`: search hyperparameters."""

import shlex
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Device, Overrides, Plugins, TakeOver
from ris_tf.cli.plugins import load_named
from ris_tf.device import choose_device
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.engine.reporter import Reporter
    from ris_tf.search import Search, SearchDirectory
    from ris_tf.search.ending import Ending

FAILED = 1  # exit code
MAX = 100_000  # trials, or epochs of one
MAX_WORKERS = 256


class Algorithm(StrEnum):
    """How trials are chosen."""

    BAYESIAN = "bayesian"
    HYPERBAND = "hyperband"
    RANDOM = "random"


def tune(
    config: Annotated[
        Path,
        typer.Argument(
            help="Configuration to search around (file or name), or the folder of a search to "
            "go on with.",
            show_default=False,
        ),
    ],
    n_trials: Annotated[
        int | None,
        typer.Option(help="Trials; more than before where a search goes on.", show_default="20"),
    ] = None,
    epochs_per_trial: Annotated[
        int | None, typer.Option(help="Epochs a trial.", show_default="10")
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(metavar="wide|narrow|FILE.yaml", help="What is chosen.", show_default="wide"),
    ] = None,
    algorithm: Annotated[
        Algorithm | None, typer.Option(help="How it is chosen.", show_default="bayesian")
    ] = None,
    early_stop_patience: Annotated[
        int | None,
        typer.Option(
            help="Epochs without a better validation loss before a trial stops; 0 never.",
            show_default="as configured",
        ),
    ] = None,
    set_: Overrides = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that gets the search.")] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="Name of the search.", show_default="search_CONFIG_SPACE")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was stopped or killed.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(min=1, max=MAX_WORKERS, help="Trials at a time; they share the processors."),
    ] = 1,
    take_over: TakeOver = False,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Search hyperparameters; every trial is a run of its own.

    The same command with --resume goes on where a search stopped. On several machines,
    keras-tuner's variables KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT
    name the role of each process.
    """
    choose_device(device)
    load_named(plugin)
    raise typer.Exit(
        run_search(
            Request(
                config,
                n_trials,
                epochs_per_trial,
                space,
                algorithm,
                early_stop_patience,
                set_ or [],
                runs_dir,
                name,
                resume,
                workers,
                take_over,
            )
        )
    )


@dataclass(frozen=True)
class Request:
    """What was typed; `None` where nothing was."""

    config: Path
    n_trials: int | None
    epochs_per_trial: int | None
    space: str | None
    algorithm: Algorithm | None
    early_stop_patience: int | None
    overrides: list[str]
    runs_dir: Path
    name: str | None
    resume: bool
    workers: int
    take_over: bool = False


def run_search(request: Request) -> int:
    """Search, and print what came of it; the exit code."""
    from ris_tf.config import ConfigError
    from ris_tf.engine.reporter import Reporter
    from ris_tf.process import tolerate_full_disk
    from ris_tf.search.running.supervisor import supervise
    from ris_tf.search.running.workers import Role, begin, finish, run_role, wait_for_search

    tolerate_full_disk()
    role = Role.of_environment()
    if role.name and request.workers > 1:
        raise ConfigError(
            "starts processes on this machine, but KERASTUNER_TUNER_ID makes this one of several",
            key="--workers",
            remedy="leave out one of them",
        )
    if role.works:
        with Reporter(None) as reporter:
            search = wait_for_search(_path(request), reporter)
            early = run_role(search, role, reporter)
            reporter.say(early.text if early else f"{role.name}: no trial left")
        return early.exit_code if early else 0
    search, trials = _opened(request) if _exists(request) else (_made(request), 0)
    lines = begin(search, trials, sys.argv, role)
    with Reporter(search.path / "console.log") as reporter:
        for line in lines:
            reporter.say(line, "warning")
        _say_plan(reporter, search, request.workers)
        if request.workers > 1:
            early = supervise(search, request.workers, reporter)
        else:
            early = run_role(search, role, reporter, quiet=False)
        return _say_results(reporter, search, early, finish(search))


def _path(request: Request) -> Path:
    """The search's folder."""
    if request.config.is_dir():
        return request.config
    space = Path(request.space or "wide").stem
    name = f"search_{request.config.stem}_{space}" if request.name is None else request.name
    return request.runs_dir / name


def _exists(request: Request) -> bool:
    from ris_tf.runlog import RunError
    from ris_tf.search import is_search

    path = _path(request)
    if not path.exists():
        return False
    if not is_search(path):
        remedy = "give a file or a search" if request.config.is_dir() else "choose another --name"
        raise RunError("is there, but is no search", source=str(path), remedy=remedy)
    if not request.resume:
        remedy = "go on with it: add --resume, or choose another --name"
        raise RunError("exists", source=str(path), remedy=remedy)
    return True


def _made(request: Request) -> "SearchDirectory":
    """A new search's folder; everything that was typed is checked before."""
    from ris_tf.config import load_config
    from ris_tf.engine.tensorflow_quiet import require_tensorflow
    from ris_tf.runlog import check_name
    from ris_tf.search import SearchDirectory
    from ris_tf.training.begin import check_plugged
    from ris_tf.training.file_data import open_data, with_absolute_paths

    require_tensorflow()
    config = with_absolute_paths(load_config(request.config, request.overrides))
    path = _path(request)
    check_name(path.name)
    plan = _planned(request, config)
    open_data(config)  # refused now, not by every trial
    check_plugged(config)
    return SearchDirectory.create(path, plan, sys.argv, config)


def _planned(request: Request, config: "Config") -> "Search":
    """What is searched, as typed.

    Raises:
        ConfigError: a number or the space cannot be.
    """
    from ris_tf.config import ConfigError
    from ris_tf.registry import named_plugins
    from ris_tf.search import Search
    from ris_tf.search.hyperparameters import value_of
    from ris_tf.search.named_spaces import make_space
    from ris_tf.search.trial import frozen

    n_trials = 20 if request.n_trials is None else request.n_trials
    epochs = 10 if request.epochs_per_trial is None else request.epochs_per_trial
    patience = request.early_stop_patience
    for option, value, least in (
        ("--n-trials", n_trials, 1),
        ("--epochs-per-trial", epochs, 1),
        ("--early-stop-patience", patience, 0),
    ):
        if value is not None and not least <= value <= MAX:
            raise ConfigError(key=option, value=value, allowed=f"must be from {least} to {MAX}")
    if config.training.distribution == "multi_worker":
        raise ConfigError(
            "a trial trains on one machine",
            key="training.distribution",
            value=config.training.distribution,
            remedy="search on several with keras-tuner's variables: see docs/searches.md",
        )
    algorithm = request.algorithm or Algorithm.BAYESIAN
    if algorithm is Algorithm.HYPERBAND:
        _require_bracket(n_trials, epochs)
    space = make_space(request.space or "wide", config)
    return Search(
        plugins=named_plugins(),
        algorithm=algorithm.value,
        objective="validation loss at the default weights and shrinkage + 0.01 x mean angle RMSE "
        "in degrees + 0.01 x range RMSE in metres",
        trials=n_trials,
        epochs=epochs,
        patience=-1 if patience is None else patience,
        space=space,
        defaults={key: frozen(value_of(config, key)) for key in space},
    )


def _require_bracket(n_trials: int, epochs: int) -> None:
    from ris_tf.config import ConfigError
    from ris_tf.search.running.pruning import first_bracket

    least = first_bracket(epochs)
    if n_trials < least:
        raise ConfigError(
            key="--n-trials",
            value=n_trials,
            allowed=f"must be at least {least} for hyperband: so many has its first bracket of "
            f"{counted(epochs, 'epoch')}, and before its end no trial has had them all",
        )


def _opened(request: Request) -> "tuple[SearchDirectory, int]":
    """A search that goes on, and how many trials it shall have.

    Raises:
        ConfigError: what was typed is another search.
    """
    from ris_tf.config import ConfigError, load_config
    from ris_tf.registry import require_plugins
    from ris_tf.search import SearchDirectory
    from ris_tf.search.named_spaces import make_space
    from ris_tf.training.file_data import with_absolute_paths

    search = SearchDirectory.open(_path(request))
    search.take_over = request.take_over
    require_plugins(search.search.plugins, str(search.path))
    config, plan = search.config(), search.search
    _require_whole(search)
    if request.config.is_dir() and (request.overrides or request.name):
        raise ConfigError(
            "is a search, whose configuration and name are its own",
            source=str(request.config),
            remedy="leave out --set and --name",
        )
    typed = None if request.config.is_dir() else load_config(request.config, request.overrides)
    if typed is not None and with_absolute_paths(typed) != config:
        raise ConfigError(
            f"is not what {search.path} searches around any more",
            source=str(request.config),
            remedy=f"go on with ris-tf tune {shlex.quote(str(search.path))} --resume, or choose "
            "another --name",
        )
    options = {
        "--epochs-per-trial": (request.epochs_per_trial, plan.epochs),
        "--algorithm": (request.algorithm and request.algorithm.value, plan.algorithm),
        "--early-stop-patience": (request.early_stop_patience, plan.patience),
    }
    for option, (given, own) in options.items():
        if given is not None and given != own:
            begun = "the configuration's" if own == -1 else own
            raise ConfigError(
                f"{search.path} was begun with {begun}, and trials would not compare",
                key=option,
                value=given,
                remedy="leave it out, or choose another --name",
            )
    if request.space is not None and make_space(request.space, config) != plan.space:
        raise ConfigError(
            f"{search.path} was begun with another",
            key="--space",
            value=request.space,
            remedy="leave it out, or choose another --name",
        )
    trials = plan.trials if request.n_trials is None else request.n_trials
    if not plan.trials <= trials <= MAX:
        raise ConfigError(
            f"{search.path} was begun with {plan.trials}",
            key="--n-trials",
            value=trials,
            remedy=f"give as many or more, at most {MAX}",
        )
    return search, trials


def _require_whole(search: "SearchDirectory") -> None:
    """Refuse a search whose search.json does not have all that is needed to go on."""
    from ris_tf.runlog import RunError
    from ris_tf.search import Choices

    plan = search.search
    empty = [key for key, entry in plan.space.items() if entry == Choices(())]
    known = plan.algorithm in tuple(Algorithm)
    if not plan.space or empty or not known or plan.trials < 1 or plan.epochs < 1:
        raise RunError(
            "has not all of space, algorithm, trials and epochs",
            source=str(search.path / "search.json"),
            remedy="take it from a copy of the search",
        )


def _say_plan(reporter: "Reporter", search: "SearchDirectory", workers: int) -> None:
    plan = search.search
    done = sum(trial.settled for trial in search.trials())
    reporter.say(f"search {search.path}")
    reporter.say(
        f"  {plan.algorithm}, {counted(plan.trials, 'trial')} of up to "
        f"{counted(plan.epochs, 'epoch')} over "
        f"{counted(len(plan.space), 'hyperparameter')}" + (f", {done} done before" if done else "")
    )
    scenes = search.config().search
    reporter.say(
        f"  {counted(scenes.scenes, 'scene')} an epoch, {scenes.validation_scenes:,} to compare on"
        + (f"; {workers} workers" if workers > 1 else "")
    )
    reporter.say("  Ctrl-C stops with a checkpoint")


def _say_results(
    reporter: "Reporter",
    search: "SearchDirectory",
    early: "Ending | None",
    given_up: "Ending | None",
) -> int:
    from ris_tf.cli.trials_table import print_trials
    from ris_tf.figures import save_search_figures
    from ris_tf.search import best_trial

    trials = search.trials()
    best = best_trial(trials)
    if trials:
        print_trials(reporter.console, search)
    if given_up:
        reporter.say(given_up.text, "error")
    elif early:
        reporter.say(early.text, "warning")
        reporter.say(f"to go on: ris-tf tune {shlex.quote(str(search.path))} --resume")
    elif len(trials) < search.search.trials:
        reporter.say(
            f"no other combination was found after {counted(len(trials), 'trial')}", "warning"
        )
    try:
        figures = save_search_figures(search)
    except OSError as error:
        figures = []
        reporter.say(f"no figures: {error.filename or search.path}: {error.strerror}", "warning")
    if best:
        reporter.say(f"best      trial {best.number}, objective {best.objective:.4f}", "good")
        reporter.say(f"train it  ris-tf train {search.path / 'best.yaml'}")
    reporter.say(f"table     {search.path / 'trials.csv'}")
    if figures:
        reporter.say(f"figures   {', '.join(path.name for path in figures)} in {search.path}")
    if early and early.exit_code:
        return early.exit_code
    return FAILED if given_up or not (best or early) else 0
