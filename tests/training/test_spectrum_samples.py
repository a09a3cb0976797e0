"""Samples of a run: they change nothing, and are there once for every validation."""

import io
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.runlog import RunDirectory, read_run_log, read_sample
from ris_tf.scene import Split
from ris_tf.spectrum import mvdr_spectrum
from ris_tf.training import spectra
from ris_tf.training.batches import first_batches, simulated
from ris_tf.training.task import LocalizationTask, make_trainer

PASSING = ("time", "seconds", "scenes_per_second")


def begin(make_config, path, *overrides, resume=False):
    """A session of two windows an epoch, run eagerly: tracing would take longer than training."""
    if resume:
        run = RunDirectory.open(path)
    else:
        sets = (
            "training.compile=false",
            "training.batches_per_epoch=2",
            "training.validation_batches=1",
            *overrides,
        )
        run = RunDirectory.create(path, dump_config(make_config(*sets)), ["test"])
    run.begin_session(["test"])
    reporter = Reporter(run.console_path, Console(file=io.StringIO(), width=200))
    config = load_config(run.config_path)
    trainer = make_trainer(config)
    trainer.run_eagerly = True
    task = LocalizationTask(trainer, config, run)
    return run, TrainingSession(trainer, reporter, task, run, resume=resume)


@pytest.fixture(scope="module")
def plain(make_config, tmp_path_factory):
    """A whole run without samples."""
    run, session = begin(make_config, tmp_path_factory.mktemp("0") / "run", "training.samples=0")
    session.run()
    return run, session


@pytest.fixture(scope="module")
def sampled(make_config, tmp_path_factory):
    """The same with samples of three scenes."""
    run, session = begin(make_config, tmp_path_factory.mktemp("3") / "run", "training.samples=3")
    session.run()
    return run, session


@pytest.fixture
def start(make_config, tmp_path):
    """Begins a session that has trained nothing."""
    return lambda *overrides: begin(make_config, tmp_path / "run", *overrides)


@pytest.fixture
def skip_training(sampled, monkeypatch):
    """Makes a session go from validation to validation, whose figures are those of another run."""
    figures = read_run_log(sampled[0].events_path).validations[0].values

    def skip(session):
        monkeypatch.setattr(session, "_train", lambda epoch: None)
        monkeypatch.setattr(session.trainer, "validated", lambda: dict(figures))

    return skip


def lines(run):
    return [json.loads(line) for line in run.events_path.read_bytes().splitlines()]


def history(run):
    """All events but samples and what was measured of the machine, without times."""
    return [
        {name: value for name, value in line.items() if name not in PASSING}
        for line in lines(run)
        if line["kind"] not in ("sample", "usage")
    ]


def order(run):
    of = ("validation", "sample", "checkpoint")
    return [line["kind"] for line in lines(run) if line["kind"] in of]


def state(session):
    return {name: np.array(v.value).tobytes() for name, v in session.variables.items()}


def test_run_with_samples_is_the_run_without(plain, sampled):
    """Windows, validations and every variable, bit for bit."""
    assert history(sampled[0]) == history(plain[0])
    assert state(sampled[1]) == state(plain[1])
    assert order(plain[0]) == 2 * ["validation", "checkpoint"]
    assert not list(plain[0].samples.iterdir())


def test_every_validation_has_its_sample(sampled):
    run, _ = sampled
    assert order(run) == 2 * ["validation", "sample", "checkpoint"]
    events = read_run_log(run.events_path).samples
    assert [event.path for event in events] == ["samples/epoch_0000.npz", "samples/epoch_0001.npz"]
    assert [(event.epoch, event.step) for event in events] == [(0, 1), (1, 3)]
    for event in events:
        path = run.path / event.path
        assert path.stat().st_size < 100_000
        sample = read_sample(path)
        assert sample.spectrum_db.shape == (3, 31, 61)
        assert (sample.epoch, sample.step) == (event.epoch, event.step)
        np.testing.assert_array_equal(sample.spectrum_db.max(axis=(1, 2)), 0)


def test_sample_is_what_the_averaged_network_says(sampled):
    run, session = sampled
    sample = read_sample(run.samples / "epoch_0001.npz")
    scenes = first_batches(simulated(session.task.config), Split.VALIDATION, 8, 1)[0]
    with session.trainer.averages.swapped_in() as which:
        assert which == "ema"
        prediction = session.trainer.model(scenes.measurement)
    panel, grid = session.task.sampler.panel, session.task.sampler.grid
    power = mvdr_spectrum(prediction.blended, panel, grid).power.numpy()[:3]
    decibels = 10 * np.log10(power / power.max(axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(sample.spectrum_db, np.swapaxes(decibels, 1, 2), atol=0.05)
    np.testing.assert_allclose(sample.snr_db, scenes.measurement.snr_db[:3])
    for i in range(3):
        predicted = int(tf.argmax(prediction.count_logits[i])) + 1
        best = int(tf.argmax(prediction.confidence[i]))
        assert np.isfinite(sample.estimate[i, :predicted]).all()
        assert np.isnan(sample.estimate[i, predicted:]).all()
        assert sample.estimate[i, 0, 2] == pytest.approx(float(prediction.range_m[i, best]), 1e-4)


def test_truth_is_the_validation_scenes(sampled):
    run, session = sampled
    truth = read_sample(run.samples / "epoch_0000.npz").truth
    sources = first_batches(simulated(session.task.config), Split.VALIDATION, 8, 1)[0].sources
    for i in range(3):
        count = int(sources.count[i])
        assert np.isnan(truth[i, count:]).all()
        angles = np.stack([sources.azimuth[i], sources.elevation[i]], axis=-1)[:count]
        np.testing.assert_allclose(np.radians(truth[i, :count, :2]), angles, rtol=1e-5)
        np.testing.assert_allclose(truth[i, :count, 2], sources.range_m[i][:count])


def test_killed_between_sample_and_checkpoint(make_config, sampled, tmp_path, skip_training):
    """The resumed run writes the sample again, and its event is there once."""
    path = tmp_path / "run"
    shutil.copytree(sampled[0].path, path)
    checkpoints = path / "checkpoints"
    (checkpoints / "previous.npz").replace(checkpoints / "last.npz")  # the one after epoch 0
    written = path / "samples" / "epoch_0001.npz"
    written.write_bytes(b"half of it")
    run, session = begin(make_config, path, resume=True)
    assert session.progress.epochs_done == 1
    skip_training(session)
    session.run()
    assert read_sample(written).epoch == 1
    assert [event.epoch for event in read_run_log(run.events_path).samples] == [0, 1]


def test_full_disk_ends_the_run_with_the_reason(start, skip_training, monkeypatch):
    run, session = start()
    skip_training(session)

    def full(path, sample):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(spectra, "write_sample", full)
    outcome = session.run()
    assert outcome.reason == "failed"
    assert "epoch_0000.npz: cannot be written: No space left on device" in outcome.text
    assert order(run) == ["validation"]


def test_no_sample_where_the_network_says_nothing_finite(start):
    _, session = start()
    for weight in session.trainer.weights_trained:
        weight.assign(np.full(weight.shape, np.nan))
    assert session.task.sampler(0, 3) is None


def test_no_more_scenes_than_validation_has(start):
    _, session = start("training.samples=64", "training.validation_batches=2")
    sample = session.task.sampler(0, 3)
    assert len(np.unique(sample.snr_db)) == len(sample.snr_db) == 16  # two batches of 8


def test_graphs_say_what_eager_code_says(start, make_config):
    """What a compiled run does, without compiling its step."""
    _, session = start()
    config, network = make_config("training.compile=true"), session.trainer.model
    graph = spectra.SpectrumSampler(network, config, simulated(config), 4)(0, 3)
    tf.config.run_functions_eagerly(True)
    try:
        eager = session.task.sampler(0, 3)
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(graph.spectrum_db, eager.spectrum_db, atol=0.05)
    np.testing.assert_allclose(graph.estimate, eager.estimate, rtol=1e-4, atol=1e-3)


def test_samples_are_predicted_by_the_graph_of_validation(start):
    _, session = start()
    session.trainer.validated()
    traced = session.trainer.model.predicting.experimental_get_tracing_count()
    assert session.task.sampler(0, 3) is not None
    assert session.trainer.model.predicting.experimental_get_tracing_count() == traced == 1


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_and_a_field_of_one_azimuth(start, precision):
    _, session = start(f"training.precision={precision}", "scene.azimuth_deg=[10, 10]")
    run = session.run_directory
    spectra.keep(run, session.task.sampler(0, 3))
    assert read_sample(run.samples / "epoch_0000.npz").spectrum_db.shape == (4, 31, 1)


def test_missing_folder_is_made_again(start):
    run, session = start()
    run.samples.rmdir()
    spectra.keep(run, session.task.sampler(0, 3))
    assert (run.samples / "epoch_0000.npz").exists()


def test_positions_are_read_from_the_spectrum_every_few_epochs(make_config, tmp_path):
    run, session = begin(
        make_config,
        tmp_path / "run",
        "training.samples=0",
        "training.spectrum_scenes=3",
        "training.spectrum_every=2",
        "localize.grid=[13,7]",
        "localize.planes=2",
    )
    session.run()
    validations = read_run_log(run.events_path).validations
    told = [{n for n in v.values if n.startswith("spectrum/")} for v in validations]
    assert [bool(names) for names in told] == [i % 2 == 1 for i in range(len(told))]
    assert {"spectrum/recall_direction", "spectrum/recall_position"} <= told[1]
    assert "by MVDR" in run.console_path.read_text()


def test_reading_positions_changes_no_weight(plain, make_config, tmp_path):
    _, without = plain
    _, session = begin(
        make_config,
        tmp_path / "run",
        "training.samples=0",
        "training.spectrum_scenes=2",
        "training.spectrum_every=1",
        "localize.grid=[5,3]",
        "localize.planes=1",
    )
    session.run()
    for name, variable in without.variables.items():
        np.testing.assert_array_equal(variable.numpy(), session.variables[name].numpy())


def test_what_a_run_takes_of_the_machine_is_in_its_log(plain):
    """Measured once: the run is shorter than the pause between two measurements."""
    usages = [line for line in lines(plain[0]) if line["kind"] == "usage"]
    assert [usage["step"] for usage in usages] == [0]
    usage = read_run_log(plain[0].events_path).usage
    assert usage is not None
    assert usage.memory > 100 * 2**20  # TensorFlow alone has that
    assert usage.processors > 0
    assert "thread" in usage.device or usage.device_memory >= 0
