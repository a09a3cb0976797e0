"""Near-field localization with reconfigurable intelligent surfaces, in TensorFlow and Keras.

Importing the package loads no TensorFlow. Saved networks (`.keras` files) open with

    import keras, ris_tf
    network = keras.models.load_model("best.keras")
"""

from ris_tf._keras_classes import register_when_keras_is_there

__version__ = "0.1.0"

register_when_keras_is_there()
