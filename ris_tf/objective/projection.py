"""The projection loss: energy outside the signal subspace, without any eigendecomposition."""

import tensorflow as tf

from ris_tf.covariance import adjoint_times, energy
from ris_tf.covariance.small import inverse_cholesky
from ris_tf.products import matmul

TINY = 1e-12  # keeps the loss of an all-zero covariance finite


def projection_loss(factor: tf.Tensor, steering: tf.Tensor, ridge: float = 3e-4) -> tf.Tensor:
    """Share of a covariance's energy outside the signal subspace (SPEC 4).

    `||P_perp R P_perp||_F^2 / (||R||_F^2 + 1e-12)`, `R = G G^H`, `P_perp = I - P`. Its value and
    gradient are finite for rank-deficient `R` and coincident sources, where a difference of
    singular subspaces has none.

    Args:
        factor: `[..., N, r]` complex, `G`.
        steering: `[..., N, K]` complex, `U`, columns spanning the signal subspace; zero columns
            are inactive. No gradient flows into it.
        ridge: Tikhonov term of the Gram matrix.

    Returns:
        `[...]` float32, between 0 and 1.
    """
    factor = tf.cast(factor, tf.complex64)
    outside = project_out(factor, tf.stop_gradient(tf.cast(steering, tf.complex64)), ridge)
    whole = energy(adjoint_times(factor, factor))
    return energy(adjoint_times(outside, outside)) / (whole + TINY)


def project_out(factor: tf.Tensor, steering: tf.Tensor, ridge: float) -> tf.Tensor:
    """`P_perp G`, `P = U (U^H U + ridge I)^-1 U^H`, without gradient to `U`."""
    gram = adjoint_times(steering, steering)
    whitening = inverse_cholesky(gram + ridge * tf.eye(gram.shape[-1], dtype=gram.dtype))
    inside = tf.stop_gradient(matmul(steering, whitening, adjoint_b=True))
    return factor - matmul(inside, adjoint_times(inside, factor))
