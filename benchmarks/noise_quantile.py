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
from ris_tf.localize.detect import Detector, in_chunks
from ris_tf.localize.model import Observed, observed
from ris_tf.localize.pursuit import atoms, pursue
from ris_tf.scene import Simulator, Split

BLOCKS, SCENES, CHUNK = 16, 1024, 32  # blocks of scenes whose channels fit into memory


def drops(detector: Detector, simulator: Simulator, block: int) -> np.ndarray:
    """`[SCENES]` energy that the best single source explains of noise."""
    made = simulator(Split.TEST, 0, block, SCENES)
    noise = np.random.default_rng(block).standard_normal((*made.measurement.y.shape, 2))
    y = noise.astype(np.float32).view(np.complex64)[..., 0] / np.float32(np.sqrt(2))
    data = observed(made.measurement._replace(y=tf.constant(y)), simulator.panel, "independent")

    def path(y: tf.Tensor, sensing: tf.Tensor) -> tf.Tensor:
        seen = Observed(y, sensing, simulator.panel)
        return pursue(seen, atoms(seen, detector.grid), 1, detector.range_m).energy

    energy = in_chunks(tf.function(path, autograph=False), CHUNK, data.y, data.sensing)
    return energy[:, 0] - energy[:, 1]


def main() -> None:
    config = Config()
    detector, simulator = Detector(config), Simulator(config)
    found = np.concatenate([drops(detector, simulator, block) for block in range(BLOCKS)])
    print(f"scenes of noise                 {len(found):8,}")
    print(f"0.999 quantile of the drop      {np.quantile(found, 0.999):8.1f} noise variances")
    print(f"least drop of a source          {detector.test.least_drop(1, False):8.1f}")


if __name__ == "__main__":
    main()
