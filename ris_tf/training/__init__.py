"""The guarded step, schedules, averaging, checkpoints, the fit loop.

Nothing is imported here: `ris_tf.engine.reporter` is shown before TensorFlow is loaded.
"""
