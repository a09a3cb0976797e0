"""Metrics of an estimator over many scenes, with confidence intervals (SPEC 8)."""

import numpy as np
from scipy.stats import binom

from ris_tf.evaluation.document import Metric
from ris_tf.evaluation.matching import Matched

RESAMPLED = 1000  # bootstrap draws of the scenes
CONFIDENCE = 0.95
SEED = 0  # of the bootstrap: the same scenes give the same intervals

COORDINATES = ("azimuth", "elevation", "range")


NOTHING = Metric(np.nan, np.nan, np.nan)


def metrics_of(
    matching: Matched, error_over_bound: dict[str, np.ndarray] | None = None
) -> dict[str, Metric]:
    """All metrics, by name; NaN where nothing was there to judge.

    `recall_direction`, `recall_position`, `precision`, `count_accuracy` are shares.
    `azimuth_rmse_deg`, `elevation_rmse_deg`, `range_rmse_m`, `position_rmse_m` are over sources
    matched in direction. `azimuth_over_bound`, ... are medians of `|error| / bound` over the same;
    0.67 is efficient. Intervals are bootstrapped over scenes, those of medians are of ranks.

    Args:
        matching: of `B` scenes.
        error_over_bound: `[B, K]` by coordinate, NaN where there is none; `None` leaves them out.
    """
    m = matching
    found, sources = m.in_direction, m.source.sum(axis=1)
    squared = {
        "azimuth_rmse_deg": np.degrees(m.azimuth) ** 2,
        "elevation_rmse_deg": np.degrees(m.elevation) ** 2,
        "range_rmse_m": m.range_m**2,
        "position_rmse_m": m.distance_m**2,
    }
    shares = {
        "recall_direction": (found.sum(axis=1), sources),
        "recall_position": (m.in_position.sum(axis=1), sources),
        "precision": (found.sum(axis=1), m.reported),
        "count_accuracy": (m.reported == sources, np.ones(len(sources))),
    }
    roots = {
        name: (np.where(found, error, 0).sum(axis=1), found.sum(axis=1))
        for name, error in squared.items()
    }
    return {
        **{name: _ratio(*sums) for name, sums in shares.items()},
        **{name: Metric(*np.sqrt(_ratio(*sums))) for name, sums in roots.items()},
        **{
            f"{name}_over_bound": _median(np.where(found, values, np.nan))
            for name, values in (error_over_bound or {}).items()
        },
    }


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> Metric:
    """`sum numerator / sum denominator` over scenes, and its bootstrap interval."""
    if not denominator.sum():
        return NOTHING
    scenes = len(denominator)
    draws = np.random.default_rng(SEED).multinomial(scenes, np.ones(scenes) / scenes, RESAMPLED)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = (draws @ numerator) / (draws @ denominator)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(ratios, [tail, 1 - tail])
    return Metric(float(numerator.sum() / denominator.sum()), float(low), float(high))


def _median(values: np.ndarray) -> Metric:
    """The median of all finite values, and its interval from the ranks of a binomial variable."""
    ranked = np.sort(values[np.isfinite(values)])
    if not len(ranked):
        return NOTHING
    tail = (1 - CONFIDENCE) / 2
    ends = binom.ppf([tail, 1 - tail], len(ranked), 0.5).astype(int)
    low, high = ranked[np.clip(ends, 0, len(ranked) - 1)]
    return Metric(float(np.median(ranked)), float(low), float(high))
