"""Loads TensorFlow without the chatter that it prints at start-up."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_tensorflow() -> None:
    """Import TensorFlow; its start-up lines are dropped, unless the import fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and complains where there is none
    # The estimators' graphs are traced for two numbers of scenes and a few of places, by design.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what is written to descriptor 2, where C++ writes; show it after an exception."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
