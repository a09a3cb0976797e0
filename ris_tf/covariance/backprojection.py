"""From measurements back to the panel: the sample covariance (SPEC 2)."""

import tensorflow as tf

from ris_tf.covariance.lowrank import Covariance, from_factor, with_trace_n
from ris_tf.covariance.small import inverse_cholesky


def back_projection(
    y: tf.Tensor, channel: tf.Tensor, codes: tf.Tensor, ridge: float = 0.1
) -> tf.Tensor:
    """Ridge back-projection of every snapshot onto the panel.

    `x_l = Phi_l^H (Phi_l Phi_l^H + alpha tr(Phi_l Phi_l^H)/M I)^-1 y_l`, `Phi_l = H diag(c_l)`.
    Codes have modulus 1, so `Phi_l Phi_l^H = H H^H` is factored once for all snapshots.

    Args:
        y: `[B, L, M]` complex64 measurements.
        channel: `[B, M, N]` complex64, `H`.
        codes: `[B, L, N]` complex64 of modulus 1.
        ridge: `alpha`.

    Returns:
        `[B, N, L]` complex64, `X = [x_1 .. x_L]`.
    """
    gram = tf.matmul(channel, channel, adjoint_b=True)
    antennas = channel.shape[-2]
    load = ridge / antennas * tf.linalg.trace(gram)
    whitening = inverse_cholesky(gram + load[..., None, None] * tf.eye(antennas, dtype=gram.dtype))
    whitened = tf.matmul(whitening, tf.matmul(whitening, y, transpose_b=True), adjoint_a=True)
    at_panel = tf.matmul(channel, whitened, adjoint_a=True)
    return at_panel * tf.transpose(tf.math.conj(codes), [0, 2, 1])


def sample_covariance(backprojected: tf.Tensor) -> Covariance:
    """`R_samp = X X^H` scaled to trace `N`, without gradient: `[B, N, L]` snapshots in."""
    return with_trace_n(from_factor(tf.stop_gradient(backprojected)))
