"""Takes the pictures of the monitor in docs/images: every tab, light and dark, of real runs.

The runs are trained by `ris-tf` here: quickstart, the same without the subspace term to compare it
with, a short one in half precision that drops windows, a model of one's own, an evaluation, and a
search of twelve trials, which takes half an hour on two cores.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
RUNS = ROOT / "runs" / "pictures"
QUICKSTART = "configs/quickstart.yaml"
TRAINED = {
    "core-terms": ["--set", "objective.weights.subspace=0", "--set", "training.epochs=6"],
    "half-precision": [
        "--set", "training.precision=mixed_float16", "--set", "training.epochs=3",
        "--set", "training.batches_per_epoch=40",
    ],
    "quickstart": [],
}  # fmt: skip
# Tabs, and the runs that are selected in their pictures; the newest where none is named.
TABS = {
    "metrics": [],
    "loss": [],
    "gradients": [],
    "schedules": [],
    "scene": [],
    "evaluation": ["quickstart"],
    "health": [],
    "log": [],
    "configuration": [],
    "launch": [],
}
OWN = "stripes"
EVALUATED = "network,network+ml,network-mvdr,pursuit,truth+ml"
COMPARED = ["quickstart", "core-terms"]
SEARCH = ["--n-trials", "12", "--epochs-per-trial", "10", "--space", "wide"]


def main() -> None:
    """Train what is not there yet, then take every picture."""
    for name, changes in TRAINED.items():
        if not (RUNS / name).exists():
            ris_tf("train", QUICKSTART, "--name", name, "--runs-dir", str(RUNS), *changes)
    if not (RUNS / "quickstart" / "evaluation").exists():
        ris_tf("evaluate", str(RUNS / "quickstart"), "--estimators", EVALUATED)
    if not (RUNS / "search").exists():
        ris_tf("tune", QUICKSTART, "--name", "search", "--runs-dir", str(RUNS), *SEARCH)
    if not (RUNS / OWN).exists():
        example = ROOT / "examples" / "own_model.py"
        subprocess.run([sys.executable, str(example), str(RUNS / OWN)], check=True, cwd=ROOT)
    for theme in ("light", "dark"):
        for tab, runs in TABS.items():
            picture(f"monitor-{tab}-{theme}", tab, theme, runs)
        picture(f"monitor-compare-{theme}", "loss", theme, COMPARED)
        picture(f"monitor-own-model-{theme}", "loss", theme, [OWN])
        for tab in ("search", "importance"):
            picture(f"monitor-{tab}-{theme}", tab, theme, ["search/trial_0011"])


def picture(name: str, tab: str, theme: str, runs: list[str]) -> None:
    """One picture of the window."""
    places = [str(RUNS / run) for run in runs] or [str(RUNS)]
    out = IMAGES / f"{name}.png"
    options = ["--screenshot", str(out), "--tab", tab, "--theme", theme]
    subprocess.run([sys.executable, "-m", "gui", *options, *places], check=True, cwd=ROOT)


def ris_tf(*words: str) -> None:
    """Run a command of `ris-tf`."""
    subprocess.run([sys.executable, "-m", "ris_tf.cli", *words], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
