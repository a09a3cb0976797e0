"""The terms, their weighted sum, and the weight schedules."""

from ris_tf.objective.comparison import SLOTS, Comparison, compare
from ris_tf.objective.projection import projection_loss
from ris_tf.objective.terms import (
    TERMS,
    active_terms,
    available_values,
    blend_terms,
    check_terms,
    raw_terms,
    term_values,
    weighted_sum,
)
from ris_tf.objective.weights import SCHEDULES, phase, term_weights

__all__ = [
    "SCHEDULES",
    "SLOTS",
    "TERMS",
    "Comparison",
    "active_terms",
    "available_values",
    "blend_terms",
    "check_terms",
    "compare",
    "phase",
    "projection_loss",
    "raw_terms",
    "term_values",
    "term_weights",
    "weighted_sum",
]
