"""Each step after the first fit, on scenes that need it."""

from dataclasses import replace

import numpy as np
import pytest
from settling import count_settled

from ris_tf.config import parse_config
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.fits import Known
from ris_tf.estimation.graphs import Graphs
from ris_tf.estimation.ladder import WHOLE, Ladder
from ris_tf.scene import Simulator, Split
from ris_tf.scene.positions import Positions, true_positions

SCENES = 24
NOTHING = replace(
    WHOLE,
    leave_one_out=False,
    add=False,
    exchange=False,
    converge=False,
    final_test=False,
)


@pytest.fixture(scope="module")
def given():
    """Scenes of two sources, graphs for them, what is known, and the truth."""
    config = parse_config(
        {
            "geometry": {"columns": 8, "rows": 8},
            "scene": {
                "sources_min": 2,
                "sources_max": 3,
                "separation_deg": 20.0,
                "snr_db": [15.0, 20.0],
                "range_m": [0.5, 3.0],
            },
        }
    )
    scenes = Simulator(config)(Split.TEST, 0, 0, SCENES)
    truth = Positions(*(np.array(axis) for axis in true_positions(scenes.sources)))
    return config, Graphs(config), scenes.measurement, Known(scenes.noise_variance.numpy()), truth


def settled(given, start: Positions, ladder: Ladder) -> np.ndarray:
    """How many of the sources each scene ends with, from a start."""
    config, graphs, measurement, known, _ = given
    return count_settled(Detector(config, ladder, graphs), measurement, start, known)


def test_a_start_is_refined_alone_where_all_steps_are_off(given):
    truth = given[-1]
    one = truth._replace(active=truth.active * (np.arange(3) == 0))
    assert (settled(given, one, NOTHING) == 1).all()


def test_adding_finds_the_source_that_a_start_lacks(given):
    truth = given[-1]
    count = truth.active.sum(axis=-1, keepdims=True)
    fewer = truth._replace(active=truth.active * (np.arange(3) < count - 1))
    found = settled(given, fewer, replace(NOTHING, add=True))
    assert (found == truth.active.sum(axis=-1)).mean() > 0.9


@pytest.mark.parametrize("step", ["leave_one_out", "final_test"])
def test_leaving_out_drops_what_a_start_has_too_many(given, step):
    truth = given[-1]
    spare = truth.active == 0
    start = Positions(
        np.where(spare, -0.9, truth.azimuth).astype(np.float32),
        np.where(spare, 0.4, truth.elevation).astype(np.float32),
        truth.range_m,
        np.ones_like(truth.active),
    )
    assert (settled(given, start, NOTHING) == 3).all()
    found = settled(given, start, replace(NOTHING, **{step: True}))
    assert (found == truth.active.sum(axis=-1)).mean() > 0.9


def test_a_source_between_two_is_exchanged_for_one_of_both(given):
    truth = given[-1]
    middle = [axis[:, :2].mean(axis=1) for axis in truth.coordinates]
    between = Positions(
        *(np.tile(axis[:, None], 3).astype(np.float32) for axis in middle),
        active=np.tile(np.float32([1, 0, 0]), (SCENES, 1)),
    )
    with_adding = replace(NOTHING, add=True)
    before = settled(given, between, with_adding)
    after = settled(given, between, replace(with_adding, exchange=True))
    counts = truth.active.sum(axis=-1)
    assert (after == counts).sum() > (before == counts).sum()
