"""Codebooks, selection and quantisation."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config.scene import CODEBOOKS, Codes, Geometry
from ris_tf.scene import Draws, Split
from ris_tf.scene.codebook import beam_codebook, draw_codes, fixed_phases, selected_beams


def exact_levels(geometry: Geometry, beams: int, bits: int) -> np.ndarray:
    """The codebook's levels in exact fractions; Python's round takes ties to even."""
    horizontal, vertical = CODEBOOKS[beams]
    rows = [
        [
            round(
                2**bits
                * (
                    i * (h - Fraction(geometry.columns - 1, 2)) / geometry.columns
                    + j * (v - Fraction(geometry.rows - 1, 2)) / geometry.rows
                )
            )
            for v in range(geometry.rows)
            for h in range(geometry.columns)
        ]
        for j in range(vertical)
        for i in range(horizontal)
    ]
    return np.array(rows)


@pytest.mark.parametrize("beams", CODEBOOKS)
@pytest.mark.parametrize("sizes", [(12, 12), (8, 6)])
def test_codebook_is_the_formula_rounded_to_even(beams, sizes):
    geometry = Geometry(columns=sizes[0], rows=sizes[1])
    phases = beam_codebook(geometry, Codes(beams=beams))
    assert phases.shape == (beams, geometry.elements)
    np.testing.assert_allclose(
        phases, exact_levels(geometry, beams, 3) * 2 * np.pi / 8, rtol=1e-6, atol=1e-6
    )


def test_unquantised_phases_are_the_formula():
    geometry = Geometry(columns=4, rows=2)
    phases = beam_codebook(geometry, Codes(beams=16, phase_bits=0))
    i, j, h, v = 3, 2, 1, 1
    expected = 2 * np.pi * (i * (h - 1.5) / 4 + j * (v - 0.5) / 2)
    assert phases[j * 4 + i, v * 4 + h] == pytest.approx(expected)


def test_spread_takes_distinct_beams_of_all_directions():
    chosen = selected_beams(16, Codes())
    assert len(set(chosen)) == 16
    assert len({beam % 8 for beam in chosen}) > 4
    np.testing.assert_array_equal(chosen, selected_beams(16, Codes()))


def test_stride_uses_two_of_eight_horizontal_beams():
    chosen = selected_beams(16, Codes(selection="stride"))
    np.testing.assert_array_equal(chosen, np.arange(0, 64, 4))
    assert {beam % 8 for beam in chosen} == {0, 4}


@pytest.mark.parametrize("selection", ["spread", "stride"])
def test_short_codebooks_repeat_cyclically(selection):
    chosen = selected_beams(40, Codes(beams=16, selection=selection))
    np.testing.assert_array_equal(chosen[:16], chosen[16:32])
    assert sorted(chosen[:16]) == list(range(16))


@pytest.mark.parametrize(
    ("selection", "fixed"), [("spread", 6), ("stride", 6), ("half", 3), ("random", 0)]
)
def test_codes_have_modulus_one_and_quantised_phases(selection, fixed):
    geometry, codes = Geometry(columns=4, rows=4), Codes(selection=selection)
    phases = fixed_phases(geometry, 6, codes)
    assert phases.shape == (fixed, 16)
    drawn = draw_codes(Draws(1, Split.TRAINING, 0, 0), 3, 6, phases, codes).numpy()
    np.testing.assert_allclose(np.abs(drawn), 1, atol=1e-6)
    levels = np.angle(drawn) * 8 / (2 * np.pi)
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    same = np.array_equal(drawn[0], drawn[1])
    assert same == (fixed == 6)


def test_rounding_of_random_phases_has_as_many_levels_as_bits_say():
    codes = Codes(selection="random", phase_bits=1)
    empty = np.zeros((0, 16), np.float32)
    drawn = draw_codes(Draws(1, Split.TRAINING, 0, 0), 4, 6, empty, codes)
    assert set(np.round(tf.math.real(drawn).numpy()).ravel()) == {-1.0, 1.0}
