"""What each step after the first fit is worth: found, position, count, time, with and without it.

    python benchmarks/ladder.py [RUN] [--scenes 1024] [--which ...] [--docs]

RUN is a run of configs/quickstart.yaml; without one, it is trained first. `network-mvdr+ml`,
`network+ml` and `pursuit` work on quickstart's scenes, `pursuit` on the
default panel's as well, each on four sets of scenes: with and without a least separation of 8
degrees, of 0..20 and of 10..20 dB.
`--docs` writes the tables into docs/ladder.md.

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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ris_tf.config import Config, load_config, override_config
from ris_tf.estimation.chunks import share_processors
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.estimators import EstimatorInputs, Estimators
from ris_tf.estimation.fits import Known
from ris_tf.estimation.ladder import WHOLE, Ladder
from ris_tf.evaluation.matching import matched
from ris_tf.localizer import load_network
from ris_tf.processor import available_threads
from ris_tf.runlog import RunDirectory
from ris_tf.scene import Scenes, Simulator, Split
from ris_tf.scene.positions import Positions, true_positions

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "ladder.md"
BEGIN, END = "<!-- ladder: written by `make ladder` -->", "<!-- end of ladder -->"
BLOCK = 128  # scenes at a time, on which all variants take turns
NORMAL = 1.96  # deviations: 95 % of a normal variable
NONE_OF = 3.0  # events that are missed in 95 % of samples: the interval where nothing changed

WITHOUT: dict[str, dict[str, Any]] = {
    "without leaving one out": {"leave_one_out": False},
    "without adding": {"add": False},
    "without exchange": {"exchange": False},
    "without convergence": {"converge": False},
    "without the last count test": {"final_test": False},
    "left out below 2.5 times the least gain only": {"doubt": 2.5},
    "from 2 deviations on": {"excess": 2.0},
    "exchange below 2.5 times the least gain": {"exchange_doubt": 2.5},
    "one fit kept": {"width": 1},
    "six fits kept": {"width": 6},
}
CLIMBED = {
    "converge": "convergence",
    "final_test": "the count test",
    "leave_one_out": "leaving one out",
    "add": "adding",
    "exchange": "exchange",
}
SETS = {
    f"{apart}, {lowest} to 20 dB": [
        f"scene.separation_deg={degrees}",
        f"scene.snr_db=[{lowest},20]",
    ]
    for degrees, apart in ((0, "no least separation"), (8, "at least 8 degrees apart"))
    for lowest in (0, 10)
}
WHICH = ("quick-network", "quick-slots", "quick-pursuit", "panel-pursuit")


class Scores(NamedTuple):
    """Of some scenes: numpy arrays `[B]`; `seconds` are of processors."""

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

    def text(self, scale: float) -> str:
        """As tables have it."""
        return f"{scale * self.value:+.2f} ±{scale * self.half:.2f}"


def variants() -> dict[str, Ladder]:
    """The whole ladder, it without each step, and one step after the other on the first fit."""
    ladders = {"**all steps**": WHOLE}
    ladders |= {title: replace(WHOLE, **values) for title, values in WITHOUT.items()}
    climbed = replace(WHOLE, **dict.fromkeys(CLIMBED, False))
    ladders["first fit alone"] = climbed
    for name, title in list(CLIMBED.items())[:-1]:
        climbed = replace(climbed, **{name: True})
        ladders[f"... and {title}"] = climbed
    return ladders


def inputs_of(block: Scenes) -> EstimatorInputs:
    """Measurements of a receiver that knows its SNR."""
    power = tf.reduce_mean(tf.abs(block.measurement.y) ** 2, axis=[1, 2]).numpy()
    variance = power / (1 + 10 ** (block.measurement.snr_db.numpy() / 10))
    return EstimatorInputs(block.measurement, Known(variance))


def scores_of(estimate: Positions, truth: Positions, seconds: float) -> Scores:
    """What was found of a block of scenes."""
    m = matched(estimate, truth)
    sources = m.source.sum(axis=1)
    each = np.full(len(sources), seconds / len(sources))
    found, position = m.in_direction.sum(axis=1), m.in_position.sum(axis=1)
    return Scores(found, position, m.reported == sources, sources, each)


def compared(
    config: Config,
    estimators: Estimators,
    name: str,
    scenes: int,
    ladders: dict[str, Ladder] | None = None,
) -> dict[str, Scores]:
    """All ladders on the same scenes.

    Args:
        config: of the scenes.
        estimators: of the same panel and field of view.
        name: of the estimator.
        scenes: how many.
        ladders: by title, the first being what others are compared with; `None` for `variants`.
    """
    ladders = variants() if ladders is None else ladders
    simulate = tf.function(Simulator(config), autograph=False, jit_compile=True)
    graphs = estimators.detector.graphs
    detectors = {title: Detector(config, ladder, graphs) for title, ladder in ladders.items()}
    estimator = estimators.named(name)
    parts: dict[str, list[Scores]] = {title: [] for title in ladders}
    for number in range(-(-scenes // BLOCK)):
        block = simulate(Split.TEST, 0, tf.constant(number, tf.int64), BLOCK)
        inputs, truth = inputs_of(block), true_positions(block.sources)
        for title, detector in detectors.items():
            estimators.detector = detector
            if not number:
                estimator.estimate(inputs)  # traces its graphs
            begin = time.process_time()
            estimate = estimator.estimate(inputs)
            parts[title].append(scores_of(estimate, truth, time.process_time() - begin))
        print(f"{name}: {(number + 1) * BLOCK} scenes", file=sys.stderr, flush=True)
    return {t: Scores(*map(np.concatenate, zip(*p, strict=True))) for t, p in parts.items()}


def difference(mine: np.ndarray, theirs: np.ndarray, of: np.ndarray) -> Difference:
    """`(sum mine - sum theirs) / sum of` over scenes, which are independent."""
    change, total = mine.astype(float) - theirs, of.sum()
    value = change.sum() / total
    deviation = np.sqrt(np.sum((change - value * of) ** 2)) / total
    return Difference(value, max(NORMAL * deviation, NONE_OF / total))


def time_difference(mine: Scores, theirs: Scores) -> Difference:
    """Seconds a scene, the interval from the differences of blocks."""
    change = (mine.seconds - theirs.seconds)[::BLOCK]
    half = NORMAL * np.std(change, ddof=1) / np.sqrt(len(change))
    return Difference(float(change.mean()), float(half))


def table(scores: dict[str, Scores]) -> str:
    """Markdown: the whole ladder, then differences from it in points of percent and in ms."""
    (title, whole), *others = scores.items()
    sources, ones = whole.sources, np.ones(len(whole.sources))
    shares = whole.found.sum(), whole.position.sum(), whole.right.mean() * sources.sum()
    lines = [
        "| steps | found within 5 deg % | and 1 m % | count right % | ms a scene |",
        "|---|---|---|---|---|",
        f"| {title} | {' | '.join(f'{100 * share / sources.sum():.2f}' for share in shares)} "
        f"| {1e3 * whole.seconds.mean():.2f} |",
    ]
    for name, mine in others:
        cells = (
            difference(mine.found, whole.found, sources).text(100),
            difference(mine.position, whole.position, sources).text(100),
            difference(mine.right, whole.right, ones).text(100),
            time_difference(mine, whole).text(1e3),
        )
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
    quick, network = load_config(RunDirectory.open(run).config_path), load_network(run)
    jobs = {
        "quick-network": ("network-mvdr+ml", "quickstart", quick, network),
        "quick-slots": ("network+ml", "quickstart", quick, network),
        "quick-pursuit": ("pursuit", "quickstart", quick, None),
        "panel-pursuit": ("pursuit", "the default panel", Config(), None),
    }
    for job in which:
        name, scene, config, its_network = jobs[job]
        estimators = Estimators(config, its_network)  # SNR and separation do not matter to them
        for title, values in SETS.items():
            scores = compared(override_config(config, values), estimators, name, scenes)
            yield f"**`{name}`, {scene}: {title}** ({scenes} scenes)\n\n{table(scores)}"


def with_tables(page: str, tables: str) -> str:
    """The page with these tables between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", nargs="?", type=Path, help="of configs/quickstart.yaml")
    parser.add_argument("--scenes", type=int, default=1024, help=f"of each set, by {BLOCK}")
    parser.add_argument("--which", nargs="+", choices=WHICH, default=list(WHICH))
    parser.add_argument("--docs", action="store_true", help=f"write them into {PAGE.name}")
    given = parser.parse_args()
    share_processors(available_threads())
    tables = []
    with tempfile.TemporaryDirectory() as there:
        for text in measured(given.run or trained(Path(there)), given.scenes, given.which):
            print(text, flush=True)
            tables.append(text)
    if given.docs:
        page = with_tables(PAGE.read_text(encoding="utf-8"), "\n".join(tables))
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
