"""An estimator of one's own: the conventional beamformer, which needs no inverse and no network.

ris-tf evaluate --plugin examples/own_estimator.py --estimators bartlett,sample-mvdr
"""

import tensorflow as tf

from ris_tf.covariance import energy
from ris_tf.plugins import estimator
from ris_tf.spectrum.peaks import peaks, sharpened
from ris_tf.spectrum.spectra import focus


@estimator("bartlett")
def bartlett(estimators, inputs):
    """Bartlett's beamformer: peaks of the power that the panel receives when it is steered."""
    return estimators.estimated(received_power, inputs, estimators)


def received_power(measurement, count, estimators):
    """Peaks of `a^H R a / tr R`, `R` the sample covariance: `focus` gives `1 / (1 - |W^H a|^2)`."""
    factor = estimators.sample(measurement).factor
    basis = factor / tf.complex(tf.sqrt(energy(factor)), 0.0)[:, None, None]
    spectrum = focus(estimators.panel, estimators.grid, basis)
    coarse, height = peaks(spectrum, estimators.grid, estimators.max_sources)
    counted = estimators.counted(count, tf.maximum(1 - 1 / tf.maximum(height, 1.0), 0))
    coarse = coarse._replace(active=coarse.active * counted)
    return sharpened(estimators.panel, basis, coarse, estimators.grid)
