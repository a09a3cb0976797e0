"""Spectra of covariances on near-field grids, MVDR and MUSIC, and their peaks."""

from ris_tf.spectrum.spectra import (
    MVDR_LOADING,
    ScanGrid,
    Spectrum,
    focus,
    music_spectrum,
    mvdr_spectrum,
    scan_grid,
    signal_subspace,
)

__all__ = [
    "MVDR_LOADING",
    "ScanGrid",
    "Spectrum",
    "focus",
    "music_spectrum",
    "mvdr_spectrum",
    "scan_grid",
    "signal_subspace",
]
