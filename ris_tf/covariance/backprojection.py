"""From measurements back to the panel: the sample covariance (SPEC 2)."""

import tensorflow as tf

from ris_tf.covariance.lowrank import Covariance, energy, from_factor, with_trace_n
from ris_tf.covariance.small import inverse_cholesky
from ris_tf.products import matmul


class BackProjection:
    """Ridge back-projection onto the panel, of any measurements through some channels and codes.

    `x_l = Phi_l^H (Phi_l Phi_l^H + alpha tr(Phi_l Phi_l^H)/M I)^-1 y_l`, `Phi_l = H diag(c_l)`.
    Codes have modulus 1, so `Phi_l Phi_l^H = H H^H` is factored once for all snapshots.

    Args:
        channel: `[B, M, N]` complex64, `H`.
        codes: `[B, L, N]` complex64 of modulus 1.
        ridge: `alpha`.
    """

    def __init__(self, channel: tf.Tensor, codes: tf.Tensor, ridge: float = 0.1):
        gram = matmul(channel, channel, adjoint_b=True)
        antennas = channel.shape[-2]
        load = tf.cast(ridge / antennas * energy(channel), gram.dtype)
        loaded = gram + load[..., None, None] * tf.eye(antennas, dtype=gram.dtype)
        self._channel, self._codes = channel, codes
        self._whitening = inverse_cholesky(loaded)

    def __call__(self, y: tf.Tensor) -> tf.Tensor:
        """Snapshots `[B, N, L]` complex64, `X = [x_1 .. x_L]`, of `[B, L, M]` measurements."""
        whitened = matmul(self._whitening, y, transpose_b=True)
        whitened = matmul(self._whitening, whitened, adjoint_a=True)
        at_panel = matmul(self._channel, whitened, adjoint_a=True)
        return at_panel * tf.transpose(tf.math.conj(self._codes), [0, 2, 1])


def back_projection(
    y: tf.Tensor, channel: tf.Tensor, codes: tf.Tensor, ridge: float = 0.1
) -> tf.Tensor:
    """`BackProjection` of one measurement.

    Args:
        y: `[B, L, M]` complex64 measurements.
        channel: `[B, M, N]` complex64, `H`.
        codes: `[B, L, N]` complex64 of modulus 1.
        ridge: `alpha`.

    Returns:
        `[B, N, L]` complex64.
    """
    return BackProjection(channel, codes, ridge)(y)


def sample_covariance(backprojected: tf.Tensor) -> Covariance:
    """`R_samp = X X^H` scaled to trace `N`, without gradient: `[B, N, L]` snapshots in."""
    return with_trace_n(from_factor(tf.stop_gradient(backprojected)))
