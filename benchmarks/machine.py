"""What the benchmarks measure against: this machine's own matrix product."""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

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


def matrix_product_flops() -> float:
    """Floating-point operations a second of compiled float32 products of network-sized matrices."""
    x, w = tf.random.normal([ROWS, WIDTH]), tf.random.normal([WIDTH, WIDTH]) / WIDTH**0.5

    @tf.function(jit_compile=True, autograph=False)
    def products(x: tf.Tensor) -> tf.Tensor:
        for _ in range(LAYERS):
            x = x @ w
        return tf.reduce_sum(x)

    return 2 * ROWS * WIDTH * WIDTH * LAYERS / seconds(lambda: products(x))
