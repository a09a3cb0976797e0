"""Where the sources are: spectra over the field of view and beyond."""

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
    "SearchGrid",
    "Spectrum",
    "focus",
    "mvdr_spectrum",
    "search_grid",
]
