"""Smoothed curves: a mean over a share of the run, centred, so that it lags behind nothing."""

from dataclasses import dataclass, field

import numpy as np

BLOCKS = 8  # places of a smoothed curve within the windows that it averages over
PIECE = 1 << 17  # values summed at a time
GROWTH = 1.25  # spans grow with the run by this, so that all is smoothed anew only now and then


def span_of(share: float, windows: int) -> int:
    """Windows that a share of a run spans; 1 where that is too little to smooth anything.

    Args:
        share: of the run, 0..1.
        windows: its length so far.
    """
    wanted = share * windows
    if wanted < 2:
        return 1
    return round(GROWTH ** np.floor(np.log(wanted) / np.log(GROWTH) + 1e-9))


@dataclass
class Smoother:
    """Centred means of growing series; only what is new is summed.

    Attributes:
        share: of a run, that its means span. 0 smooths nothing.
    """

    share: float
    _known: dict[tuple, "_Blocks"] = field(default_factory=dict)

    def __call__(
        self, key: tuple, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The mean along a series, with gaps where values are not finite.

        Args:
            key: what identifies the series; its values only ever grow in number.
            x: `[n]` where the values are.
            y: `[n]` all of them so far.

        Returns:
            x and mean at some of the places, so close that those between them make no
            visible difference; `None` where there is nothing to smooth.
        """
        span = span_of(self.share, len(y))
        if span < 2:
            return None
        known = self._known.get(key)
        if known is None or known.span != span:
            known = self._known[key] = _Blocks(span)
        places, mean = known.mean(y)
        return x[places], mean

    def forget_all_but(self, runs: set) -> None:
        """Drop what is known of series whose key begins with none of these."""
        self._known = {key: known for key, known in self._known.items() if key[0] in runs}


class _Blocks:
    """Sums of finite values over blocks of a growing series."""

    def __init__(self, span: int):
        self.span = span
        self.stride = max(span // BLOCKS, 1)
        # Of each of two means, one of the other: together they span what was asked for.
        self.half = max(round(span / self.stride / 4), 1)
        self._sums = np.empty(0)
        self._counts = np.empty(0)
        self._mean: tuple[int, np.ndarray, np.ndarray] | None = None

    def mean(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the middles of the blocks, and the mean there; of a run at rest, as before."""
        if self._mean is None or self._mean[0] != len(values):
            sums, counts = self.extended(values)
            self._mean = len(values), self.middles(len(values)), centred(sums, counts, self.half)
        return self._mean[1:]

    def extended(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums and numbers of finite values in every block, the last one as far as it goes."""
        done, whole = len(self._sums), len(values) // self.stride
        if whole > done:
            parts = [
                _sums(values[self.stride * a : self.stride * b].reshape(b - a, -1))
                for a, b in _pieces(done, whole, max(PIECE // self.stride, 1))
            ]
            self._sums = np.concatenate([self._sums, *(sums for sums, _ in parts)])
            self._counts = np.concatenate([self._counts, *(counts for _, counts in parts)])
        rest = values[self.stride * whole :]
        if not len(rest):
            return self._sums, self._counts
        last, count = _sums(rest[None])
        return np.append(self._sums, last), np.append(self._counts, count)

    def middles(self, windows: int) -> np.ndarray:
        """Places of the middles of the blocks."""
        begins = np.arange(0, windows, self.stride)
        ends = np.minimum(begins + self.stride, windows) - 1
        return (begins + ends) // 2


def _pieces(begin: int, end: int, size: int) -> list[tuple[int, int]]:
    return [(at, min(at + size, end)) for at in range(begin, end, size)]


def _sums(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    finite = np.isfinite(blocks)
    return np.where(finite, blocks, 0).sum(axis=1, dtype=np.float64), finite.sum(axis=1).astype(
        np.float64
    )


def centred(sums: np.ndarray, counts: np.ndarray, half: int) -> np.ndarray:
    """Mean around every block, taken twice; NaN where a block has no finite value.

    Towards the ends the mean narrows to both sides alike, so that it follows a slope up to them.

    Args:
        sums: `[n]` of the finite values of each block.
        counts: `[n]` how many these are.
        half: blocks to each side of the middle.
    """
    with np.errstate(invalid="ignore"):
        once = np.where(counts > 0, np.divide(*_around(sums, counts, half)), np.nan)
    there = np.isfinite(once)
    with np.errstate(invalid="ignore"):
        twice = np.divide(*_around(np.where(there, once, 0), there.astype(np.float64), half))
    return np.where(there, twice, np.nan).astype(np.float32)


def _around(sums: np.ndarray, counts: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts over as many blocks to each side as both sides have, `half` at most.

    Blocks are added one by one: differences of running sums would lose what stands beside a
    value many orders of magnitude larger.
    """
    n = len(sums)
    room = np.minimum(np.arange(n), np.arange(n)[::-1])
    total, number = sums.copy(), counts.copy()
    for k in range(1, half + 1):
        inner = np.flatnonzero(room >= k)
        total[inner] += sums[inner - k] + sums[inner + k]
        number[inner] += counts[inner - k] + counts[inner + k]
    return total, number
