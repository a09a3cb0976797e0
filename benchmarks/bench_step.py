"""Time of the whole guarded step of the reference network, beside the matrix product's speed.

The share is of the floating-point operations that the network's own layers need: forward, and twice
that backward. Simulation, covariances, losses, dropout, the check, AdamW and both averages are
in the time and not in the operations.
"""

from pathlib import Path

import tensorflow as tf
from machine import matrix_product_flops, seconds

from ris_tf.config import Config, load_config
from ris_tf.network import ReferenceNetwork, build_network
from ris_tf.training.task import make_trainer

CONFIGS = Path(__file__).parent.parent / "configs"
PASSES = 3  # forward, gradient of the inputs, gradient of the weights
PER_SNAPSHOT = ("snapshot encoder", "transformer", "code branch")


def operations(network: ReferenceNetwork, config: Config) -> float:
    """Floating-point operations of a step: two a weight and use, for every pass."""
    length, uses = config.scene.snapshots, 0
    for part in network.parts():
        uses += part.parameters * (length if part.name in PER_SNAPSHOT else 1)
    attention = 2 * config.network.layers * length**2 * config.network.width
    return PASSES * 2 * (uses + attention) * config.training.batch


def step_seconds(config: Config) -> tuple[float, float]:
    """Seconds of a step, and its floating-point operations."""
    network = build_network(config)
    trainer = make_trainer(config, network)
    step = tf.function(trainer.train_step, jit_compile=True, autograph=False)
    windows = iter(range(10**6))
    elapsed = seconds(lambda: step(tf.constant(next(windows), tf.int64))["values"])
    return elapsed, operations(network, config)


def main() -> None:
    # The second half of training, where both averages are taken: one epoch, SWA from its start.
    config = load_config(CONFIGS / "reference.yaml", ["training.swa_start=0"])
    before = matrix_product_flops()
    elapsed, needed = step_seconds(config)
    after = matrix_product_flops()
    product = (before + after) / 2
    print(f"matrix product        {product / 1e9:8.0f} GFLOP/s")
    print(f"reference step        {1e3 * elapsed:8.0f} ms of {config.training.batch} scenes")
    print(f"the network's own     {needed / 1e9:8.1f} GFLOP a step")
    print(f"speed of the step     {needed / elapsed / 1e9:8.0f} GFLOP/s")
    print(f"share of the product  {needed / elapsed / product:8.0%}")


if __name__ == "__main__":
    main()
