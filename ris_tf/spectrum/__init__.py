"""Spectra of covariances on near-field grids, MVDR and MUSIC, and their peaks."""

from ris_tf.spectrum.spectra import (
    MVDR_LOADING,
    SearchGrid,
    Spectrum,
    focus,
    music_spectrum,
    mvdr_spectrum,
    search_grid,
    signal_subspace,
)

__all__ = [
    "MVDR_LOADING",
    "SearchGrid",
    "Spectrum",
    "focus",
    "music_spectrum",
    "mvdr_spectrum",
    "search_grid",
    "signal_subspace",
]
