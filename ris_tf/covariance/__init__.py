"""Low-rank covariance algebra: back-projection, blend, loading, shrinkage."""

from ris_tf.covariance.backprojection import BackProjection, back_projection, sample_covariance
from ris_tf.covariance.effective import (
    blend,
    effective,
    predicted_covariance,
    true_covariance,
    unit_columns,
)
from ris_tf.covariance.lowrank import (
    MVDR_LOADING,
    Covariance,
    adjoint_times,
    energy,
    from_factor,
    inside,
    inverse_quadratic_form,
    largest_eigenvalues,
    log_determinant,
    mvdr_basis,
    nmse,
    with_trace_n,
)
from ris_tf.covariance.mirror import Directions

__all__ = [
    "MVDR_LOADING",
    "BackProjection",
    "Covariance",
    "Directions",
    "adjoint_times",
    "back_projection",
    "blend",
    "effective",
    "energy",
    "from_factor",
    "inside",
    "inverse_quadratic_form",
    "largest_eigenvalues",
    "log_determinant",
    "mvdr_basis",
    "nmse",
    "predicted_covariance",
    "sample_covariance",
    "true_covariance",
    "unit_columns",
    "with_trace_n",
]
