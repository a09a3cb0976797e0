"""A term of one's own: the divergence of the predicted Gaussian from that of the snapshots.

ris-tf train quickstart --plugin examples/own_term.py --set objective.weights.divergence=0.3
"""

import tensorflow as tf

from ris_tf.covariance import inverse_quadratic_form, log_determinant
from ris_tf.plugins import Section, knob, term


class Divergence(Section):
    """The divergence's own knob."""

    floor: float = knob(0.1, "Noise added to both covariances, of trace N.", gt=1e-6, le=10)


@term("divergence", weight=0.1, through_blend=True, knobs=Divergence)
def divergence(comparison, knobs):
    """Kullback-Leibler divergence of the predicted Gaussian from the true one, per element.

    `(tr(R^-1 T) - log det(R^-1 T) - N) / N` of effective `R_blend` and effective `R_true`: 0 where
    they agree. Products and a determinant of small matrices, no eigendecomposition.
    """
    predicted, truth = (
        r._replace(loading=r.loading + knobs.floor)
        for r in (comparison.prediction.effective, comparison.truth)
    )
    elements = truth.factor.shape[-2]
    identity = tf.eye(elements, dtype=tf.complex64)[None]
    signal = tf.reduce_sum(inverse_quadratic_form(predicted, truth.factor), axis=-1)
    noise = truth.loading * tf.reduce_sum(inverse_quadratic_form(predicted, identity), axis=-1)
    logs = log_determinant(truth) - log_determinant(predicted)
    return (signal + noise - logs) / elements - 1
