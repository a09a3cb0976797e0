"""Scenes a second of the simulator, at the default scene and at quickstart's."""

from pathlib import Path

import tensorflow as tf
from machine import matrix_product_flops, seconds

from ris_tf.config import load_config
from ris_tf.scene import Simulator, Split

BATCH = 64
CONFIGS = Path(__file__).parent.parent / "configs"


def scenes_per_second(name: str) -> float:
    simulator = Simulator(load_config(CONFIGS / f"{name}.yaml"))

    @tf.function(jit_compile=True, autograph=False)
    def batch(number: tf.Tensor) -> tf.Tensor:
        scenes = simulator(Split.TRAINING, 0, number, BATCH)
        # Everything is used, so that nothing is left out of the compiled code.
        parts = [tf.reduce_sum(tf.abs(tf.cast(x, tf.complex64))) for x in tf.nest.flatten(scenes)]
        return tf.add_n(parts)

    return BATCH / seconds(lambda: batch(tf.constant(1, tf.int64)), repeats=40)


def main() -> None:
    print(f"matrix product       {matrix_product_flops() / 1e9:8.0f} GFLOP/s")
    for name in ("reference", "quickstart"):
        print(f"scenes, {name:<12} {scenes_per_second(name):8,.0f} a second")


if __name__ == "__main__":
    main()
