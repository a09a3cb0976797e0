"""The guarded step for any Keras model: nothing here knows of surfaces.

Nothing is imported here: `ris_tf.engine.reporter` is shown before TensorFlow is loaded.
"""
