"""`python -m ris_tf.hpo`: the health check by habit, a search under its old spellings.

    python -m ris_tf.hpo --n_trials 1 --epochs_per_trial 1 --space wide

It is `ris-tf tune` on the reference network, and ends with the health report of its best trial.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = (
    "Search hyperparameters of the reference network, and check the best trial's health: "
    "`ris-tf tune` under its old spellings."
)
REFERENCE = Path("reference")  # a configuration that comes with the package
# Options by their old spelling; the new one is taken as well.
NUMBERS = {
    "n_trials": "trials",
    "epochs_per_trial": "epochs a trial",
    "early_stop_patience": "epochs without a better validation loss before a trial stops",
}
TEXTS = {
    "space": "wide, narrow or a YAML file",
    "algorithm": "bayesian, hyperband or random",
    "config": "configuration, file or name, instead of the reference network's",
    "runs_dir": "folder that gets the search",
    "name": "name of the search",
}


def main(words: Sequence[str] | None = None) -> int:
    """Search, check the best trial's health, and return the exit code."""
    asked = _parser().parse_args(words)
    from ris_tf.cli.main import guarded

    return guarded(lambda: _search_and_check(asked))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m ris_tf.hpo", description=DESCRIPTION)
    for name, text in {**NUMBERS, **TEXTS}.items():
        spellings = sorted({f"--{name}", f"--{name.replace('_', '-')}"}, reverse=True)
        parser.add_argument(*spellings, help=text, type=int if name in NUMBERS else str)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value")
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="MODULE", help="a module or .py file"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the search of --name")
    parser.add_argument("--workers", type=int, default=1, help="trials at a time")
    return parser


def _search_and_check(asked: argparse.Namespace) -> int:
    from ris_tf.cli.check import report
    from ris_tf.cli.plugins import load_named
    from ris_tf.cli.tune import MAX_WORKERS, Algorithm, Request, run_search
    from ris_tf.config import ConfigError
    from ris_tf.runlog import RunDirectory
    from ris_tf.search import SearchDirectory, best_trial

    load_named(asked.plugin)
    config = Path(asked.config) if asked.config else REFERENCE
    if asked.algorithm not in (None, *Algorithm):
        allowed = f"must be one of {', '.join(Algorithm)}"
        raise ConfigError(key="--algorithm", value=asked.algorithm, allowed=allowed)
    if not 1 <= asked.workers <= MAX_WORKERS:
        allowed = f"must be from 1 to {MAX_WORKERS}"
        raise ConfigError(key="--workers", value=asked.workers, allowed=allowed)
    if asked.resume and not asked.name:
        raise ConfigError(key="--resume", remedy="name the search with --name")
    runs = Path(asked.runs_dir or "runs")
    name = asked.name or f"hpo_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
    code = run_search(
        Request(
            config=config,
            n_trials=asked.n_trials,
            epochs_per_trial=asked.epochs_per_trial,
            space=asked.space,
            algorithm=Algorithm(asked.algorithm) if asked.algorithm else None,
            early_stop_patience=asked.early_stop_patience,
            overrides=asked.set,
            runs_dir=runs,
            name=name,
            resume=asked.resume,
            workers=asked.workers,
        )
    )
    best = best_trial(SearchDirectory.open(runs / name).trials())
    if best is None or best.path is None:
        return code or 1
    print(f"\nhealth of trial {best.number}")
    return report(RunDirectory.open(best.path)) or code


if __name__ == "__main__":
    sys.exit(main())
