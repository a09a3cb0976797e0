"""How TensorFlow is set up for a run."""

import tensorflow as tf


def use_threads(threads: int) -> bool:
    """Compute with this many threads; whether TensorFlow does.

    It does not where it has computed in this process before, as in a notebook. Results depend on
    it: sums are split differently.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        return False
    return True


def slower_than_float32(precision: str) -> str:
    """What to know of a precision on this machine; empty where there is nothing to say."""
    if precision == "float32" or tf.config.list_physical_devices("GPU"):
        return ""
    return (
        f"{precision} on a machine without GPU: this TensorFlow has no half-precision kernels for "
        "the processor and converts to float32 and back, so it is slower than float32"
    )
