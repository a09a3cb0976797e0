"""What the measurement shows of detections: which are there, and where to move them (SPEC 3b, 8).

One step of maximum-likelihood refinement, as features of a network. Symbols are least squares with
a ridge that keeps improbable detections small; positions have a prior of a cell.
"""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.covariance.small import diagonal, small_inverse
from ris_tf.network.detections import Cells
from ris_tf.parts import imag, real, real_rows, squared
from ris_tf.products import matmul
from ris_tf.receiver import Observed, squared_sum, with_derivatives
from ris_tf.scene import phase_derivatives
from ris_tf.scene.steering import path_difference, waves
from ris_tf.shapes import sizes

COORDINATES = 3  # azimuth, elevation, log range
FEATURES = 2 * COORDINATES + 4
RIDGE = 1e-2  # of the energy of a response, over the presence
LEAST_PRESENCE = 1e-4
LARGEST_STEP = 2.0  # cells, and log range
LEAST_REST = 1e-4  # share of the energy that counts as unexplained at least
SMALL = 1e-12
SCALE = 1 / 3  # of logarithms, beside features of order one


class Evidence(NamedTuple):
    """Of each detection, without gradient.

    Attributes:
        step: `[B, Q, 3]` Gauss-Newton step in azimuth and elevation (cells) and log range.
        deviation: `[B, Q, 3]` posterior standard deviations, in the same units.
        support: `[B, Q]` energy that only this detection explains, over the noise in it.
        share: `[B, Q]` the same, over the measurement's energy.
        power: `[B, Q]` of its symbols, over the largest one's.
        rest: `[B, Q]` energy that no detection explains, over the measurement's.
        left: `[B, G, D]` complex64, what no detection explains.
    """

    step: tf.Tensor
    deviation: tf.Tensor
    support: tf.Tensor
    share: tf.Tensor
    power: tf.Tensor
    rest: tf.Tensor
    left: tf.Tensor

    def features(self) -> tf.Tensor:
        """`[B, Q, FEATURES]` float32, of order one."""
        ratios = tf.stack([self.support + 1e-3, self.share, self.power, self.rest], axis=-1)
        logarithms = tf.concat([self.deviation, ratios + 1e-4], axis=-1)
        return tf.concat([self.step, SCALE * tf.math.log(logarithms)], axis=-1)

    def step_of(self, outputs: int) -> tf.Tensor:
        """`[B, Q, outputs]` the step, at its place among the outputs of a cell."""
        return tf.pad(self.step, [[0, 0], [0, 0], [1, outputs - 1 - COORDINATES]])


def evidence(data: Observed, found: Cells, size: tuple[float, float]) -> Evidence:
    """Fit detections to the measurement together.

    With columns `C_l = Phi_l a` and symbols `s_l = (C_l^H C_l + D)^-1 C_l^H y_l`, `D` the ridge,
    the derivatives of `C_l s_l` by a detection's coordinates, outside of `C_l`, give its Fisher
    information and, with the residual, its step.

    Args:
        data: measurements.
        found: detections, `[B, Q]` each.
        size: of a cell in radians of azimuth and elevation, which the prior is.
    """
    found = Cells(*map(tf.stop_gradient, found))
    batch, count = sizes(found.presence)
    groups, numbers = data.y.shape[1:]
    columns, slopes = _responses(data, found, size)
    gram = matmul(columns, columns, adjoint_a=True)
    energy = real(diagonal(gram))
    presence = tf.sigmoid(found.presence)
    ridge = RIDGE * energy / tf.maximum(presence, LEAST_PRESENCE)[:, None] + SMALL
    inverse = small_inverse(
        gram + tf.cast(ridge, tf.complex64)[..., None] * tf.eye(count, dtype=gram.dtype)
    )
    both = tf.concat([data.y[..., None], slopes], axis=-1)
    inside = matmul(inverse, matmul(columns, both, adjoint_a=True))
    outside = both - matmul(columns, inside)
    symbols, left, tangents = inside[..., 0], outside[..., 0], outside[..., 1:]
    power = squared(symbols)
    alone = tf.reduce_sum(power / real(diagonal(inverse)), axis=1)
    whole = squared_sum(data.y, [1, 2])[:, None] + SMALL
    rest = squared_sum(left, [1, 2])[:, None] + LEAST_REST * whole
    free = groups * (numbers - tf.reduce_sum(presence, axis=-1, keepdims=True))
    noise = rest / tf.maximum(free, 1.0)
    tangents *= tf.tile(symbols, [1, 1, COORDINATES])[:, :, None]
    step, deviation = _stepped(tangents, left, noise)
    strength = tf.reduce_sum(power * energy, axis=1)
    values = (
        step,
        deviation,
        alone / (groups * noise),
        alone / whole,
        strength / (tf.reduce_max(strength, axis=-1, keepdims=True) + SMALL),
        tf.broadcast_to(rest / whole, [batch, count]),
        left,
    )
    return Evidence(*map(tf.stop_gradient, values))


def _responses(
    data: Observed, found: Cells, size: tuple[float, float]
) -> tuple[tf.Tensor, tf.Tensor]:
    """`Phi_l a`, `[B, G, D, Q]`, and its derivatives by cells and log range, `[B, G, D, 3 Q]`."""
    batch, count = sizes(found.presence)
    range_m = tf.exp(found.log_range)
    places = found.azimuth, found.elevation, range_m
    nearer = path_difference(data.panel, *places)
    vectors = waves(data.panel, nearer)
    turns = tf.transpose(phase_derivatives(data.panel, *places, nearer), [0, 2, 1, 3])
    units = tf.stack(
        [tf.fill([batch, count], size[0]), tf.fill([batch, count], size[1]), range_m], 1
    )
    rows = real_rows(*with_derivatives(vectors, turns * units[..., None]))
    pairs = matmul(data.sensing, rows, transpose_b=True)
    pairs = tf.reshape(pairs, [batch, *data.y.shape[1:], 4 * count, 2])
    responses = tf.complex(pairs[..., 0], pairs[..., 1])  # XLA has no bitcast to complex
    columns, slopes = tf.split(responses, [count, 3 * count], axis=-1)
    return columns, slopes


def _stepped(tangents: tf.Tensor, left: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Each detection's own step and posterior deviations, the others unmoved: `[B, Q, 3]` each."""
    batch, groups, numbers, many = sizes(tangents)
    count = many // COORDINATES
    parts = tf.reshape(tangents, [batch, groups * numbers, COORDINATES, count])
    parts = tf.transpose(parts, [0, 3, 2, 1])
    parts = tf.concat([real(parts), imag(parts)], axis=-1)
    rest = tf.reshape(left, [batch, 1, groups * numbers, 1])
    rest = tf.concat([real(rest), imag(rest)], axis=2)
    precision = (2 / noise)[..., None, None]
    fisher = precision * matmul(parts, parts, transpose_b=True) + tf.eye(COORDINATES)
    posterior = small_inverse(fisher)
    step = matmul(posterior, precision * matmul(parts, rest))[..., 0]
    step = tf.clip_by_value(step, -LARGEST_STEP, LARGEST_STEP)
    return step, tf.sqrt(tf.maximum(diagonal(posterior), SMALL))
