"""Metrics of an estimator over many scenes, with confidence intervals (SPEC 8)."""

import numpy as np

from ris_tf.estimation.uncertainty import WIDE_95
from ris_tf.evaluation.document import Metric
from ris_tf.evaluation.intervals import median_interval, ratio_interval, share_interval
from ris_tf.evaluation.matching import Matched

COORDINATES = ("azimuth", "elevation", "range")
INTERVALS = {"azimuth": "azimuth", "elevation": "elevation", "range": "curvature"}


NOTHING = Metric(np.nan, np.nan, np.nan)


def metrics_of(
    matching: Matched, error_over_bound: dict[str, np.ndarray] | None = None
) -> dict[str, Metric]:
    """All metrics, by name; NaN where there is nothing to measure.

    `recall_direction`, `recall_position`, `precision`, `count_accuracy` are shares.
    `azimuth_rmse_deg`, `elevation_rmse_deg`, `range_rmse_m`, `position_rmse_m` are over sources
    matched in direction. `azimuth_over_bound`, ... are medians of `|error| / bound` over the same;
    0.67 is efficient. `azimuth_covered`, ... are shares of the same sources, whose interval at
    95 % holds the truth. Intervals are those of `intervals`: exact of shares and medians, of errors
    bootstrapped over scenes.

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
        **{name: _share(*sums) for name, sums in shares.items()},
        **{name: _root(*sums) for name, sums in roots.items()},
        **{f"{name}_covered": _covered(m, field) for name, field in INTERVALS.items()},
        **{
            f"{name}_over_bound": _median(np.where(found, values, np.nan))
            for name, values in (error_over_bound or {}).items()
        },
    }


def _share(successes: np.ndarray, trials: np.ndarray) -> Metric:
    """`sum successes / sum trials` over scenes."""
    if not trials.sum():
        return NOTHING
    value = float(successes.sum() / trials.sum())
    return Metric(value, *share_interval(successes, trials))


def _covered(m: Matched, field: str) -> Metric:
    """The share of intervals at 95 % that hold the truth, of sources found in direction."""
    error, deviation = getattr(m, field), getattr(m, f"{field}_std")
    judged = m.in_direction & ~np.isnan(deviation)
    held = judged & (np.abs(error) <= WIDE_95 * deviation)
    return _share(held.sum(axis=1), judged.sum(axis=1))


def _root(squares: np.ndarray, counts: np.ndarray) -> Metric:
    """The root of `sum squares / sum counts` over scenes."""
    if not counts.sum():
        return NOTHING
    ratio = squares.sum() / counts.sum(), *ratio_interval(squares, counts)
    return Metric(*(float(end) for end in np.sqrt(ratio)))


def _median(values: np.ndarray) -> Metric:
    """The median of all finite values."""
    ranked = np.sort(values[np.isfinite(values)])
    if not len(ranked):
        return NOTHING
    return Metric(float(np.median(ranked)), *median_interval(ranked))
