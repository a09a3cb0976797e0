"""The contents of an evaluation, independent of computation and display."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

ALL, BY_SNR, BY_COUNT = "all", "snr_db", "sources"


class Metric(NamedTuple):
    """A number that judges an estimator, and its 95 % confidence interval; NaN for none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One estimator on one group of scenes.

    Attributes:
        estimator: its name.
        kind: how scenes are grouped: `ALL`, `BY_SNR` or `BY_COUNT`.
        level: middle of the group's SNRs in dB, or number of sources; 0 for all scenes.
        scenes: in the group.
        metrics: by name, such as `recall_direction`.
    """

    estimator: str
    kind: str
    level: float
    scenes: int
    metrics: dict[str, Metric]


@dataclass(frozen=True)
class Report:
    """An evaluation.

    Attributes:
        settings: description of the evaluated run and scenes, by name.
        estimators: what each does, by name, in the order of tables.
        rows: all estimators on all groups.
        bound: rows of the Cramér-Rao bound on the same groups.
        quantiles: of the position error in metres, by estimator: `[101]`, from 0 to 100 % of all
            sources, infinite for sources without estimate.
    """

    settings: dict[str, str | int | float]
    estimators: dict[str, str]
    rows: list[Row]
    bound: list[Row]
    quantiles: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, kind: str, estimator: str | None = None) -> list[Row]:
        """Rows of one kind, of one estimator or of all, in the order of their levels."""
        named = [r for r in self.rows if r.kind == kind and estimator in (None, r.estimator)]
        return sorted(named, key=lambda row: row.level)
