"""What each step after the first fit is worth: found, position, count, time, with and without it.

    python benchmarks/ladder.py [RUN] [--scenes 1024] [--docs]

RUN is a run of configs/quickstart.yaml; without one, it is trained first. `pursuit` and
`network-mvdr+ml` work on quickstart's scenes, `pursuit` on the default panel's as well, each on
four sets of scenes: with and without a least separation of 8 degrees, of 0..20 and of 10..20 dB.
`--docs` writes the tables into docs/estimators.md.

All variants work on the same scenes, and what is printed of each is its difference from the whole
ladder with the interval of that paired difference: scenes that end alike cancel, so that it is many
times narrower than the intervals of the two shares. Time is that of the processors, which other
work on the machine changes little.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ris_tf.config import Config, load_config, override_config
from ris_tf.estimation.chunks import share_processors
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.estimators import Estimators
from ris_tf.estimation.found import Known
from ris_tf.estimation.ladder import Ladder
from ris_tf.evaluation.matching import matched
from ris_tf.localizer import load_network
from ris_tf.runlog import RunDirectory
from ris_tf.scene import Scenes, Simulator, Split
from ris_tf.scene.positions import true_positions

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "estimators.md"
BLOCK = 256  # scenes at a time, on which all variants take turns
NORMAL = 1.96  # deviations: 95 % of a normal variable
NONE_OF = 3.0  # events that are missed in 95 % of samples: the interval where nothing changed
WHOLE = Ladder()
OFF = {
    "fine_match": False,
    "leave_one_out": False,
    "add": False,
    "move": False,
    "add_anywhere": False,
    "rematch": False,
    "restart": False,
    "rematch_anywhere": False,
    "converge": False,
    "final_test": False,
    "rounds": 1,
    "unrefined": 1.0,
    "of_first": 0.0,
    "doubt": 1.0,
    "excess": (2.0, 2.0, 2.0),
    "stop": 2.0,
}
CLIMBED = (
    "converge",
    "final_test",
    "leave_one_out",
    "add",
    "move",
    "add_anywhere",
    "rematch",
    "restart",
    "rematch_anywhere",
)


class Scores(NamedTuple):
    """Of some scenes: numpy arrays `[B]`, and the seconds of processors that they took."""

    found: np.ndarray
    position: np.ndarray
    right: np.ndarray
    sources: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class Difference:
    """A paired difference and half its 95 % interval."""

    value: float
    half: float


def variants() -> dict[str, Ladder]:
    """The whole ladder, it without each step, and one step after the other on nothing."""
    without = {f"without {name}": replace(WHOLE, **{name: off}) for name, off in OFF.items()}
    nothing = replace(WHOLE, **dict.fromkeys(CLIMBED, False))
    climbed = {"first fit": nothing}
    for name in CLIMBED[:-1]:
        nothing = replace(nothing, **{name: True})
        climbed[f"and {name}"] = nothing
    return {"whole": WHOLE} | without | climbed


def scene_sets() -> Iterator[tuple[str, list[str]]]:
    """Titles, and what to set in a configuration."""
    for separation, lowest in product((8, 0), (10, 0)):
        apart = "at least 8 degrees apart" if separation else "anywhere"
        yield (
            f"{apart}, {lowest} to 20 dB",
            [f"scene.separation_deg={separation}", f"scene.snr_db=[{lowest},20]"],
        )


def known_of(block: Scenes) -> Known:
    """The noise variance that a receiver which knows its SNR takes."""
    power = tf.reduce_mean(tf.abs(block.measurement.y) ** 2, axis=[1, 2]).numpy()
    return Known(power / (1 + 10 ** (block.measurement.snr_db.numpy() / 10)))


def compared(
    config: Config, estimators: Estimators, name: str, scenes: int, ladders: dict[str, Ladder]
) -> dict[str, Scores]:
    """All ladders on the same scenes."""
    simulate = tf.function(
        Simulator(config), autograph=False, jit_compile=True, reduce_retracing=True
    )
    searches = estimators.detector.searches
    detectors = {n: Detector(config, ladder, searches) for n, ladder in ladders.items()}
    places = estimators.places(name)
    parts: dict[str, list[Scores]] = {n: [] for n in ladders}
    warm = False
    for number in range(-(-scenes // BLOCK)):
        block = simulate(Split.TEST, 0, tf.constant(number, tf.int64), BLOCK)
        likely, known = places(block.measurement), known_of(block)
        given = {"again" if name == "pursuit" else "likely": likely}
        for variant, detector in detectors.items():
            if not warm:
                detector.pursue(block.measurement, known, **given)  # traces its graphs
            begin = time.process_time()
            estimate = detector.pursue(block.measurement, known, **given)
            seconds = time.process_time() - begin
            m = matched(estimate, true_positions(block.sources))
            sources = m.source.sum(axis=1)
            parts[variant].append(
                Scores(
                    m.in_direction.sum(axis=1),
                    m.in_position.sum(axis=1),
                    (m.reported == sources).astype(int),
                    sources,
                    np.full(len(sources), seconds / len(sources)),
                )
            )
        warm = True
        print(f"  {name}: {(number + 1) * BLOCK} scenes", file=sys.stderr, flush=True)
    return {n: Scores(*map(np.concatenate, zip(*p, strict=True))) for n, p in parts.items()}


def difference(mine: np.ndarray, theirs: np.ndarray, of: np.ndarray) -> Difference:
    """`(sum mine - sum theirs) / sum of` over scenes, which are independent."""
    change, total = mine - theirs, of.sum()
    value = change.sum() / total
    deviation = np.sqrt(np.sum((change - value * of) ** 2)) / total
    return Difference(value, max(NORMAL * deviation, NONE_OF / total))


def milliseconds(mine: Scores, theirs: Scores) -> Difference:
    """Difference in time, its interval from that of blocks."""
    change = 1e3 * (mine.seconds - theirs.seconds)[::BLOCK]
    half = NORMAL * np.std(change, ddof=1) / np.sqrt(len(change))
    return Difference(float(change.mean()), float(half))


def table(scores: dict[str, Scores]) -> str:
    """Markdown: the whole ladder, then differences from it in points of percent and in ms."""
    whole = scores["whole"]
    ones = np.ones(len(whole.sources))
    lines = [
        "| ladder | found within 5 deg % | and 1 m % | count right % | ms a scene |",
        "|---|---|---|---|---|",
        f"| whole | {100 * whole.found.sum() / whole.sources.sum():.2f} "
        f"| {100 * whole.position.sum() / whole.sources.sum():.2f} "
        f"| {100 * whole.right.mean():.2f} | {1e3 * whole.seconds.mean():.2f} |",
    ]
    for name, mine in list(scores.items())[1:]:
        shares = (
            difference(mine.found, whole.found, whole.sources),
            difference(mine.position, whole.position, whole.sources),
            difference(mine.right, whole.right, ones),
        )
        cells = [f"{100 * d.value:+.2f} ±{100 * d.half:.2f}" for d in shares]
        spent = milliseconds(mine, whole)
        cells.append(f"{spent.value:+.2f} ±{spent.half:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def trained(folder: Path) -> Path:
    """A run of quickstart."""
    config = ROOT / "configs" / "quickstart.yaml"
    command = [sys.executable, "-m", "ris_tf.cli", "train", str(config), "--name", "quick"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "runs" / "quick"


def measured(run: Path, scenes: int, which: list[str]) -> Iterator[str]:
    """Tables with their titles."""
    quick = load_config(RunDirectory.open(run).config_path)
    network = load_network(run)
    jobs: dict[str, tuple[str, Config, str, Callable[[Config], Estimators]]] = {
        "quick-network": ("quickstart", quick, "network-mvdr+ml", lambda c: Estimators(c, network)),
        "quick-pursuit": ("quickstart", quick, "pursuit", Estimators),
        "panel-pursuit": ("default panel", Config(), "pursuit", Estimators),
    }
    for job in which:
        scene, config, name, make = jobs[job]
        for title, values in scene_sets():
            its = override_config(config, values)
            scores = compared(its, make(its), name, scenes, variants())
            yield f"#### `{name}`, {scene}: {title}, {scenes} scenes\n\n{table(scores)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--scenes", type=int, default=1024)
    parser.add_argument(
        "--which", nargs="+", default=["quick-network", "quick-pursuit", "panel-pursuit"]
    )
    given = parser.parse_args()
    share_processors()
    with tempfile.TemporaryDirectory() as there:
        run = given.run or trained(Path(there))
        for text in measured(run, given.scenes, given.which):
            print(text, flush=True)


if __name__ == "__main__":
    main()
