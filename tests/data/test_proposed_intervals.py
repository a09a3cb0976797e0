"""The intervals that inspection proposes hold a file's scenes, and a configuration allows them."""

import numpy as np
import pytest
from foreign import npz

from ris_tf.config import parse_config
from ris_tf.data.conversion import converted
from ris_tf.data.intervals import scene_intervals
from ris_tf.data.scene_set import SceneSet

SCENES, ROOM = 120, 3
UNIFORM = np.random.default_rng(0).uniform


def arrays(**labels):
    """Scenes of 2 snapshots, 3 antennas and 4 elements, whose labels are given."""
    made = {
        "count": np.arange(SCENES) % 2 + 1,
        "azimuth_deg": UNIFORM(-43, 51, (SCENES, ROOM)),
        "elevation_deg": UNIFORM(-9, 9, (SCENES, ROOM)),
        "range_m": UNIFORM(0.31, 27.0, (SCENES, ROOM)),
        "snr_db": UNIFORM(11, 33, SCENES),
    }
    shape = {"y": (SCENES, 2, 3), "channel": (SCENES, 3, 4), "codes": (SCENES, 2, 4)}
    ones = {name: np.ones(size, np.complex64) for name, size in shape.items()}
    return {**ones, **made, **labels}


def intervals(folder, **labels):
    return scene_intervals(converted(npz(folder, **arrays(**labels))))


def test_ends_are_round_numbers_outside(tmp_path):
    assert intervals(tmp_path) == {
        "sources_min": 1, "sources_max": 2, "azimuth_deg": [-45, 55], "elevation_deg": [-10, 10],
        "range_m": [0.3, 30], "snr_db": [10, 35],
    }  # fmt: skip


def test_a_run_on_the_file_finds_no_source_outside(tmp_path):
    """The file that was inspected, read as training reads it."""
    document = {"scene": {"snapshots": 2, "antennas": 3, **intervals(tmp_path)}}
    config = parse_config({"geometry": {"columns": 2, "rows": 2}, **document})
    extent = SceneSet(str(tmp_path / "scenes.npz"), "data.train", config).extent
    assert {name: of.outside for name, of in extent.items()} == dict.fromkeys(extent, 0)
    assert len(extent) == 3


def test_slots_without_a_source_do_not_count(tmp_path):
    azimuth = np.zeros((SCENES, ROOM))
    azimuth[:, :2], azimuth[:, 2] = UNIFORM(20, 40, (SCENES, 2)), 170.0
    assert intervals(tmp_path, azimuth_deg=azimuth)["azimuth_deg"] == [20, 40]


@pytest.mark.parametrize(
    ("name", "values", "interval"),
    [
        ("azimuth_deg", 10.0, [5, 15]),
        ("azimuth_deg", 88.0, [85, 89]),
        ("range_m", 2.0, [1.5, 2.5]),
        ("range_m", np.float32(0.7), [0.65, 0.75]),
        ("snr_db", 20.0, [20, 20]),
        ("snr_db", 140.0, [100, 100]),
    ],
)
def test_one_value_and_the_ends_of_what_is_allowed(tmp_path, name, values, interval):
    """A field of view has an extent; an SNR needs none."""
    shape = SCENES if name == "snr_db" else (SCENES, ROOM)
    found = intervals(tmp_path, **{name: np.full(shape, values)})
    assert found[name] == interval
    parse_config({"scene": found})


def test_rounding_widens_nothing(tmp_path):
    ranges = np.full((SCENES, ROOM), np.float32(0.55))
    ranges[0] = np.nextafter(np.float32(10), np.float32(20))
    azimuth = np.where(np.arange(ROOM) == 0, np.nextafter(np.float32(-60), -90), 60)
    found = intervals(tmp_path, range_m=ranges, azimuth_deg=np.tile(azimuth, (SCENES, 1)))
    assert (found["range_m"], found["azimuth_deg"]) == ([0.55, 10], [-60, 60])


def test_few_scenes_have_as_many_sources_as_their_labels_have_room_for(tmp_path):
    few = {name: array[:8] for name, array in arrays().items()}
    assert scene_intervals(converted(npz(tmp_path, **few)))["sources_max"] == ROOM


def test_what_a_file_lacks_is_not_proposed(tmp_path):
    lacking = {name: a for name, a in arrays().items() if name not in ("range_m", "snr_db")}
    path = npz(tmp_path, **lacking)
    assert scene_intervals(converted(path)).keys() == {
        "sources_min", "sources_max", "azimuth_deg", "elevation_deg"
    }  # fmt: skip
    assert scene_intervals(converted(path), places=False) == {"sources_min": 1, "sources_max": 2}
