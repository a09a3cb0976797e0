"""Loads TensorFlow without the chatter that it prints at start-up."""

import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from ris_tf.device import gpu_is_chosen, require_chosen
from ris_tf.engine.compiled import flags_are_read, may_use_gpu, use_compiled
from ris_tf.errors import UserError

INSTALL = "pip install 'ris-tf[train]'"

BY_DESIGN = (
    # The estimators' graphs are traced for two numbers of scenes and a few of places.
    "triggered tf.function retracing",
    # The gradient by a real number that is cast to a complex one is the real part of that one's.
    "casting an input of type complex",
)


# Keras imports them where they are installed, for wrappers and pictures of its own: that is a
# quarter of the time that importing TensorFlow takes.
UNUSED_BY_COMMANDS = ("sklearn", "matplotlib")


def load_tensorflow(whole: bool = False) -> None:
    """Import TensorFlow; its start-up lines are dropped, unless the import fails.

    A GPU's memory is taken as it is needed, so that several processes can share one; products are
    in full precision (see `ris_tf.products`). What was compiled before is found again.

    Args:
        whole: with `keras.wrappers` and `keras.visualization`, which no command uses, but perhaps
            somebody's program.

    Raises:
        UserError: it is not installed, or a GPU was chosen by `--device`, and there is none.
    """
    _require_installed()
    limit_logging()
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    use_compiled()
    with hidden_unless_it_fails(), not_found(() if whole else UNUSED_BY_COMMANDS):
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")  # complains where there is none
    flags_are_read()
    if not whole:
        gc.freeze()  # TensorFlow's objects stay: collections need not look through them
    require_chosen(len(gpus))
    tf.config.experimental.enable_tensor_float_32_execution(False)
    logging.getLogger("tensorflow").addFilter(
        lambda record: not any(words in record.getMessage() for words in BY_DESIGN)
    )


def limit_logging() -> None:
    """Let TensorFlow log errors alone, and without a GPU nothing, unless a person chose a level.

    Loading what it compiled before, XLA logs as errors that preferences of the compiler are no
    features of the processor. A GPU's errors tell why it cannot be used; there, nothing is loaded.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if may_use_gpu() else "3")


def require_tensorflow() -> None:
    """Refuse what cannot be done without TensorFlow, before anything is made.

    It is imported only where a GPU was chosen, which may not be there.

    Raises:
        UserError: it is not installed, or there is no such GPU.
    """
    _require_installed()
    if gpu_is_chosen():
        load_tensorflow()


def _require_installed() -> None:
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise UserError("needs TensorFlow, which is not installed", remedy=INSTALL)


@contextmanager
def not_found(packages: Sequence[str]) -> Iterator[None]:
    """While this lasts, packages that are not imported yet cannot be."""
    missing = [name for name in packages if name not in sys.modules]
    for name in missing:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextmanager
def hidden_unless_it_fails() -> Iterator[None]:
    """Hide what C++ writes to descriptor 2; show it after an exception."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            yield
        except BaseException:
            output.seek(0)
            os.write(saved, output.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
