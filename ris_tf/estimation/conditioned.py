"""A covariance conditioned on the measurement: back-projection with a prior."""

import tensorflow as tf

from ris_tf.covariance import Covariance, sample_covariance, with_trace_n
from ris_tf.receiver import observed
from ris_tf.scene import Measurement, Panel

PRIOR_LOADING = 2.0  # of the identity, added to a prior of trace N, which may lack a source
LEAST_NOISE = 1e-4  # of the signal's power


def conditioned(
    prior: Covariance, measurement: Measurement, panel: Panel, passes: int
) -> Covariance:
    """Sample covariance of snapshots back-projected with a prior, which it then replaces.

    `x_l = R Phi_l^H (Phi_l R Phi_l^H + nu I)^-1 y_l` is the mean of `x_l ~ CN(0, g R)` given its
    measurement in noise, `Phi_l = H diag(c_l)`; `nu` is the noise's power over `g`, which follows
    from the SNR and the power that `R` predicts. `R` is the prior plus a multiple of the identity.
    The ridge back-projection of the sample covariance (SPEC 2) is the case `R = I` with another
    `nu`. Repeated, it reweights like FOCUSS (Gorodnitsky and Rao, IEEE Trans. Signal Process.
    45(3), 1997).

    Args:
        prior: of `B` scenes, such as a network's.
        measurement: of the same.
        panel: the nominal panel.
        passes: number of repetitions; 0 returns the prior.

    Returns:
        A covariance of trace `N` without loading, with as many columns as there are snapshots.
    """
    if not passes:
        return prior
    _, channel, codes, snr_db = measurement
    data = observed(measurement, panel, "independent")
    noise = tf.maximum(10 ** (-snr_db / 10), LEAST_NOISE)
    mixed = tf.matmul(channel, channel, adjoint_b=True)
    covariance = prior
    for _ in range(passes):
        factor, loading = with_trace_n(covariance)
        loading = tf.complex(loading + PRIOR_LOADING, 0.0)[:, None, None]
        responses = data.at_receiver(tf.linalg.matrix_transpose(factor))  # [B, L, M, r]
        signal = tf.matmul(responses, responses, adjoint_b=True)
        signal += (loading * mixed)[:, None]
        power = tf.reduce_mean(tf.math.real(tf.linalg.diag_part(signal)), axis=[1, 2])
        level = tf.complex(noise * power, 0.0)[:, None, None]
        chol = tf.linalg.cholesky(
            signal + level[..., None] * tf.eye(signal.shape[-1], dtype=tf.complex64)
        )
        whitened = tf.linalg.cholesky_solve(chol, data.y[..., None])  # [B, L, M, 1]
        inner = tf.matmul(responses, whitened, adjoint_a=True)[..., 0]
        free = tf.matmul(channel, whitened[..., 0], adjoint_a=True, transpose_b=True)
        free *= tf.transpose(tf.math.conj(codes), [0, 2, 1])
        covariance = sample_covariance(tf.matmul(factor, inner, transpose_b=True) + loading * free)
    return covariance
