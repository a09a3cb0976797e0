"""The measurement of sources at given positions, for network, files, estimators and bound.

`observed` has what the receiver measures, `least_squares` the symbols, `likelihood` what both come
to: cost, derivatives, support.
"""

from ris_tf.receiver.least_squares import (
    LeftOut,
    basis_of,
    left_out,
    ridge_of,
    unexplained,
)
from ris_tf.receiver.likelihood import (
    Fit,
    Residual,
    Symbols,
    fit,
    fitted_symbols,
    informations,
    residual,
)
from ris_tf.receiver.observed import (
    Observed,
    observed,
    squared,
    squared_sum,
    with_derivatives,
)

__all__ = [
    "Fit",
    "LeftOut",
    "Observed",
    "Residual",
    "Symbols",
    "basis_of",
    "fit",
    "fitted_symbols",
    "informations",
    "left_out",
    "observed",
    "residual",
    "ridge_of",
    "squared",
    "squared_sum",
    "unexplained",
    "with_derivatives",
]
