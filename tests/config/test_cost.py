"""What is said beforehand of memory is near what was measured."""

import pytest

from ris_tf.config import default_config
from ris_tf.config.cost import pursuit_bytes

# MB above a process that has made 64 scenes of known noise, by elements of a side; 16 antennas and
# snapshots, 2 cores (VmHWM while `Detector.pursue` works).
MEASURED = {12: 788, 24: 2283, 32: 2370}


@pytest.mark.parametrize("side", MEASURED)
def test_memory_of_pursuit(side):
    config = default_config([f"geometry.columns={side}", f"geometry.rows={side}"])
    ratio = pursuit_bytes(config) / 2**20 / MEASURED[side]
    assert 1 / 1.5 < ratio < 1.5


def test_a_larger_panel_takes_more_scenes_in_turn_not_more_memory():
    """The table of starting points is bounded; what grows is that of one scene."""
    sizes = [
        pursuit_bytes(default_config([f"geometry.columns={side}", f"geometry.rows={side}"]))
        for side in (32, 64)
    ]
    assert sizes[1] < 4 * sizes[0], "of four times the elements and 15 times the starting points"
