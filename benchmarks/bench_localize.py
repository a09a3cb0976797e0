"""Scenes a second of the estimators at the default panel, and of the refinement alone.

    python benchmarks/bench_localize.py [RUN]

RUN is a run of the default panel; without one, configs/default-panel.yaml is trained for four of
its epochs first. The worse the network, the more scenes are revised. Scenes are
those of docs/estimators.md: 1 to 5 sources at least 8 degrees apart, 10 to 20 dB.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from machine import matrix_product_flops

from ris_tf.config import load_config, override_config
from ris_tf.estimation.chunks import share_processors
from ris_tf.estimation.estimators import Estimators
from ris_tf.evaluation import ALL
from ris_tf.evaluation.run import Evaluation
from ris_tf.localizer import load_network
from ris_tf.processor import available_threads
from ris_tf.runlog import RunDirectory

SCENES = 1024
NAMES = (
    "network",
    "network-mvdr",
    "network-mvdr+ml",
    "network-music+ml",
    "pursuit",
    "truth+ml",
)
JUDGED = ("scene.separation_deg=8", "scene.snr_db=[10,20]", "scene.sources_min=1")
CONFIG = Path(__file__).parents[1] / "configs" / "default-panel.yaml"


def trained(folder: Path) -> Path:
    """A run of the default panel, trained briefly."""
    command = [Path(sys.executable).with_name("ris-tf"), "train", CONFIG, "--name", "brief"]
    command += ["--set", "training.epochs=4"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "runs" / "brief"


def main(run: Path) -> None:
    share_processors(available_threads())  # as `ris-tf evaluate` does
    config = override_config(load_config(RunDirectory.open(run).config_path), JUDGED)
    estimators = Estimators(config, load_network(run))
    chosen = {name: estimators.named(name) for name in NAMES}
    Evaluation(config, chosen, SCENES).run()  # traces the graphs that few scenes need, too
    evaluation = Evaluation(config, chosen, SCENES)
    evaluation.run()
    each = matrix_product_flops() / 1e9
    print(f"matrix product       {each:8.0f} GFLOP/s on the processors of one chunk")
    for row in evaluation.report({}).of(ALL):
        recall = 100 * row.metrics["recall_direction"].value
        speed = 1e3 / row.metrics["milliseconds"].value
        print(f"{row.estimator:<20} {speed:8,.0f} scenes a second, {recall:.1f} % found")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as there:
            main(trained(Path(there)))
