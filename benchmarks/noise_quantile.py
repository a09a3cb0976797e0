"""What noise alone explains: its 0.999 quantile over many scenes, beside what the count test takes.

    python benchmarks/noise_quantile.py

Every scene is a channel and codes of the default panel with nothing but noise of variance 1; the
drop is that of the residual energy by the first source that pursuit finds.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.estimation.detect import Detector
from ris_tf.scene import Simulator, Split

BLOCKS, SCENES = 192, 96  # blocks of scenes whose atoms fit into memory


def drops(detector: Detector, simulator: Simulator, block: int) -> np.ndarray:
    """`[SCENES]` energy that the best single source explains of noise."""
    made = simulator(Split.TEST, 0, block, SCENES)
    noise = np.random.default_rng(block).standard_normal((*made.measurement.y.shape, 2))
    y = noise.astype(np.float32).view(np.complex64)[..., 0] / np.float32(np.sqrt(2))
    graphs, scenes = detector.graphs, np.arange(SCENES)
    data = graphs.received(made.measurement._replace(y=tf.constant(y)))
    none = graphs.no_sources(data, scenes)
    table = graphs.table(data, scenes, None)
    first = graphs.matched(data, scenes, none.positions, table, scenes)
    return none.energy - graphs.refined(data, scenes, first.positions).energy


def main() -> None:
    config = Config()
    detector, simulator = Detector(config), Simulator(config)
    found = np.concatenate([drops(detector, simulator, block) for block in range(BLOCKS)])
    print(f"scenes of noise                 {len(found):8,}")
    print(f"0.999 quantile of the drop      {np.quantile(found, 0.999):8.1f} noise variances")
    print(f"least drop of a source          {detector.count_test.test.least_drop(1, False):8.1f}")


if __name__ == "__main__":
    main()
