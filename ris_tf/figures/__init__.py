"""Figures of runs, drawn from their logs with matplotlib. No TensorFlow."""

from ris_tf.figures.training import save_figure, training_figure

__all__ = ["save_figure", "training_figure"]
