"""What noise alone explains: quantiles over many scenes, beside what the count test takes.

    python benchmarks/noise_quantile.py

Every scene is a channel and codes of the default panel with nothing but noise of variance 1. The
gain is that of the log-likelihood by the first source that pursuit finds; the drop is that of the
residual energy where symbols are fitted.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.estimation.detect import Detector
from ris_tf.scene import Simulator, Split

BLOCKS, SCENES = 192, 96  # blocks of scenes whose atoms fit into memory


def gains(detector: Detector, simulator: Simulator, block: int, variance: float) -> np.ndarray:
    """`[SCENES]` by how much the best single source lowers the cost of noise.

    Args:
        detector: its graphs, and the grid.
        simulator: of channels and codes.
        block: number of the scenes.
        variance: of the noise as the likelihood has it; 0 fits symbols.
    """
    made = simulator(Split.TEST, 0, block, SCENES)
    noise = np.random.default_rng(block).standard_normal((*made.measurement.y.shape, 2))
    y = noise.astype(np.float32).view(np.complex64)[..., 0] / np.float32(np.sqrt(2))
    graphs, scenes = detector.graphs, np.arange(SCENES)
    data = graphs.received(made.measurement._replace(y=tf.constant(y)))
    data = data.with_noise(np.full(SCENES, variance))
    none = graphs.no_sources(data, scenes)
    table = graphs.table(data, scenes, None)
    first = graphs.matched(data, scenes, none.positions, table, scenes)
    return none.cost - graphs.refined(data, scenes, first.positions).cost


def main() -> None:
    config = Config()
    detector, simulator = Detector(config), Simulator(config)
    test = detector.count_test.test
    gain, drop = (
        np.concatenate([gains(detector, simulator, block, variance) for block in range(BLOCKS)])
        for variance in (1.0, 0.0)
    )
    print(f"scenes of noise                       {len(gain):8,}")
    print(f"0.95 and 0.999 quantile of the gain   {np.quantile(gain, 0.95):8.1f}", end="")
    print(f" {np.quantile(gain, 0.999):8.1f}")
    print(f"least gain of a source                {test.least_gain():8.1f}")
    print(f"0.999 quantile of the drop            {np.quantile(drop, 0.999):8.1f} noise variances")
    print(f"least drop of a source                {test.least_drop(1):8.1f}")


if __name__ == "__main__":
    main()
