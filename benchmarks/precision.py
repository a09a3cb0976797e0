"""What a run loses by computing its network in half precision: quickstart, trained in each.

Not part of `make bench`, since it trains: `configs/quickstart.yaml` as it stands, 900 windows, once
in each precision from the same seed, and once more in float32 from another seed, which says how far
apart two runs are that differ in nothing that matters. Seven to ten minutes on two cores.

Every run is `ris-tf train` as a person would type it, and every figure is read from its event log.
Judged is the last validation loss: within 5 % of float32's. An untrained network has 3.2 and
float32 ends at 1.0: 5 % is a fortieth of what training gains.

A processor has no half-precision arithmetic here: XLA computes in float32 and rounds what products
return, though not always between elementwise operations. So ranges are those of half precision
(float16 overflows where it would), roundings somewhat fewer than on a GPU, and times say nothing
about one.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ris_tf.runlog import RunLog, read_run_log

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "quickstart.yaml"
TOLERANCE = 0.05  # of float32's validation loss
SEED, OTHER_SEED = 42, 43
RUNS = (
    ("float32", SEED),
    ("mixed_bfloat16", SEED),
    ("mixed_float16", SEED),
    ("float32", OTHER_SEED),
)
TITLES = ("precision", "seed", "first", "final", "ratio", "dropped", "ms/window", "loss scale")
ROW = "{:<16}{:>4}{:>9}{:>9}{:>8}{:>9}{:>11}  {}"


class Result(NamedTuple):
    """What a run came to.

    Attributes:
        first: validation loss of the first epoch.
        final: of the last, NaN where the run did not get there.
        dropped: windows that were not applied.
        scales: where the loss scale changed: window, and the scale from there on.
        window_s: median seconds from one window to the next.
    """

    first: float
    final: float
    dropped: int
    scales: list[tuple[int, float]]
    window_s: float


def train(folder: Path, precision: str, seed: int) -> RunLog:
    """The event log of a new run."""
    name = f"{precision}-{seed}"
    overrides = ("--set", f"training.precision={precision}", "--set", f"seed={seed}")
    where = ("--runs-dir", str(folder), "--name", name)
    command = (sys.executable, "-m", "ris_tf.cli", "train", str(CONFIG), *overrides, *where)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
    return read_run_log(folder / name / "events.jsonl")


def result(log: RunLog) -> Result:
    """The figures of a run's log."""
    losses = [event.values["loss"] for event in log.validations] or [np.nan]
    finished = log.end is not None and log.end.reason == "finished"
    scale = log.column("scale")
    changes = np.flatnonzero(np.diff(scale, prepend=np.nan))  # the first counts as one
    return Result(
        first=losses[0],
        final=losses[-1] if finished else np.nan,
        dropped=int(np.sum(log.column("ok") == 0)),
        scales=[(int(log.steps[i]), float(scale[i])) for i in changes],
        window_s=float(np.median(np.diff(log.times))),
    )


def row(precision: str, seed: int, found: Result, of_float32: float) -> str:
    """A line of the table."""
    scales = ", ".join(f"{scale:g} from {window}" for window, scale in found.scales)
    return ROW.format(
        precision,
        seed,
        f"{found.first:.4f}",
        f"{found.final:.4f}",
        f"{found.final / of_float32:.3f}",
        found.dropped,
        f"{1e3 * found.window_s:.0f}",
        scales,
    )


def main() -> int:
    print(ROW.format(*TITLES), flush=True)
    results: dict[tuple[str, int], Result] = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision, seed in RUNS:
            found = results[precision, seed] = result(train(Path(folder), precision, seed))
            of_float32 = results["float32", SEED].final
            print(row(precision, seed, found, of_float32), flush=True)
    judged = [found.final for (_, seed), found in results.items() if seed == SEED]
    good = all(abs(loss / judged[0] - 1) <= TOLERANCE for loss in judged)
    print(f"within {TOLERANCE:.0%} of float32: {'yes' if good else 'no'}")
    return not good


if __name__ == "__main__":
    sys.exit(main())
