"""Takes the pictures of docs/why-training-fails: of each cause, the monitor's tab that shows it.

Every picture is of a real short run into which the cause was planted (`tests/diagnosis`); runs that
are there already are not trained again. `make why-pictures`, or `python tools/why_pictures.py CAUSE
...` for some; all of them take a quarter of an hour.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtGui import QImage

ROOT = Path(__file__).parent.parent
TELL = ROOT / "tests" / "diagnosis" / "tell.py"
IMAGES = ROOT / "docs" / "images" / "why"
RUNS = ROOT / "runs" / "why"
SIZE = "1120x660"
COLOURS = 256  # of a picture: text and curves have fewer that matter


class Picture(NamedTuple):
    """Which planted run a picture shows, and in which tab."""

    plant: str
    tab: str = "health"


PICTURES = {
    "averages-left": Picture("averages left"),
    "blend-hides": Picture("blend hides"),
    "constant-term": Picture("constant term"),
    "count-collapses": Picture("count collapses"),
    "covariance-not-learned": Picture("covariance not learned", "metrics"),
    "dead-units": Picture("dead units"),
    "dropout": Picture("own: dropout 0.99", "loss"),
    "examples-repeat": Picture("own: same example"),
    "exploding-layer": Picture("a layer's gradient explodes", "gradients"),
    "failed": Picture("disk full"),
    "frozen-layers": Picture("own: frozen backbone"),
    "gradient-not-finite": Picture("NaN backward"),
    "gradient-path": Picture("gradient path"),
    "gradients-unscaled-twice": Picture("unscaled twice", "gradients"),
    "half-precision": Picture("half precision"),
    "inputs-not-finite": Picture("data not finite"),
    "inputs-not-normalised": Picture("own: not normalised"),
    "labels": Picture("labels in degrees"),
    "labels-shuffled": Picture("own: labels shuffled"),
    "loss-floor": Picture("wrongly scaled label"),
    "loss-runs-away": Picture("own: wrong sign", "loss"),
    "no-covariance-term": Picture("no covariance term"),
    "not-finite": Picture("NaN forward"),
    "order-of-updates": Picture("schedule by epoch", "schedules"),
    "overfitting": Picture("own: learned by heart", "loss"),
    "plateau": Picture("own: as good as it gets", "loss"),
    "rate-not-planned": Picture("rate falls at window 40", "schedules"),
    "rate-too-high": Picture("rate 0.3", "loss"),
    "rate-too-low": Picture("rate 1e-7", "loss"),
    "scale-never-settles": Picture("scale saws", "gradients"),
    "untrained": Picture("frozen head", "gradients"),
    "validation-not-finite": Picture("validation not finite"),
    "validation-unlike": Picture("validation unlike", "loss"),
    "vanishing-gradient": Picture("gradient vanishes", "gradients"),
    "weight-decay": Picture("own: weight decay 10"),
    "weights-never-move": Picture("head multiplier 0"),
}


def main() -> None:
    """Train what is not there yet, then take the pictures."""
    wanted = sys.argv[1:] or list(PICTURES)
    missing = [PICTURES[c].plant for c in wanted if not folder(PICTURES[c].plant).exists()]
    if missing:
        train(missing)
    for cause in wanted:
        take(cause)


def train(plants: list[str]) -> None:
    """The planted runs, one after the other."""
    pairs = [word for plant in plants for word in (plant, str(folder(plant)))]
    subprocess.run([sys.executable, str(TELL), "--into", *pairs], check=True, cwd=ROOT)


def folder(plant: str) -> Path:
    """The folder of a run."""
    return RUNS / plant.replace(" ", "-").replace("'", "").replace(":", "")


def take(cause: str) -> None:
    """The picture of a cause, as small as it can be."""
    path, picture = IMAGES / f"{cause}.png", PICTURES[cause]
    options = ["--screenshot", str(path), "--tab", picture.tab, "--theme", "light", "--size", SIZE]
    command = [sys.executable, "-m", "gui", *options, str(folder(picture.plant))]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    shrink(path)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} KB")


def shrink(path: Path) -> None:
    """Write a picture anew with a palette: its own colours where they are few enough."""
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    height, width = image.height(), image.width()
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(height, width) | 0xFF000000
    colours, counts = np.unique(pixels, return_counts=True)
    table, nearest = palette(colours, counts)
    indices = nearest[np.searchsorted(colours, pixels)]
    small = QImage(indices.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    small.setColorTable([int(colour) for colour in table])
    small.save(str(path), "PNG", 0)  # the slowest compression


def palette(colours: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours that stand for all, chosen one by one where most is missing.

    Args:
        colours: `[n]` as 0xAARRGGBB.
        counts: `[n]` pixels of each.

    Returns:
        `[COLOURS]` of them, and `[n]` uint8, which of these stands for each.
    """
    parts = np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=1).astype(np.int64)
    apart, nearest = np.full(len(colours), np.inf), np.zeros(len(colours), np.uint8)
    chosen = [int(counts.argmax())]
    while len(chosen) <= COLOURS:
        distance = ((parts - parts[chosen[-1]]) ** 2).sum(axis=1)
        nearest[distance < apart] = len(chosen) - 1
        apart = np.minimum(apart, distance)
        chosen.append(int((apart * np.sqrt(counts)).argmax()))
    return colours[chosen[:COLOURS]], nearest


if __name__ == "__main__":
    main()
