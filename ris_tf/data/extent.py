"""Where the sources of files are, beside where a configuration looks for them."""

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-5  # of single precision and of degrees, relative


@dataclass(frozen=True)
class Extent:
    """Where the sources of a set are, in one coordinate.

    Attributes:
        sources: how many.
        outside: how many of them lie outside of the configuration's interval.
        least: the smallest value.
        most: the largest value.
    """

    sources: int
    outside: int
    least: float
    most: float

    def joined(self, other: "Extent | None") -> "Extent":
        """That of the sources of both."""
        if other is None:
            return self
        return Extent(
            self.sources + other.sources,
            self.outside + other.outside,
            min(self.least, other.least),
            max(self.most, other.most),
        )


def extent_of(values: np.ndarray, interval: tuple[float, float]) -> Extent:
    """The extent of some sources' values beside an interval; rounding does not count."""
    slack = ROUNDING * max(map(abs, interval))
    outside = (values < interval[0] - slack) | (values > interval[1] + slack)
    return Extent(len(values), int(outside.sum()), float(values.min()), float(values.max()))
