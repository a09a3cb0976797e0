"""Which hyperparameters matter in a search: how well each alone explains the objectives' order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ris_tf.search.document import Search
from ris_tf.search.space import Choices
from ris_tf.search.trial import Trial
from ris_tf.search.trial_table import short_names

FEWEST = 6  # trials with an objective from which anything can be said
SHUFFLES = 500  # of the objectives, for what chance alone explains
CHANCE = 0.95  # share of the shuffles that explain less than what is shown as chance
SEED = 0  # the same search has the same numbers each time


@dataclass(frozen=True)
class Importance:
    """How much a hyperparameter alone explains.

    Attributes:
        key: configuration key.
        label: its last words.
        share: of the variance of the objectives' ranks, 0..1, that is explained: by a parabola of
            the values' ranks, so that an optimum within the range counts, or by the means of the
            choices; NaN where too few trials have an objective.
        chance: what it would explain in one of twenty searches if it did nothing.
        slope: rank correlation of values and objectives, -1..1: below 0 larger values are better;
            NaN of choices that have no order.
        trials: how many it is judged from.
    """

    key: str
    label: str
    share: float = math.nan
    chance: float = math.nan
    slope: float = math.nan
    trials: int = 0

    @property
    def certain(self) -> bool:
        """Whether it explains more than chance does."""
        return self.share > self.chance


def importances(search: Search, trials: Sequence[Trial]) -> list[Importance]:
    """Every hyperparameter of a search, the one that explains most first.

    Each is judged alone: of two that were varied together, both explain what either does.

    Args:
        search: its space.
        trials: those that finished with an objective are judged; of a pruned trial it is that of
            fewer epochs.
    """
    keys = list(search.space)
    judged = [
        _importance(
            search, key, label, [t for t in trials if t.counts and key in t.hyperparameters]
        )
        for key, label in zip(keys, short_names(keys), strict=True)
    ]
    return sorted(judged, key=lambda one: -one.share if one.share == one.share else math.inf)


def _importance(search: Search, key: str, label: str, trials: list[Trial]) -> Importance:
    if len(trials) < FEWEST:
        return Importance(key, label, trials=len(trials))
    values = [trial.hyperparameters[key] for trial in trials]
    objectives = _standard(_ranks(np.array([trial.objective for trial in trials])))
    ordered = not isinstance(search.space[key], Choices) or all(map(_is_number, values))
    ranks = _ranks(np.array([float(v) for v in values])) if ordered else None  # type: ignore[arg-type]
    columns = _categories(values) if ranks is None else np.stack([ranks, ranks**2], axis=1)
    basis = _basis(columns)
    shuffled = np.random.default_rng(SEED).permuted(np.tile(objectives, (SHUFFLES, 1)), axis=1)
    return Importance(
        key,
        label,
        share=float(_explained(basis, objectives[None])[0]),
        chance=float(np.quantile(_explained(basis, shuffled), CHANCE)),
        slope=float(_standard(ranks) @ objectives) if ranks is not None else math.nan,
        trials=len(trials),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranks(values: np.ndarray) -> np.ndarray:
    """`[n]` ranks from 0; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[which]


def _standard(values: np.ndarray) -> np.ndarray:
    """`[n]` centred, of norm 1; zeros where all are equal."""
    centred = values - values.mean()
    norm = float(np.linalg.norm(centred))
    return centred / norm if norm > 0 else centred


def _categories(values: list) -> np.ndarray:
    """`[n, c]` indicators of the distinct values; true and 1 are two."""
    keys = [(type(value).__name__, repr(value)) for value in values]
    distinct = list(dict.fromkeys(keys))
    return np.array([[key == one for one in distinct] for key in keys], float)


def _basis(columns: np.ndarray) -> np.ndarray:
    """`[n, r]` orthonormal basis of what centred columns span."""
    centred = columns - columns.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, sizes > 1e-9 * max(float(sizes[0]), 1e-30)]


def _explained(basis: np.ndarray, objectives: np.ndarray) -> np.ndarray:
    """`[p]` share of each row of standard objectives `[p, n]` that lies in the span."""
    return np.sum((objectives @ basis) ** 2, axis=1)
