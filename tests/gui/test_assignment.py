"""Which estimate belongs to which source of a scene, and what the table says of both."""

import itertools
import re

import numpy as np
import pytest
from driven import sample
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gui.models import spectra as model
from gui.models.assignment import best_assignment
from gui.models.spectra import level_text, matches, scene_title

NAN = np.nan


def test_words():
    shown = sample(1)
    assert scene_title(shown, 0) == "scene 1: 1 source, 12.3 dB"
    assert scene_title(shown, 1) == "scene 2: 2 sources, 13.3 dB"
    assert matches(shown, 0)[0].words() == [
        "10.0 → 12.0 (+2.0)", "0.0 → −1.0 (−1.0)", "2.5 → 3.0 (+0.5)",
    ]  # fmt: skip
    assert level_text(shown, 0, 11.9, -0.1) == "azimuth 10.0°, elevation 0.0°: 0.0 dB"
    assert level_text(shown, 0, 99, 0) == ""
    shown.estimate[:] = NAN
    assert matches(shown, 0)[0].words()[0] == "10.0 → none"
    assert matches(shown, 0)[0].verdict == "missed"


def test_no_two_sources_have_the_same_estimate_and_false_alarms_are_listed():
    """Both sources are nearest to the same estimate; the sum of distances decides."""
    shown = sample(0)
    shown.truth[1, :2] = [[0, 0, 5], [10, 0, 5]]
    shown.estimate[1, :3] = [[8, 0, 5], [-50, 0, 5], [0, 0.5, 5.2]]
    found = matches(shown, 1)
    assert [m.estimate and m.estimate[0] for m in found] == [0, 8, -50]
    assert [m.verdict for m in found] == ["found", "found", "false alarm"]
    assert found[2].words() == ["none → −50.0", "none → 0.0", "none → 5.0"]
    shown.estimate[1, 2] = NAN
    found = matches(shown, 1)
    assert [m.verdict for m in found] == ["off by 50.0°", "found"], "each has its own"
    shown.estimate[1, 1] = NAN
    assert [m.verdict for m in matches(shown, 1)] == ["missed", "found"]


@given(arrays(np.float64, st.integers(1, 6).map(lambda n: (n, n)), elements=st.floats(0, 1e4)))
def test_assignment_is_the_best_of_all(cost):
    everything = itertools.permutations(range(len(cost)))
    least = min(cost[np.arange(len(cost)), list(columns)].sum() for columns in everything)
    columns = best_assignment(cost)
    assert sorted(columns) == list(range(len(cost)))
    assert cost[np.arange(len(cost)), columns].sum() == pytest.approx(least)


def test_a_scene_is_matched_as_evaluate_does(root):
    """The same numbers in both places, read without TensorFlow."""
    text = (root / "ris_tf" / "evaluation" / "matching.py").read_text()
    for name in ("FOUND_DEG", "FOUND_M", "UNPAIRED_M"):
        (value,) = re.findall(rf"^{name} = (\S+)", text, re.MULTILINE)
        assert float(value) == getattr(model, name)
