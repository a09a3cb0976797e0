"""The Keras networks and their layers, and what a network of one's own is made from."""

from ris_tf.network.base import Network, as_measurement, build_network, head_variables, outputs_of
from ris_tf.network.beamspace import BeamspaceNetwork
from ris_tf.network.layers import dropout
from ris_tf.network.parts import Part
from ris_tf.network.prediction import Prediction
from ris_tf.network.reference import ReferenceNetwork

__all__ = [
    "BeamspaceNetwork",
    "Network",
    "Part",
    "Prediction",
    "ReferenceNetwork",
    "as_measurement",
    "build_network",
    "dropout",
    "head_variables",
    "outputs_of",
]
