"""Time of the whole guarded step of the reference network, beside the matrix product's speed.

The share is of the floating-point operations that the network's own layers need: forward, and twice
that backward. Simulation, covariances, losses, dropout, the check, AdamW and both averages are
in the time and not in the operations. Where the time goes is told by steps that end earlier and by
those without a part, all by turns. Where PyTorch is installed, its step of the same layers stands
beside it.
"""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tensorflow as tf
from machine import by_turns, matrix_product

from ris_tf.config import Config, load_config, override_config
from ris_tf.engine.batches import Numbered
from ris_tf.network import ReferenceNetwork, build_network
from ris_tf.training.task import make_trainer

REFERENCE = Path(__file__).parent.parent / "configs" / "reference.yaml"
PASSES = 3  # forward, gradient of the inputs, gradient of the weights
PER_SNAPSHOT = ("snapshot encoder", "transformer", "code branch")
WITHOUT = {
    "averages": ["training.ema=false", "training.swa=false"],
    "dropout": ["network.dropout=0"],
    "the count's eigenvalues": ["network.count_head=false", "objective.weights.count=0"],
}


def operations(network: ReferenceNetwork, config: Config) -> float:
    """Floating-point operations of a step: two a weight and use, for every pass."""
    length, uses = config.scene.snapshots, 0
    for part in network.parts():
        uses += part.parameters * (length if part.name in PER_SNAPSHOT else 1)
    attention = 2 * network.knobs.layers * length**2 * network.knobs.width
    return PASSES * 2 * (uses + attention) * config.training.batch


def compiled(of_window: Callable[[tf.Tensor], Any]) -> Callable[[], tf.Tensor]:
    """Computes all that a window comes to, compiled; each call is of the next one."""
    function = tf.function(of_window, jit_compile=True, autograph=False)
    windows = iter(range(10**6))
    return lambda: tf.nest.flatten(function(tf.constant(next(windows), tf.int64)))[0]


def parts_of_step(config: Config) -> dict[str, Callable[[], tf.Tensor]]:
    """Steps that end after the scenes, the loss and its gradient."""
    trainer = make_trainer(config)
    first, source = tf.zeros([], tf.int64), trainer.training_batches
    assert isinstance(source, Numbered)

    def loss(window: tf.Tensor) -> tf.Tensor:
        batch = source.at(first, window)
        return trainer.loss_of(batch, trainer.step_at(window, first, window)).value

    def scenes(window: tf.Tensor) -> tf.Tensor:
        parts = tf.nest.flatten(source.at(first, window))
        return tf.add_n([tf.reduce_sum(tf.abs(tf.cast(part, tf.complex64))) for part in parts])

    def gradient(window: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            value = loss(window)
        return tape.gradient(value, trainer.weights_trained)

    return {"scenes": compiled(scenes), "loss": compiled(loss), "gradient": compiled(gradient)}


def of_pytorch() -> tuple[float, float] | None:
    """Seconds of PyTorch's step and the parameters it moves; `None` where it is not installed."""
    if find_spec("torch") is None:
        return None
    words = [sys.executable, str(Path(__file__).parent / "pytorch_step.py"), str(REFERENCE)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    elapsed, parameters = map(float, done.stdout.split())
    return elapsed, parameters


def row(what: str, value: float, unit: str) -> None:
    """Print a line of the table."""
    print(f"{what:<40}{value:8.0f} {unit}", flush=True)


def main() -> None:
    # The second half of training, where both averages are taken: one epoch, SWA from its start.
    config = load_config(REFERENCE, ["training.swa_start=0"])
    network, batch = build_network(config), config.training.batch
    assert isinstance(network, ReferenceNetwork)
    needed = operations(network, config)
    product, of_product = matrix_product()
    calls = {"product": product, **parts_of_step(config)}
    calls["step"] = compiled(make_trainer(config).train_step)
    for name, changes in WITHOUT.items():
        calls[name] = compiled(make_trainer(override_config(config, changes)).train_step)
    times = by_turns(calls)
    whole, flops = times["step"], of_product / times["product"]
    row("matrix product", flops / 1e9, "GFLOP/s")
    row("reference step", 1e3 * whole, f"ms of {batch} scenes, {batch / whole:.0f} a second")
    row("the network's own", needed / 1e9, "GFLOP a step")
    row("speed of the step", needed / whole / 1e9, "GFLOP/s")
    row("share of the product", 100 * needed / whole / flops, "%")
    row("  these operations at its speed", 1e3 * needed / flops, "ms")
    row("  simulating the scenes", 1e3 * times["scenes"], "ms")
    row("  forward, covariances, terms", 1e3 * (times["loss"] - times["scenes"]), "ms")
    row("  backward", 1e3 * (times["gradient"] - times["loss"]), "ms")
    row("  norms, check, update, averages", 1e3 * (whole - times["gradient"]), "ms")
    for name in WITHOUT:
        row(f"  less without {name}", 1e3 * (whole - times[name]), "ms")
    if pytorch := of_pytorch():
        elapsed, parameters = pytorch
        row(
            "PyTorch: layers and update alone", 1e3 * elapsed, f"ms, {batch / elapsed:.0f} a second"
        )
        row("  its parameters", parameters / 1e6, "million")


if __name__ == "__main__":
    main()
