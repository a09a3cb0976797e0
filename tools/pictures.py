"""Takes the pictures of the monitor in docs/images: every tab, light and dark, of real runs.

The runs are trained by `ris-tf` here: quickstart, the same without the subspace term to compare it
with, a model of one's own, an evaluation, and a search of twelve trials, which takes half an hour
on two cores.

python tools/pictures.py                   all of them
python tools/pictures.py compare search    some: only what they need is trained
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
RUNS = ROOT / "runs" / "pictures"
QUICKSTART = "configs/quickstart.yaml"
TRAINED = {
    "core-terms": ["--set", "objective.weights.subspace=0", "--set", "training.epochs=6"],
    "quickstart": [],
}  # fmt: skip
# Those of one run.
TABS = (
    "metrics", "loss", "gradients", "schedules", "scene", "evaluation", "health", "log",
    "configuration", "launch",
)  # fmt: skip
OWN = "stripes"
COMPARED = ["quickstart", "core-terms"]
VIEWS = (*TABS, "compare", "own-model", "search", "importance")
NEEDED = {
    "evaluation": ["quickstart", "evaluation"],
    "compare": COMPARED,
    "own-model": [OWN],
    "search": ["search"],
    "importance": ["search"],
}
EVALUATED = "network,network+ml,network-mvdr,pursuit,truth+ml"
SEARCH = ["--n-trials", "12", "--epochs-per-trial", "10", "--space", "wide"]


def main() -> None:
    """Train what is not there yet, then take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words = f"which: {', '.join(VIEWS)} (default: all)"
    parser.add_argument("views", nargs="*", metavar="VIEW", help=words)
    views = parser.parse_args().views or VIEWS
    if unknown := set(views) - {*VIEWS}:
        parser.error(f"{', '.join(sorted(unknown))}: no such view; {words}")
    needed = {run for view in views for run in NEEDED.get(view, ["quickstart"])}
    train(needed)
    for theme in ("light", "dark"):
        for view in views:
            take(view, theme)


def train(needed: set[str]) -> None:
    """Make the runs that are needed, as far as they are not there."""
    for name, changes in TRAINED.items():
        if name in needed and not (RUNS / name).exists():
            ris_tf("train", QUICKSTART, "--name", name, "--runs-dir", str(RUNS), *changes)
    if "evaluation" in needed and not (RUNS / "quickstart" / "evaluation").exists():
        ris_tf("evaluate", str(RUNS / "quickstart"), "--estimators", EVALUATED)
    if "search" in needed and not (RUNS / "search").exists():
        ris_tf("tune", QUICKSTART, "--name", "search", "--runs-dir", str(RUNS), *SEARCH)
    if OWN in needed and not (RUNS / OWN).exists():
        example = ROOT / "examples" / "own_model.py"
        subprocess.run([sys.executable, str(example), str(RUNS / OWN)], check=True, cwd=ROOT)


def take(view: str, theme: str) -> None:
    """The picture of a view in a theme."""
    tab = {"compare": "loss", "own-model": "loss"}.get(view, view)
    runs = {"compare": COMPARED, "own-model": [OWN]}.get(view, ["quickstart"])
    if view in ("search", "importance"):
        runs = [f"search/{best_trial()}"]
    picture(f"monitor-{view}-{theme}", tab, theme, runs)


def best_trial() -> str:
    """Name of the best trial's folder."""
    with (RUNS / "search" / "trials.csv").open(newline="") as file:
        best = next(row for row in csv.DictReader(file) if row["rank"] == "1")
    return f"trial_{int(best['trial']):04d}"


def picture(name: str, tab: str, theme: str, runs: list[str]) -> None:
    """One picture of the window."""
    places = [str((RUNS / run).relative_to(ROOT)) for run in runs]
    out = IMAGES / f"{name}.png"
    options = ["--screenshot", str(out), "--tab", tab, "--theme", theme]
    subprocess.run([sys.executable, "-m", "gui", *options, *places], check=True, cwd=ROOT)


def ris_tf(*words: str) -> None:
    """Run a command of `ris-tf`."""
    subprocess.run([sys.executable, "-m", "ris_tf.cli", *words], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
