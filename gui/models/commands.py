"""Commands of `ris-tf`: as they are started, and as people type them."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ris_tf.registry import named_plugins
from ris_tf.runlog import default_run_name


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


def train_command(config: Path, overrides: Sequence[str], name: str, runs_dir: Path) -> Command:
    """Train from a configuration file.

    Args:
        config: the file.
        overrides: `key=value` texts.
        name: of the run.
        runs_dir: folder that gets it.
    """
    changes = [word for override in overrides for word in ("--set", override)]
    where = ["--name", name, "--runs-dir", str(runs_dir)]
    return Command(("train", str(config), *changes, *where, *_plugins()))


@dataclass(frozen=True)
class SearchPlan:
    """What a search is asked for, beside its configuration.

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


def tune_command(
    config: Path, overrides: Sequence[str], name: str, runs_dir: Path, plan: SearchPlan
) -> Command:
    """Search hyperparameters around a configuration file.

    Args:
        config: the file.
        overrides: `key=value` texts.
        name: of the search.
        runs_dir: folder that gets it.
        plan: how much is searched, and where.
    """
    changes = [word for override in overrides for word in ("--set", override)]
    numbers = ["--n-trials", str(plan.trials), "--epochs-per-trial", str(plan.epochs)]
    how = ["--space", plan.space, "--algorithm", plan.algorithm]
    several = ["--workers", str(plan.workers)] if plan.workers > 1 else []
    where = ["--name", name, "--runs-dir", str(runs_dir)]
    return Command(("tune", str(config), *changes, *numbers, *how, *several, *where, *_plugins()))


def resume_search_command(search: Path) -> Command:
    """Go on with a search that was stopped or killed."""
    return Command(("tune", str(search), "--resume", *_plugins()))


def resume_command(run: Path) -> Command:
    """Go on with a run from its last checkpoint."""
    return Command(("train", "--resume", str(run), *_plugins()))


def _plugins() -> list[str]:
    """Those that the person named when the monitor was started, for the process that works."""
    return [word for name in named_plugins() for word in ("--plugin", name)]


def free_name(runs_dir: Path, config: Path, search: bool = False) -> str:
    """A name that no run in the folder has: the time, and the configuration or run it is from."""
    stem = config.parent.name if config.name == "config.yaml" else config.stem
    stem = f"search_{stem}" if search else stem
    name = default_run_name(Path(stem).with_suffix(".yaml"))
    number = 2
    free = name
    while (runs_dir / free).exists():
        free = f"{name}-{number}"
        number += 1
    return free
