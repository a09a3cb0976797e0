"""Plots of curves and spectra, and what lies on and beside them."""
