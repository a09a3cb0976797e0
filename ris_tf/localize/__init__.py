"""Where the sources are: spectra, pursuit and refinement, and the bound on all of them."""

from ris_tf.localize.bound import Bound, cramer_rao_bound
from ris_tf.localize.detect import Detector
from ris_tf.localize.localizer import Localization, Localizer
from ris_tf.localize.model import Observed, observed
from ris_tf.localize.positions import Positions, true_positions
from ris_tf.localize.spectra import (
    MVDR_LOADING,
    SearchGrid,
    Spectrum,
    focus,
    mvdr_spectrum,
    search_grid,
)

__all__ = [
    "MVDR_LOADING",
    "Bound",
    "Detector",
    "Localization",
    "Localizer",
    "Observed",
    "Positions",
    "SearchGrid",
    "Spectrum",
    "cramer_rao_bound",
    "focus",
    "mvdr_spectrum",
    "observed",
    "search_grid",
    "true_positions",
]
