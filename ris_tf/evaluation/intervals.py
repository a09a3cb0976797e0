"""Confidence intervals of 95 %, of shares, ratios and medians over scenes."""

import numpy as np
from scipy.special import bdtr, betaincinv

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
RESAMPLED = 1000  # bootstrap draws of the scenes
SEED = 0  # of the bootstrap: the same scenes give the same intervals
NONE = (np.nan, np.nan)  # too few data for an interval


def share_interval(successes: np.ndarray, trials: np.ndarray) -> tuple[float, float]:
    """The interval of `sum successes / sum trials`, 0 and 1 included.

    Clopper and Pearson (1934), whose coverage is never below 95 %, with the effective
    number of independent trials (Korn and Graubard 1998), since trials of one scene are correlated.
    Where all succeed or all fail, that number cannot be estimated, and all trials are counted.

    Args:
        successes: `[B]` of each scene.
        trials: `[B]` of each scene, not all 0.
    """
    count = trials.sum()
    share = successes.sum() / count
    independent = min(count, _independent_trials(successes, trials, share))
    hits = share * independent
    low = betaincinv(hits, independent - hits + 1, TAIL) if share > 0 else 0.0
    high = betaincinv(hits + 1, independent - hits, 1 - TAIL) if share < 1 else 1.0
    return float(low), float(high)


def _independent_trials(successes: np.ndarray, trials: np.ndarray, share: float) -> float:
    """`p (1 - p)` over the variance of the share, linearised, scenes being independent."""
    scenes = len(trials)
    spread = np.sum((successes - share * trials) ** 2)
    if scenes < 2 or spread == 0:
        return np.inf
    variance = scenes / (scenes - 1) * spread / trials.sum() ** 2
    return share * (1 - share) / variance


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float]:
    """The interval of `sum numerator / sum denominator`, by bootstrap over scenes.

    Args:
        numerator: `[B]` of each scene.
        denominator: `[B]` of each scene; with fewer than two above 0 there is no interval.
    """
    scenes = len(denominator)
    if np.count_nonzero(denominator) < 2:
        return NONE
    draws = np.random.default_rng(SEED).multinomial(scenes, np.ones(scenes) / scenes, RESAMPLED)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = (draws @ numerator) / (draws @ denominator)
    low, high = np.nanquantile(ratios, [TAIL, 1 - TAIL])
    return float(low), float(high)


def median_interval(ranked: np.ndarray) -> tuple[float, float]:
    """The interval of the median between two of the values, whatever their distribution.

    The `j`-th smallest lies above the median with probability `P(X < j)`, `X` binomial of `n` and
    1/2: `j` is the largest rank for which that is at most 2.5 %, and the upper end is as far from
    the other side (David and Nagaraja 2003, section 7.1). Of fewer than 6 values there is none.

    Args:
        ranked: `[n]` in ascending order.
    """
    shares = bdtr(np.arange(len(ranked) + 1), len(ranked), 0.5)  # P(X <= x)
    rank = int(np.searchsorted(shares, TAIL))  # smallest x of P(X <= x) >= 2.5 %: j = x
    if rank < 1:
        return NONE
    return float(ranked[rank - 1]), float(ranked[-rank])
