"""Labels of files that are read in another convention: named, and mended by the setting."""

import io
import os

import numpy as np
import pytest
import tensorflow as tf
from plants import SMALL
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.runlog import RunDirectory, causes_of, check_health, verdict_on
from ris_tf.scene import Simulator, Split
from ris_tf.training.file_data import open_data, with_data
from ris_tf.training.task import LocalizationTask, make_trainer

full = pytest.mark.skipif(os.environ.get("RIS_FAULTS") != "full", reason="RIS_FAULTS=full")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A file of somebody's: angles in radians, under names that do not tell."""
    config = load_config(SMALL)
    drawn = Simulator(config)(
        Split.TRAINING, tf.constant(0, tf.int64), tf.constant(0, tf.int64), 640
    )
    m, s = drawn.measurement, drawn.sources
    path = tmp_path_factory.mktemp("files") / "measured.npz"
    arrays = {
        "y": m.y, "channel": m.channel, "codes": m.codes, "snr_db": m.snr_db, "count": s.count,
        "azimuth": s.azimuth, "elevation": s.elevation, "range": s.range_m, "power": s.power,
        "noise_variance": drawn.noise_variance,
    }  # fmt: skip
    np.savez(path, **{name: array.numpy() for name, array in arrays.items()})
    return path


def trained(path, scenes, *overrides):
    config = load_config(SMALL, (f"data.train={scenes}", "training.epochs=1", *overrides))
    run = RunDirectory.create(path, dump_config(config), ["test"])
    run.begin_session(["test"])
    data = open_data(config)
    config = with_data(config, data)
    with Reporter(run.console_path, Console(file=io.StringIO())) as reporter:
        trainer = make_trainer(config, data=data)
        task = LocalizationTask(trainer, config, run, data=data)
        TrainingSession(trainer, reporter, task, run).run()
    run.end_session()
    return check_health(run.log())


@full
def test_angles_that_are_converted_twice_and_the_setting_that_mends_it(scenes, tmp_path):
    ruined = trained(tmp_path / "ruined", scenes, "data.convert.angle_unit=degrees")
    verdict = verdict_on(ruined)
    assert verdict.check.cause == "labels"
    assert dict(verdict.remedies) == {"data.convert.angle_unit": "radians"}
    settings = [f"{key}={value}" for key, value in verdict.remedies]
    mended = trained(tmp_path / "mended", scenes, *settings)
    assert causes_of(mended) == []
