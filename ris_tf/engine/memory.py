"""How much of a GPU's memory training takes, and what would fit."""

from collections.abc import Iterable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.client import device_lib  # pyright: ignore[reportMissingModuleSource]

from ris_tf.errors import UserError

COPIES = 2  # of the state at once: before a window and after it
SAFE = 0.9  # of the memory that is computed to be free: it is in pieces
TOGETHER = 8  # batches are said in multiples of this
GIB = float(1 << 30)


class Memory(NamedTuple):
    """Of one device, in bytes.

    Attributes:
        limit: that TensorFlow may take; 0 where it is not known, as of a processor.
        state: weights, moments and averages.
    """

    limit: int
    state: int

    @classmethod
    def of(cls, variables: Iterable[keras.Variable]) -> "Memory":
        """Of the GPU that trains variables; without a GPU, of nothing."""
        shapes = ((variable.shape, variable.dtype) for variable in variables)
        state = sum(int(np.prod(s)) * tf.as_dtype(dtype).size for s, dtype in shapes)
        return cls(_limit(), state)

    def require_room(self) -> None:
        """Refuse a network whose state alone does not fit.

        Raises:
            UserError: saying how much it is.
        """
        if self.limit and COPIES * self.state > self.limit:
            raise UserError(
                f"weights, moments and averages take {COPIES * self.state / GIB:.1f} GiB, and the "
                f"GPU has {self.limit / GIB:.1f}",
                key="network",
                remedy="take a smaller network, or --device cpu",
            )

    def after_a_window(self, batch: int) -> str:
        """What a window took, and which batch would fit; empty where it is not known."""
        if not self.limit:
            return ""
        peak = int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
        return self.said(peak, batch)

    def said(self, peak: int, batch: int) -> str:
        """The same of a peak in bytes.

        Args:
            peak: most bytes at once so far.
            batch: examples of a batch; 0 where that is not known.
        """
        taken = f"memory    {peak / GIB:.1f} of {self.limit / GIB:.1f} GiB of the GPU"
        return f"{taken}; batches of up to about {self.fits(peak, batch):,} fit" if batch else taken

    def fits(self, peak: int, batch: int) -> int:
        """Examples of the largest batch that fits, by proportion."""
        fixed = COPIES * self.state
        each = max(peak - fixed, 1) / batch
        fits = int(SAFE * (self.limit - fixed) / each)
        return max(fits // TOGETHER * TOGETHER, batch)


def _limit() -> int:
    if not tf.config.get_visible_devices("GPU"):
        return 0
    devices = device_lib.list_local_devices()
    return min((d.memory_limit for d in devices if d.device_type == "GPU"), default=0)
