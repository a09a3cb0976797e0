"""Points of the unit circle by one polynomial, for what XLA compiles.

TensorFlow's cosine and sine take any angle, for which a scene takes far longer to simulate. Where
XLA does not compile, a polynomial is many small operations, and they are quicker.
"""

import math

import numpy as np
import tensorflow as tf
from numpy.polynomial import Chebyshev, Polynomial

QUARTER = math.pi / 2  # radians of a quarter turn


def phasors(quarters: tf.Tensor) -> tf.Tensor:
    """`exp(j pi/2 x)` of angles in quarter turns: complex64, to 2e-7 and the angles' own digits.

    Args:
        quarters: float32 of any size.
    """
    return tf.complex(*on_circle(quarters - 4 * tf.round(quarters / 4)))


def on_circle(quarters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cosine and sine of an angle in quarter turns, from -2 to 2, to 2e-7."""
    sine = _sine(tf.maximum(tf.minimum(quarters, 2 - quarters), -2 - quarters))
    return _sine(1 - tf.maximum(quarters, -quarters)), sine


# `sin(pi/2 x) = x p(x^2)` for `x` from -1 to 1: the coefficients of `p`.
_INTERPOLATED = Chebyshev.interpolate(lambda x: np.sin(QUARTER * x), 9).convert(kind=Polynomial)
_SINE = [float(coefficient) for coefficient in _INTERPOLATED.coef[1::2]]


def _sine(x: tf.Tensor) -> tf.Tensor:
    """`sin(pi/2 x)` for `x` from -1 to 1, by Horner's rule."""
    square, value = x * x, _SINE[-1]
    for coefficient in _SINE[-2::-1]:
        value = value * square + coefficient
    return x * value
