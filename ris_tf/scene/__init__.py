"""What the base station receives: geometry, steering, codebook, channel, simulator."""

from ris_tf.scene.grid import field_axes
from ris_tf.scene.panel import Panel, direction_cosines, make_panel, unit_direction
from ris_tf.scene.random import Draws, Split, Stream, fold_in
from ris_tf.scene.simulator import Measurement, Scenes, Simulator, batch_size
from ris_tf.scene.sources import Sources
from ris_tf.scene.steering import phase_derivatives, steering_vectors

__all__ = [
    "Draws",
    "Measurement",
    "Panel",
    "Scenes",
    "Simulator",
    "Sources",
    "Split",
    "Stream",
    "batch_size",
    "direction_cosines",
    "field_axes",
    "fold_in",
    "make_panel",
    "phase_derivatives",
    "steering_vectors",
    "unit_direction",
]
