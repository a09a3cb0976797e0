"""Losses of unordered slots against sources: angles, range, Chamfer distance, count (SPEC 4)."""

import math

import numpy as np
import tensorflow as tf

from ris_tf.shapes import sizes

ANGLE_SHARE, RANGE_SHARE = 0.75, 0.45  # of the two losses in the assignment's cost
ELEVATION_WEIGHT = 1.5
LEAST_RANGE = 0.9  # predicted ranges are clamped below at this share of the least range
IMPOSSIBLE = 1e30  # cost of what cannot be
NO_NUMBER = 1e6  # cost of a pair that has none
FAR = 1e3  # squared distance, in rad^2, of pairs that do not count


def huber(error: tf.Tensor, knee: float) -> tf.Tensor:
    """`h_d(e) = e^2 / (2 d)` where `|e| <= d`, else `|e| - d / 2`."""
    size = tf.maximum(error, -error)
    return tf.where(size <= knee, tf.square(error) / (2 * knee), size - knee / 2)


def wrapped(angle: tf.Tensor) -> tf.Tensor:
    """An angle in radians, brought to `[-pi, pi)`."""
    return angle - 2 * math.pi * tf.floor((angle + math.pi) / (2 * math.pi))


def angle_error(azimuth: tf.Tensor, elevation: tf.Tensor, knee: float) -> tf.Tensor:
    """`h(azimuth) + 1.5 h(elevation)` of errors in radians, of any shape."""
    of_azimuth, of_elevation = tf.unstack(huber(wrapped(tf.stack([azimuth, elevation])), knee))
    return of_azimuth + ELEVATION_WEIGHT * of_elevation


def range_error(range_m: tf.Tensor, truth_m: tf.Tensor, least_m: float, knee: float) -> tf.Tensor:
    """`h(ln r - ln r_true)`, `r` clamped below at 0.9 of the least range, all in metres."""
    clamped = tf.maximum(range_m, LEAST_RANGE * least_m)
    return huber(tf.math.log(clamped) - tf.math.log(truth_m), knee)


def best_assignment(cost: tf.Tensor) -> tf.Tensor:
    """The slot of each source in the cheapest of all assignments of slots to sources.

    Dynamic programming over the sets of sources that the first slots have: `Q 2^K K` operations,
    where trying all assignments takes `Q! / (Q - K)!`.

    Args:
        cost: `[B, Q, K]` of slot (axis 1) and source (axis 2), `Q >= K`; 0 for inactive sources.

    Returns:
        `[B, K]` int32 slots.
    """
    batch, slots, sources = sizes(cost)
    cost = tf.where(tf.math.is_finite(cost), cost, NO_NUMBER)  # of a window that is to be dropped
    cost = tf.transpose(cost, [1, 0, 2])
    every = np.arange(2**sources, dtype=np.int32)[:, None]
    has = every >> np.arange(sources) & 1  # [set, source]
    # The set before slot q has one of its sources, or none: [set, source or none].
    before = np.concatenate([np.where(has, every ^ 1 << np.arange(sources), 0), every], axis=1)
    impossible = np.pad(np.where(has, 0.0, IMPOSSIBLE), [[0, 0], [0, 1]]).astype(np.float32)

    def taken(q: tf.Tensor, least: tf.Tensor, slot: tf.Tensor) -> tuple[tf.Tensor, ...]:
        price = tf.pad(tf.gather(cost, q), [[0, 0], [0, 1]])
        options = tf.gather(least, before, axis=1) + price[:, None] + impossible
        mine = tf.one_hot(tf.argmin(options, axis=-1), sources + 1, dtype=tf.int32)
        earlier = tf.reduce_sum(tf.gather(slot, before, axis=1) * mine[..., None], axis=2)
        return q + 1, tf.reduce_min(options, axis=-1), earlier + q * mine[..., :-1]

    least = tf.tile(tf.constant([[0.0] + [IMPOSSIBLE] * (2**sources - 1)]), [batch, 1])
    slot = tf.zeros([batch, 2**sources, sources], tf.int32)
    _, _, slot = tf.while_loop(lambda q, *_: q < slots, taken, (tf.constant(0), least, slot))
    return slot[:, -1]


def source_mean(values: tf.Tensor, active: tf.Tensor) -> tf.Tensor:
    """Mean over active sources: `[B, K_max]` values and 0/1 marks to `[B]`."""
    return tf.reduce_sum(values * active, -1) / tf.maximum(tf.reduce_sum(active, -1), 1.0)


def chamfer(
    azimuth: tf.Tensor,
    elevation: tf.Tensor,
    reported: tf.Tensor,
    true_azimuth: tf.Tensor,
    true_elevation: tf.Tensor,
    active: tf.Tensor,
) -> tf.Tensor:
    """Mean squared distance in (azimuth, elevation) from each set to the other, summed: `[B]`.

    Args:
        azimuth: `[B, K_max]` radians, of the slots.
        elevation: `[B, K_max]` radians.
        reported: `[B, K_max]` 1 for the slots that form the set, else 0.
        true_azimuth: `[B, K_max]` radians, of the sources.
        true_elevation: `[B, K_max]` radians.
        active: `[B, K_max]` 1 for the sources that form the set, else 0.
    """
    squared = tf.square(azimuth[:, :, None] - true_azimuth[:, None])
    squared += tf.square(elevation[:, :, None] - true_elevation[:, None])
    to_source = tf.reduce_min(squared + FAR * (1 - active)[:, None, :], axis=2)
    to_slot = tf.reduce_min(squared + FAR * (1 - reported)[:, :, None], axis=1)
    return source_mean(to_source, reported) + source_mean(to_slot, active)


def most_confident(confidence: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """`[B, K_max]` 1 for the `K` most confident slots of each scene, else 0."""
    rank = tf.argsort(tf.argsort(confidence, direction="DESCENDING", stable=True), stable=True)
    return tf.cast(rank < count[:, None], tf.float32)


def count_loss(
    logits: tf.Tensor, count: tf.Tensor, smoothing: float, undercount: float
) -> tf.Tensor:
    """Cross-entropy of the source count with smoothed labels, more where it is underestimated.

    Args:
        logits: `[B, K_max]` of 1..`K_max` sources.
        count: `[B]` int32, `K`.
        smoothing: share of the label spread over all counts.
        undercount: factor where the most likely count is below `K`.

    Returns:
        `[B]` float32.
    """
    max_sources = logits.shape[-1]
    labels = tf.one_hot(count - 1, max_sources) * (1 - smoothing) + smoothing / max_sources
    entropy = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    under = tf.argmax(logits, axis=-1, output_type=tf.int32) + 1 < count
    return tf.where(under, undercount * entropy, entropy)
