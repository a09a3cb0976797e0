"""A network of one's own: the power that comes from each point of a near-field grid.

ris-tf train examples/own_network.yaml --plugin examples/own_network.py
"""

import keras
import numpy as np
import tensorflow as tf

from ris_tf.covariance import from_factor, with_trace_n
from ris_tf.plugins import Network, Prediction, Section, as_measurement, knob, network
from ris_tf.scene import field_axes, make_panel, steering_vectors


class Knobs(Section):
    """Sizes of the dictionary network."""

    azimuths: int = knob(25, "Azimuths of the dictionary.", ge=2, le=181)
    elevations: int = knob(13, "Elevations of the dictionary.", ge=2, le=91)
    ranges: int = knob(3, "Ranges of the dictionary.", ge=1, le=16)
    kept: int = knob(12, "Atoms of the largest powers that make the covariance.", ge=1, le=64)
    width: int = knob(256, "Width of the hidden layer.", ge=1, le=4096)


@network("dictionary", knobs=Knobs)
class DictionaryNetwork(Network):
    """Powers of a dictionary of steering vectors: a covariance on the manifold, and no heads."""

    def __init__(self, config, **kwargs):
        super().__init__(config, **kwargs)
        self.atoms = dictionary(config)
        self.hidden = keras.layers.Dense(
            config.network.width, "gelu", name="hidden", dtype=self.policy
        )
        self.gains = keras.layers.Dense(len(self.atoms), name="gains", dtype=self.policy)

    def call(self, measurement, beta=None, key=None):
        """From the power in the direction of each atom to the power of a source there."""
        measurement = as_measurement(measurement)
        snapshots = self.back_projected(measurement)
        beams = tf.reduce_mean(tf.abs(self.atoms.conj() @ snapshots) ** 2, axis=-1)
        beams = tf.math.log(beams / (tf.reduce_max(beams, -1, keepdims=True) + 1e-20) + 1e-3)
        gains = tf.cast(self.gains(self.hidden(beams)), tf.float32)
        powers = tf.exp(tf.clip_by_value(2 * beams + gains, -20, 20))
        largest, which = tf.math.top_k(powers, self.config.network.kept)
        atoms = tf.transpose(tf.gather(self.atoms, which), [0, 2, 1])
        factor = tf.complex(tf.sqrt(largest), 0.0)[:, None, :] * atoms
        predicted = with_trace_n(from_factor(factor))
        return Prediction(**self.covariances(measurement, snapshots, predicted, beta))


def dictionary(config):
    """`[P, N]` complex64 steering vectors over the field of view, ranges evenly spaced in `1/r`."""
    sizes, scene = config.network, config.scene
    axes = field_axes(scene, sizes.azimuths, sizes.elevations)
    nearest, farthest = scene.range_m
    ranges = 1 / np.linspace(1 / nearest, 1 / farthest, sizes.ranges)
    points = (axis.ravel().astype("f4") for axis in np.meshgrid(*axes, ranges))
    with tf.init_scope():
        return steering_vectors(make_panel(config.geometry), *points).numpy()
