"""Factorizations of small matrices by products, sums and roots of real tensors alone.

A complex matrix `X` is computed with as the real one `[[Re X, -Im X], [Im X, Re X]]`: products of
these are those of the complex matrices, and its transpose is the adjoint. Loops are unrolled, so
each step takes few operations, on more numbers than it needs. Sizes of matrices must be known.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.interop.pairs import Pair

TINY = 1e-30  # under a root, and in quotients whose numerator is zero, too
NEARLY = 1e-15  # a difference of equal eigenvalues, whose square is no zero in float32
SWEEPS = 6  # of rotations; they converge quadratically, from the third or fourth on


def embedded(matrix: Pair) -> Any:
    """`[..., n, m]` complex as `[..., 2 n, 2 m]` real."""
    re, im = matrix
    return tf.concat([tf.concat([re, -im], -1), tf.concat([im, re], -1)], -2)


def extracted(matrix: Any) -> Pair:
    """The complex matrix of an embedded one."""
    rows, columns = (size // 2 for size in matrix.shape[-2:])
    re, im = tf.split(matrix[..., :columns], [rows, rows], axis=-2)
    return Pair(re, im)


def cholesky(matrix: Pair) -> Pair:
    """`L` of `L L^H`, of Hermitian positive definite `[..., n, n]`."""
    rest, columns = embedded(matrix), []
    for chosen in _columns(matrix.size):
        column = tf.matmul(rest, chosen)
        pivot = tf.reduce_sum(column * (0.5 * chosen), axis=[-2, -1], keepdims=True)
        columns.append(column * tf.math.rsqrt(pivot))
        rest -= tf.matmul(columns[-1], columns[-1], transpose_b=True)
    factor = extracted(_in_order(columns))
    return factor.scaled(np.tri(matrix.size, dtype=np.float32))


def triangular_solve(triangle: Pair, right: Pair, lower: bool) -> Pair:
    """`T^-1 B` by substitution: `[..., n, n]` triangular, `[..., n, m]`."""
    size = triangle.size
    diagonal = Pair(*(tf.reduce_sum(x * _unit(size), -1, keepdims=True) for x in triangle))
    inverse = diagonal.conj().scaled(1 / diagonal.power())
    beside = np.tri(size, k=-1, dtype=np.float32)
    others = embedded((triangle * inverse).scaled(beside if lower else beside.T))
    rest = tf.concat([*(right * inverse)], -2)
    for chosen in _columns(size) if lower else reversed(_columns(size)):
        solved = tf.matmul(chosen.T, rest)
        rest -= tf.matmul(tf.matmul(others, chosen), solved)
    return Pair(*tf.split(rest, [size, size], axis=-2))


def orthonormal(matrix: Pair) -> Pair:
    """`Q` of `Q R` by Gram and Schmidt, projecting twice; `[..., n, m]`, `m <= n`.

    A column that the ones before it span becomes some unit orthogonal to them, or zero.
    """
    whole, basis = embedded(matrix), []
    for chosen in _columns(matrix.size):
        column = tf.matmul(whole, chosen)
        before = tf.concat(basis, -1) if basis else None
        for _ in range(2 if basis else 0):
            column -= tf.matmul(before, tf.matmul(before, column, transpose_a=True))
        norm = tf.reduce_sum(0.5 * column**2, axis=[-2, -1], keepdims=True)
        basis.append(column * tf.math.rsqrt(norm + TINY))
    return extracted(_in_order(basis))


def eigenvalues(matrix: Pair) -> Any:
    """Eigenvalues of Hermitian `[..., n, n]`, ascending: `[..., n]`.

    By Jacobi's rotations. A step rotates `n / 2` pairs of rows that have none in common.
    """
    for _ in range(SWEEPS):
        for partner in _tournament(matrix.size):
            matrix = _rotated(matrix, partner)
    return tf.sort(_diagonal(matrix.re))


def _diagonal(part: Any) -> Any:
    return tf.reduce_sum(part * _unit(part.shape[-1]), axis=-1)


def _rotated(matrix: Pair, partner: np.ndarray) -> Pair:
    """`J^H A J` with the unitary `J` that makes `A[i, partner[i]]` zero for all `i`."""
    unit, players = _unit(len(partner)), np.arange(len(partner))
    swap = unit[partner] * (partner != players)
    own, re, im = (tf.reduce_sum(x, -1) for x in (matrix.re * unit, *matrix.scaled(swap)))
    order = np.where(players > partner, -NEARLY, NEARLY).astype(np.float32)
    difference = tf.gather(own, partner, axis=-1) - own + order
    whole = tf.sqrt(difference**2 + 4 * (re**2 + im**2))
    cosine = tf.sqrt(0.5 + 0.5 * tf.abs(difference) / whole)
    turn = (tf.sign(difference) / (whole * cosine))[..., None] * swap
    rotation = Pair(cosine[..., None] * unit + turn * re[..., None], turn * im[..., None])
    along = tf.matmul(embedded(matrix), tf.concat([*rotation], -2))
    both = tf.matmul(embedded(rotation), along, transpose_a=True)
    return Pair(*tf.split(both, 2, axis=-2))


def _tournament(size: int) -> list[np.ndarray]:
    """Each player's partners, such that all meet all: rounds of `[size]`; one may rest."""
    players = list(range(size + size % 2))
    half, rounds = len(players) // 2, []
    for _ in players[1:]:
        partner = np.arange(len(players), dtype=np.int32)
        for one, other in zip(players[:half], reversed(players[half:]), strict=True):
            if max(one, other) < size:
                partner[one], partner[other] = other, one
        rounds.append(partner[:size])
        players = [players[0], players[-1], *players[1:-1]]
    return rounds


def _unit(size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)


def _columns(size: int) -> list[np.ndarray]:
    """Matrices `[2 n, 2]` that choose one complex column of an embedded matrix each."""
    return [_unit(2 * size)[:, [k, k + size]] for k in range(size)]


def _in_order(columns: list[Any]) -> Any:
    """An embedded matrix of its complex columns, `[..., 2 n, 2]` each."""
    order = np.arange(2 * len(columns)).reshape(len(columns), 2).T.ravel()
    return tf.gather(tf.concat(columns, -1), order, axis=-1)
