"""Colours of curves."""

# Okabe and Ito's colours, distinct for colour-blind people, without yellow, too faint on white;
# and four more, found by search: the least distance between any two, in OKLab and under Machado's
# models of all three kinds of colour-blind vision, is largest, at a contrast with white above 1.8.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00",
    "#56B4E9", "#96036C", "#ABBC76", "#060CBF", "#2B211A",
)  # fmt: skip
# The same hues on a dark background, found in the same way, at a contrast of 3 and more.
ON_DARK = (
    "#42A3E0", "#F27D2D", "#4AD9B0", "#CA77A4", "#ECBC3A",
    "#A5D8FA", "#C342A4", "#647D30", "#5A62F1", "#EDE9E5",
)  # fmt: skip
