"""Colours of curves."""

# Okabe and Ito's colours, distinct for colour-blind people; without yellow, too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
