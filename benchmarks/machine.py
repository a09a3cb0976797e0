"""What the benchmarks measure against: this machine's own matrix product."""

import logging
import os
import time
from collections.abc import Callable, Mapping

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # as in our commands: casts are by design

# The product that dominates the reference network: tokens x width x feed-forward.
ROWS, WIDTH = 1024, 512
LAYERS = 40


def seconds(call: Callable[[], tf.Tensor], repeats: int = 20, warm_up: int = 3) -> float:
    """Median time of a call, its result fetched."""
    times = []
    for _ in range(warm_up + repeats):
        start = time.perf_counter()
        call().numpy()
        times.append(time.perf_counter() - start)
    return sorted(times[warm_up:])[repeats // 2]


def by_turns(
    calls: Mapping[str, Callable[[], tf.Tensor]], rounds: int = 15, warm_up: int = 2
) -> dict[str, float]:
    """Median times of calls that take turns: what else the machine does meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(warm_up + rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call().numpy()
            times[name].append(time.perf_counter() - start)
    return {name: sorted(each[warm_up:])[rounds // 2] for name, each in times.items()}


def matrix_product_flops() -> float:
    """Floating-point operations a second of compiled float32 products of network-sized matrices."""
    product, operations = matrix_product()
    return operations / seconds(product)


def matrix_product() -> tuple[Callable[[], tf.Tensor], float]:
    """Compiled float32 products of network-sized matrices, and their floating-point operations."""
    x, w = tf.random.normal([ROWS, WIDTH]), tf.random.normal([WIDTH, WIDTH]) / WIDTH**0.5

    @tf.function(jit_compile=True, autograph=False)
    def products(x: tf.Tensor) -> tf.Tensor:
        for _ in range(LAYERS):
            x = x @ w
        return tf.reduce_sum(x)

    return lambda: products(x), 2 * ROWS * WIDTH * WIDTH * LAYERS
