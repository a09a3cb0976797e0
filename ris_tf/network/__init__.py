"""The Keras networks and their layers."""

from ris_tf.network.model import LocalizationNetwork, Prediction, build_network, head_variables
from ris_tf.network.parts import Part

__all__ = ["LocalizationNetwork", "Part", "Prediction", "build_network", "head_variables"]
