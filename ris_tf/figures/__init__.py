"""Figures of runs and searches, drawn from their files with matplotlib. No TensorFlow."""

from ris_tf.figures.search import (
    hyperparameters_figure,
    parallel_figure,
    save_search_figures,
    trials_figure,
)
from ris_tf.figures.style import save_figure
from ris_tf.figures.training import training_figure

__all__ = [
    "hyperparameters_figure",
    "parallel_figure",
    "save_figure",
    "save_search_figures",
    "training_figure",
    "trials_figure",
]
