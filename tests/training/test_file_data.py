"""Training on files: which scenes a batch has, what missing labels turn off, what is said once."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import TERMS
from ris_tf.config.learning import LABELS
from ris_tf.config.registry import labels_needed
from ris_tf.data.errors import DataError
from ris_tf.data.export import export_scenes
from ris_tf.network import build_network
from ris_tf.objective import active_terms, compare, term_values
from ris_tf.scene import Simulator, Split
from ris_tf.training import job
from ris_tf.training.batches import simulated, training_batches, training_reader
from ris_tf.training.file_data import (
    FileData,
    open_data,
    remarks,
    with_absolute_paths,
    with_data,
)
from ris_tf.training.task import LocalizationTask, make_trainer
from ris_tf.training.validation import search_objective, summary, validation_means

SCENES = 21
PLAIN = ("training.compile=false", "training.validation_batches=2")


@pytest.fixture(scope="module")
def files(make_config, tmp_path_factory):
    """A file with everything, and one of each that lacks a few labels."""
    folder = tmp_path_factory.mktemp("files")
    export_scenes(make_config(), folder / "whole.npz", SCENES, Split.TRAINING)
    with np.load(folder / "whole.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for name, lacking in {
        "plain": {"power", "noise_variance"},
        "directions": {"power", "range_m"},
    }.items():
        kept = {name: values for name, values in arrays.items() if name not in lacking}
        np.savez(folder / f"{name}.npz", **kept)
    return folder


def opened(make_config, files, *overrides, **sets):
    config = make_config(
        *PLAIN, *(f"data.{n}={files / v}.npz" for n, v in sets.items()), *overrides
    )
    data = open_data(config)
    return with_data(config, data), data


def test_batch_has_the_files_scenes_and_then_simulated_ones(make_config, files):
    config, data = opened(make_config, files, "data.simulated_share=0.25", train="whole")
    batches = training_batches(config, data, simulated(config))
    arrays = training_reader(config, data.train)(6)
    batches.seek(6)
    tf.nest.map_structure(np.testing.assert_array_equal, batches.take(), arrays)
    epoch, number = tf.constant(1, tf.int64), tf.constant(2, tf.int64)
    scenes = batches.prepared({k: tf.constant(v) for k, v in arrays.items()}, epoch, number)
    assert scenes.measurement.y.shape[0] == config.training.batch == 8
    np.testing.assert_array_equal(scenes.measurement.y[:6], arrays["y"])
    drawn = Simulator(config)(Split.TRAINING, 1, 2, 2)
    np.testing.assert_allclose(scenes.measurement.y[6:], drawn.measurement.y, rtol=1e-4, atol=1e-6)


def test_terms_need_the_labels_that_they_say(make_config):
    """Each term of every network: with nothing in the place of a label, those that do not need it
    are the same to the bit, and the others are not."""
    for overrides in ((), ("network={kind: reference, width: 16, heads: 2, layers: 1}",)):
        every = (f"objective.weights.{name}=1" for name in ("contrast", "orthogonality", "cross"))
        config = make_config(*overrides, *every)
        network = build_network(config)
        scenes = Simulator(config)(Split.TRAINING, 0, 0, 8)
        prediction = network(scenes.measurement)
        for label in LABELS:
            spoilt = getattr(scenes.sources, label) * (1.5 + tf.range(3.0))
            sources = scenes.sources._replace(**{label: spoilt})
            other = scenes._replace(sources=sources)
            if label == "range_m":
                other = other._replace(steering=scenes.steering[:, :, ::-1])
            own, changed = (
                compare(prediction, s, config, frozenset([label])) for s in (scenes, other)
            )
            for name in active_terms(config):
                try:
                    values = [term_values(c, [name])[name].numpy() for c in (own, changed)]
                except ValueError:  # the network does not have what it takes
                    continue
                same = np.array_equal(*values)
                assert same == (label not in labels_needed(name)), (name, label)


def test_our_terms_are_registered_with_their_needs():
    assert all(TERMS[name].needs == labels_needed(name) for name in TERMS)


def test_missing_labels_turn_terms_off_and_are_said_once(make_config, files):
    config, data = opened(make_config, files, train="directions", validation="whole")
    off = {"covariance", "covariance_pred", "subspace", "range", "power", "deviation"}
    weights = config.objective.weights.model_dump()
    assert {name for name, weight in weights.items() if not weight} >= off
    assert weights["angle"] > 0
    labels = remarks(make_config(*PLAIN), data)[0]
    assert labels.what == "labels"
    assert set(labels.values["off"].split(", ")) == off
    assert labels.text.startswith("data.train without power, range_m: terms that need them are off")
    assert with_data(config, data) == config, "once is enough"


def test_search_objective_has_no_term_of_labels_that_are_invented(make_config, files):
    config, data = opened(make_config, files, train="directions", validation="whole")
    network = build_network(config)
    scenes = Simulator(config)(Split.VALIDATION, 0, 0, 8)

    def objective(invented):
        sources = scenes.sources._replace(range_m=tf.fill(scenes.sources.range_m.shape, invented))
        other = scenes._replace(sources=sources)
        values = validation_means(network, other, config, data.missing)
        return summary({name: float(mean) for name, mean in values.items()})["objective"]

    assert np.isfinite(objective(1.0))
    assert objective(1.0) == objective(5.0)


def test_whole_files_turn_nothing_off(make_config, files):
    config, data = opened(make_config, files, train="whole", validation="plain")
    assert config.objective == make_config().objective
    assert remarks(config, data) == []
    _, alone = opened(make_config, files, train="plain")
    assert [remark.what for remark in remarks(config, alone)] == ["validation"]


def test_files_of_another_panel_are_said(make_config, files):
    """Nothing in their arrays shows it: a network would be trained on a panel that is not there."""
    config, data = opened(make_config, files, "geometry.spacing=0.4", validation="whole")
    (other,) = remarks(config, data)
    assert other.what == "made otherwise"
    assert other.values == {"key": "geometry.spacing", "there": "0.5", "here": "0.4"}
    assert other.text.endswith("unless that is meant, --set geometry.spacing=0.5")


def test_sources_outside_of_the_field_are_said(make_config, files):
    config, data = opened(make_config, files, "scene.azimuth_deg=[-20,20]", validation="whole")
    (outside,) = remarks(config, data)
    assert (outside.what, outside.values["key"]) == ("outside", "scene.azimuth_deg")
    assert 0 < outside.values["outside"] < outside.values["sources"]
    assert "lie outside scene.azimuth_deg = [-20.0, 20.0]" in outside.text


@pytest.mark.parametrize(
    ("overrides", "together", "batches"),
    [
        ((), 8, 2),
        (("training.validation_batches=5",), 8, 2),
        (("training.validation_batch=50",), 21, 1),
        (("training.distribution=mirrored", "training.replicas=8"), 8, 2),
        (
            (
                "training.validation_batch=40",
                "training.distribution=mirrored",
                "training.replicas=8",
            ),
            16,
            1,
        ),
    ],
)
def test_validation_takes_what_there_is(make_config, files, overrides, together, batches):
    config, _ = opened(make_config, files, *overrides, validation="whole")
    assert (config.training.validation_batch, config.training.validation_batches) == (
        together,
        batches,
    )


def test_fewer_scenes_than_replicas_are_one_line(make_config, files):
    several = (*("training.distribution=mirrored", "training.replicas=64"), "training.batch=64")
    with pytest.raises(DataError, match=r"has 21 scenes, fewer than training\.replicas = 64"):
        opened(make_config, files, *several, validation="whole")


def test_paths_are_the_same_from_everywhere(make_config, files, monkeypatch):
    monkeypatch.chdir(files)
    config = with_absolute_paths(make_config("data.train=whole.npz", "data.test=./*.npz"))
    assert config.data.train == str(files / "whole.npz")
    assert config.data.test == str(files / "*.npz")
    assert config.data.validation is None


REFERENCE = (
    "network={kind: reference, width: 16, heads: 2, layers: 1}",
    *(f"objective.weights.{name}=0" for name in ("heatmap", "presence", "power", "deviation")),
)


@pytest.mark.parametrize("network", [(), REFERENCE])
def test_run_without_ranges_trains_and_validates(make_config, files, network):
    """Directions and counts; no metric of what nobody knows."""
    some = ("training.spectrum_scenes=4", "training.spectrum_every=1", *network)
    config, data = opened(make_config, files, *some, train="directions", validation="directions")
    trainer = make_trainer(config, data=data)
    trainer.run_eagerly = True
    trainer.train_windows(0, 2, 0, [])
    assert int(trainer.position.value) == 2, "both windows were applied"
    metrics = trainer.validated()
    assert {"loss", "direction_rmse_deg", "recall_direction", "precision"} <= metrics.keys()
    unknown = {"range_rmse_m", "recall_position", "sample/covariance", "sample/subspace"}
    assert not unknown & metrics.keys()
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["objective"] == pytest.approx(search_objective(metrics))
    task = LocalizationTask(trainer, config, data=data)
    assert task.epoch_line(metrics)


def test_validation_is_on_the_same_scenes_every_time(make_config, files):
    config, data = opened(make_config, files, train="whole", validation="whole")
    trainer = make_trainer(config, data=data)
    trainer.run_eagerly = True
    assert trainer.validated() == trainer.validated()


def test_simulated_sets_need_no_files(make_config):
    assert open_data(make_config()) is None
    config = make_config()
    assert with_data(config, None) is config
    assert remarks(config, None) == []
    assert FileData().missing == frozenset()


@pytest.mark.parametrize(("number", "text"), [(0.417, "0.42"), (9.9, "9.9"), (131.6, "132")])
def test_times_are_as_people_write_them(number, text):
    assert job._times(number) == text
