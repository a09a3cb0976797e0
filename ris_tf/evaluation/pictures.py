"""Data of figures, independent of computation and drawing. No TensorFlow."""

from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """Quartiles as a function of `x`.

    Attributes:
        label: of the curve.
        x: `[P]`.
        low: `[P]` lower quartiles.
        middle: `[P]` medians.
        high: `[P]` upper quartiles.
    """

    label: str
    x: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


class Picture(NamedTuple):
    """A spectrum, to be drawn.

    Attributes:
        azimuth_deg: `[A]` ascending.
        elevation_deg: `[E]` ascending.
        power: `[A, E]` linear.
        name: what it is a spectrum of.
    """

    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    power: np.ndarray
    name: str
