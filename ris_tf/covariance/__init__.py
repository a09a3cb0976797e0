"""Low-rank covariance algebra: back-projection, blend, loading, shrinkage."""

from ris_tf.covariance.backprojection import back_projection, sample_covariance
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
from ris_tf.covariance.mirror import first_half, inside_both, is_mirrored, unfolded

__all__ = [
    "MVDR_LOADING",
    "Covariance",
    "adjoint_times",
    "back_projection",
    "blend",
    "effective",
    "energy",
    "first_half",
    "from_factor",
    "inside",
    "inside_both",
    "inverse_quadratic_form",
    "is_mirrored",
    "largest_eigenvalues",
    "log_determinant",
    "mvdr_basis",
    "nmse",
    "predicted_covariance",
    "sample_covariance",
    "true_covariance",
    "unfolded",
    "unit_columns",
    "with_trace_n",
]
