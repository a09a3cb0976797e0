"""How long a run is: epochs, windows, and shares of them."""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Plan:
    """The length of a run.

    A window is one optimizer step: it joins `accumulation` batches, the last window of an epoch as
    many as remain.

    Attributes:
        epochs: planned epochs.
        batches_per_epoch: batches an epoch.
        accumulation: batches a window, `g`.
        batch: examples a batch; 0 where that is not known.
        validation_batches: batches that validate an epoch; 0 validates nothing.
        patience: epochs without a better validation loss before a run stops; 0 never stops.
    """

    epochs: int
    batches_per_epoch: int
    accumulation: int = 1
    batch: int = 0
    validation_batches: int = 0
    patience: int = 0

    @property
    def windows_per_epoch(self) -> int:
        """Windows an epoch; the last is short where `accumulation` does not divide."""
        return -(-self.batches_per_epoch // self.accumulation)

    @property
    def windows(self) -> int:
        """`T`, windows of the whole run."""
        return self.epochs * self.windows_per_epoch

    @property
    def examples_per_window(self) -> int:
        """Examples of a whole window; 0 where that is not known."""
        return self.batch * self.accumulation

    def batches_before(self, window: int) -> int:
        """Batches of the whole run that come before a window."""
        epochs, place = divmod(window, self.windows_per_epoch)
        return epochs * self.batches_per_epoch + place * self.accumulation


def share_of(share: float, windows: int) -> int:
    """`ceil(share x windows)`, the share taken as the decimal number that was written.

    In binary 0.07 x 100 is above 7, and its ceiling is 8.
    """
    return math.ceil(Fraction(str(share)) * windows)
