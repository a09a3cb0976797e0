"""Ten colours that people with any colour vision tell apart, on both backgrounds."""

from itertools import combinations

import numpy as np
import pytest

from gui.models.palette import COLOURS
from gui.theme import DARK, LIGHT

# Machado, Oliveira and Fernandes (2009), table 1, severity 1, for linear RGB.
VISION = {
    "trichromacy": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip
APART = 0.07  # distance in OKLab; 0.02 is just noticeable side by side


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    return LAB @ np.cbrt(LMS @ np.clip(rgb, 0, 1))


def luminance(colour):
    return linear(colour) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("kind", list(VISION))
def test_any_two_are_apart(theme, kind):
    seen = [oklab(np.array(VISION[kind]) @ linear(theme.curve(colour))) for colour in COLOURS]
    assert len(seen) == 10
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > APART


@pytest.mark.parametrize(("theme", "least"), [(LIGHT, 1.8), (DARK, 3.0)])
def test_all_stand_out_from_the_background(theme, least):
    for colour in COLOURS:
        lights = sorted((luminance(theme.curve(colour)), luminance(theme.background)))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) > least, colour
