"""Near-field localization with reconfigurable intelligent surfaces, in TensorFlow and Keras."""

__version__ = "0.1.0"
