"""Commands of `ris-tf`: as they are started, and as people type them."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ris_tf.runlog import default_run_name

DEMO = "quickstart"  # the configuration that the demo trains


@dataclass(frozen=True)
class Command:
    """A command of `ris-tf`.

    Attributes:
        words: everything behind `ris-tf`.
    """

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """To be copied into a shell."""
        return shlex.join(["ris-tf", *self.words])

    @property
    def argv(self) -> list[str]:
        """To be started with this Python, without a shell."""
        return [sys.executable, "-m", "ris_tf.cli", *self.words]


def plugin_names(text: str) -> tuple[str, ...]:
    """Modules or files as typed, separated by commas."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _plugin_words(plugins: Sequence[str]) -> list[str]:
    return [word for plugin in plugins for word in ("--plugin", plugin)]


@dataclass(frozen=True)
class NewRun:
    """A run or search that is to be started.

    Attributes:
        config: its configuration file.
        overrides: `key=value` texts.
        name: of the run or search.
        runs_dir: folder that gets it.
        plugins: modules that the configuration needs.
        weights: run or file that has the weights to begin at; empty to draw them from the seed.
        device: what computes, `cpu`, `gpu` or `gpu:N`; empty leaves it to the command.
    """

    config: Path
    overrides: Sequence[str]
    name: str
    runs_dir: Path
    plugins: Sequence[str] = ()
    weights: str = ""
    device: str = ""

    def command(self, name: str, *options: str) -> Command:
        """The command that starts it, with further options."""
        changes = [word for override in self.overrides for word in ("--set", override)]
        where = ["--name", self.name, "--runs-dir", str(self.runs_dir)]
        plugins = _plugin_words(self.plugins)
        device = ["--device", self.device] if self.device else []
        return Command((name, str(self.config), *plugins, *changes, *options, *device, *where))


def train_command(new: NewRun) -> Command:
    """Train from a configuration file."""
    return new.command("train", *(["--from", new.weights] if new.weights else []))


@dataclass(frozen=True)
class SearchPlan:
    """The options of a search, beside its configuration.

    Attributes:
        trials: how many.
        epochs: epochs each.
        space: `wide`, `narrow` or a YAML file.
        algorithm: `bayesian`, `hyperband` or `random`.
        workers: trials at a time.
    """

    trials: int = 20
    epochs: int = 10
    space: str = "wide"
    algorithm: str = "bayesian"
    workers: int = 1


def tune_command(new: NewRun, plan: SearchPlan) -> Command:
    """Search hyperparameters around a configuration file.

    Args:
        new: the search.
        plan: how much is searched, and where.
    """
    numbers = ["--n-trials", str(plan.trials), "--epochs-per-trial", str(plan.epochs)]
    how = ["--space", plan.space, "--algorithm", plan.algorithm]
    several = ["--workers", str(plan.workers)] if plan.workers > 1 else []
    return new.command("tune", *numbers, *how, *several)


def resume_search_command(
    search: Path, plugins: Sequence[str] = (), take_over: bool = False
) -> Command:
    """Go on with a search that was stopped or killed.

    Args:
        search: its folder.
        plugins: modules that it needs, as the person at the keyboard named them.
        take_over: its process on another machine is gone, as that person knows.
    """
    return Command(
        ("tune", str(search), "--resume", *_taken_over(take_over), *_plugin_words(plugins))
    )


def _taken_over(take_over: bool) -> tuple[str, ...]:
    return ("--take-over",) if take_over else ()


def resume_command(
    run: Path, plugins: Sequence[str] = (), epochs: int = 0, take_over: bool = False
) -> Command:
    """Go on with a run from its last checkpoint.

    Args:
        run: its folder.
        plugins: modules that it needs, as the person at the keyboard named them.
        epochs: plan so many instead, also of a finished run; 0 for as many as were planned.
        take_over: its process on another machine is gone, as that person knows.
    """
    longer = ["--epochs", str(epochs)] if epochs else []
    words = (*longer, *_taken_over(take_over), *_plugin_words(plugins))
    return Command(("train", "--resume", str(run), *words))


def demo_command(name: str, runs_dir: Path) -> Command:
    """Train the small configuration that comes with the package."""
    return Command(("train", DEMO, "--name", name, "--runs-dir", str(runs_dir)))


def free_demo_name(runs_dir: Path) -> str:
    """`demo`, or `demo-2` and so on where there is one."""
    names = ("demo" if number == 1 else f"demo-{number}" for number in count(1))
    return next(name for name in names if not exists(runs_dir / name))


@dataclass(frozen=True)
class EvaluationPlan:
    """The options of an evaluation.

    Attributes:
        estimators: their names; all that can be used where there are none.
        scenes: how many test scenes.
        snr_known: whether estimators know the SNR.
        count_known: whether they know the number of sources.
        imperfections: named set of the hardware's; empty for the configuration's.
    """

    estimators: Sequence[str] = ()
    scenes: int = 1000
    snr_known: bool = True
    count_known: bool = False
    imperfections: str = ""


def evaluate_command(
    runs: Sequence[Path], plan: EvaluationPlan, plugins: Sequence[str] = ()
) -> Command:
    """Compare estimators on test scenes; the result goes into the first run's folder.

    Args:
        runs: their folders.
        plan: which estimators, on which scenes.
        plugins: modules that they need, as the person at the keyboard named them.
    """
    words = ["evaluate", *map(str, runs), *_plugin_words(plugins)]
    words += ["--estimators", ",".join(plan.estimators)] if plan.estimators else []
    words += ["--scenes", str(plan.scenes)]
    words += [] if plan.snr_known else ["--no-snr-known"]
    words += ["--count-known"] if plan.count_known else []
    words += ["--imperfections", plan.imperfections] if plan.imperfections else []
    return Command(tuple(words))


def with_progress(command: Command) -> Command:
    """The same command, telling the program that starts it how far it is."""
    return Command((*command.words, "--progress", "json"))


@dataclass(frozen=True)
class LocalizationPlan:
    """The options of a localization.

    Attributes:
        file: measurements.
        out: gets the positions, a .csv file.
        estimator: its name; empty for the command's own.
        snr_db: the SNR in dB; `None` takes the file's, or estimates it.
        estimate_snr: whether to pass over the file's SNR.
        count: sources in every scene; `None` counts them.
    """

    file: Path
    out: Path
    estimator: str = ""
    snr_db: float | None = None
    estimate_snr: bool = False
    count: int | None = None

    @property
    def picture(self) -> Path:
        """Gets the picture of the first scene."""
        return self.out.with_suffix(".png")


def localize_command(run: Path, plan: LocalizationPlan, plugins: Sequence[str] = ()) -> Command:
    """Find the sources behind a file of measurements.

    Args:
        run: the folder of the run whose network does it.
        plan: the file, and how.
        plugins: modules that it needs, as the person at the keyboard named them.
    """
    words = ["localize", str(run), str(plan.file), *_plugin_words(plugins)]
    words += ["--out", str(plan.out), "--figure", str(plan.picture)]
    words += ["--estimator", plan.estimator] if plan.estimator else []
    words += ["--snr", f"{plan.snr_db:g}"] if plan.snr_db is not None else []
    words += ["--estimate-snr"] if plan.estimate_snr else []
    words += ["--count", str(plan.count)] if plan.count else []
    return Command(tuple(words))


def free_name(runs_dir: Path, config: Path, search: bool = False) -> str:
    """A name that no run in the folder has: the time, and the configuration or run it is from."""
    stem = config.parent.name if config.name == "config.yaml" else config.stem
    stem = f"search_{stem}" if search else stem
    name = default_run_name(Path(stem).with_suffix(".yaml"))
    number = 2
    free = name
    while exists(runs_dir / free):
        free = f"{name}-{number}"
        number += 1
    return free


def place_problem(run: Path, weights: str = "") -> str:
    """Why a new run cannot lie at a path, in one line; empty where it can.

    Its folder may be made, but not the folder that this lies in: that was mistyped.

    Args:
        run: where it is to lie.
        weights: run or file that it is to begin at, empty for none.
    """
    folder = run.parent
    if exists(run):
        return f"{run} exists; choose another name"
    if not exists(folder) and not exists(folder.parent):
        return f"in folder {folder}: there is no {folder.parent} to make it in; make that first"
    above = folder if exists(folder) else folder.parent
    if not above.is_dir():
        return f"in folder {folder}: {above} is no folder"
    if not os.access(above, os.W_OK):
        return f"in folder {folder}: you may not write to {above}"
    if weights and not exists(Path(weights)):
        return f"begin at {weights}: there is no such run or file"
    return ""


def exists(path: Path) -> bool:
    """Whether there is anything at a path as typed; `False` where the text cannot be one."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, no permission, a zero byte
        return False
