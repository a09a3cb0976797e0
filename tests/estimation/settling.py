"""The steps behind the first fit, by themselves."""

import numpy as np

from ris_tf.estimation.detect import Detector
from ris_tf.estimation.fits import Known
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Positions


def count_settled(
    detector: Detector, measurement: Measurement, start: Positions, known: Known
) -> np.ndarray:
    """How many sources each scene ends with, whose noise is known, from a start."""
    data = detector.graphs.received(detector.whitened(measurement, known))
    data, known = detector._with_noise(data, known)
    return detector._settled(data, start, known).active.sum(axis=-1)
