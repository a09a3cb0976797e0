"""How TensorFlow is set up for a run."""

import tensorflow as tf


def use_threads(threads: int) -> None:
    """Compute with this many threads; must come before TensorFlow's first computation.

    Results depend on it: sums are split differently.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
