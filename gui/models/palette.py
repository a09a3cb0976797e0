"""Colours of curves."""

# Okabe and Ito's colours, distinct for colour-blind people; yellow, too faint on white, is left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
