"""Evaluation on files is that on the scenes they were written from."""

import numpy as np
import pytest

from ris_tf.config import parse_config
from ris_tf.data.export import export_scenes
from ris_tf.data.scene_set import SceneSet
from ris_tf.estimation.estimators import Estimators
from ris_tf.evaluation.run import Evaluation

SCENES = 20
CONFIG = parse_config(
    {
        "geometry": {"columns": 4, "rows": 4},
        "scene": {"antennas": 6, "snapshots": 5, "sources_max": 2, "snr_db": [20, 20]},
        "codes": {"beams": 16},
        "network": {"image": [7, 5]},
        "localize": {"grid": [31, 16], "planes": 3},
        "training": {"batch": 8},
    }
)


@pytest.fixture(scope="module")
def of_simulator():
    """What the simulator's own scenes come to."""
    return rows_of(CONFIG, SCENES)[1]


def rows_of(config, scenes, files=None):
    """Metrics of every group, and those of the bound, by name; times are no metrics."""
    used = {name: Estimators(config).named(name) for name in ("sample-mvdr",)}
    evaluation = Evaluation(config, used, scenes, files=files)
    evaluation.run()
    report = evaluation.report({})
    return evaluation, [
        {(r.kind, r.level, name): m.value for r in rows for name, m in r.metrics.items()}
        for rows in (report.rows, report.bound)
    ]


@pytest.mark.parametrize("lacking", [(), ("power", "noise_variance")])
def test_files_come_to_what_the_simulator_comes_to(of_simulator, tmp_path, lacking):
    """The same estimates against the same truth; the bound with fitted symbols is near the true."""
    export_scenes(CONFIG, tmp_path / "whole.npz", SCENES)
    with np.load(tmp_path / "whole.npz") as file:
        kept = {name: file[name] for name in file.files if name not in lacking}
    np.savez(tmp_path / "test.npz", **kept)
    files = SceneSet(str(tmp_path / "test.npz"), "data.test", CONFIG)
    evaluation, (own, bound) = rows_of(CONFIG, 1000, files)
    assert evaluation.scenes == SCENES, "as many as there are"
    simulated, true_bound = of_simulator
    assert own.keys() == simulated.keys()
    for key, value in simulated.items():
        if key[2] not in ("milliseconds",) and "over_bound" not in key[2]:
            np.testing.assert_allclose(own[key], value, rtol=1e-3, atol=1e-6, err_msg=str(key))
    for key, value in true_bound.items():
        np.testing.assert_allclose(bound[key], value, rtol=0.3, err_msg=str(key))
