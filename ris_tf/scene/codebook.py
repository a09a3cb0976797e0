"""The phases of the panel: separable beams, random phases, selection (SPEC 1)."""

import math

import numpy as np
import tensorflow as tf

from ris_tf.config.scene import CODEBOOKS, Codes, Geometry
from ris_tf.scene.circle import phasors
from ris_tf.scene.random import Draws, Stream


def beam_codebook(geometry: Geometry, codes: Codes) -> np.ndarray:
    """Phases of every beam of the separable codebook, quantised.

    Beam `j k_H + i` has phase `2 pi (i (h-(N_H-1)/2)/N_H + j (v-(N_V-1)/2)/N_V)`.

    Returns:
        `[B, N]` float32 radians.
    """
    horizontal, vertical = CODEBOOKS[codes.beams]
    columns, rows = geometry.columns, geometry.rows
    j, i, v, h = np.ix_(range(vertical), range(horizontal), range(rows), range(columns))
    # One division of whole numbers: ties between two levels stay exact ties.
    numerator = i * (2 * h - columns + 1) * rows + j * (2 * v - rows + 1) * columns
    turns = numerator / (2 * columns * rows)
    phases = _quantised(turns, codes.phase_bits, np.round) * 2 * math.pi
    return phases.reshape(horizontal * vertical, geometry.elements).astype(np.float32)


def selected_beams(snapshots: int, codes: Codes) -> np.ndarray:
    """Indices of the `L` beams that a scene uses: `[L]`, repeated cyclically when `B < L`."""
    order = np.arange(snapshots)
    if codes.selection == "stride":
        return order * max(codes.beams // snapshots, 1) % codes.beams
    # RandomState's stream is frozen by numpy: the same permutation in every version.
    permutation = np.random.RandomState(codes.seed).permutation(codes.beams)
    if codes.beams < snapshots:
        return permutation[order % codes.beams]
    return permutation[order * codes.beams // snapshots]


def draw_codes(
    draws: Draws, size: int, snapshots: int, fixed: np.ndarray, codes: Codes
) -> tf.Tensor:
    """Codes of a batch of scenes.

    Args:
        draws: random numbers of the batch.
        size: scenes `B`.
        snapshots: `L`.
        fixed: `[L', N]` phases of the codebook's part in radians, `L' <= L`.
        codes: how the rest is chosen: random phases, drawn a scene.

    Returns:
        `[B, L, N]` complex64 of modulus 1.
    """
    elements = fixed.shape[-1]
    shared = tf.complex(tf.constant(np.cos(fixed)), tf.constant(np.sin(fixed)))
    drawn = tf.broadcast_to(shared, [size, *fixed.shape])
    if fixed.shape[0] < snapshots:
        turns = draws.uniform(Stream.CODES, [size, snapshots - fixed.shape[0], elements])
        random = phasors(4 * _quantised(turns, codes.phase_bits, tf.round))
        drawn = tf.concat([drawn, random], axis=1)
    return drawn


def fixed_phases(geometry: Geometry, snapshots: int, codes: Codes) -> np.ndarray:
    """`[L', N]` phases that all scenes share: all, half or none of the `L` codes."""
    shared = {"random": 0, "half": (snapshots + 1) // 2}.get(codes.selection, snapshots)
    return beam_codebook(geometry, codes)[selected_beams(max(shared, 1), codes)][:shared]


def _quantised(turns, bits: int, to_nearest):
    """Phases in turns, rounded to `2^bits` levels, ties to even; `bits = 0` leaves them."""
    return to_nearest(turns * (1 << bits)) / (1 << bits) if bits else turns
