"""Weights that a run begins at: read from runs and files, compared by path, kept in the run."""

import h5py
import numpy as np
import pytest
from sessions import SHORT, begin

from ris_tf.config import ConfigError
from ris_tf.network import build_network
from ris_tf.runlog import BeganFrom, RunDirectory, RunError
from ris_tf.training.frozen import own_path
from ris_tf.training.start import fitting, kept_weights, put_in, read_weights, require_start
from ris_tf.training.task import make_trainer


def values(network):
    return {own_path(v, network): np.array(v.value) for v in network.variables}


@pytest.fixture
def other(make_config, whole_network):
    """A network of other weights."""
    return build_network(make_config("seed=7", *whole_network))


@pytest.fixture(params=["other.keras", "other.weights.h5"])
def file(request, other, tmp_path):
    path = tmp_path / request.param
    other.save(path) if path.suffix == ".keras" else other.save_weights(path)
    return path


def test_weights_of_a_file_are_those_of_the_network_that_wrote_it(
    make_config, whole_network, other, file
):
    network = build_network(make_config(*whole_network))
    before = values(network)
    read = read_weights(file, network)
    assert read.keys() == before.keys()
    assert any((before[path] != read[path]).any() for path in read)
    for path, array in values(other).items():
        np.testing.assert_array_equal(read[path], array)
    for path, array in values(network).items():  # what it is read for is as it was
        np.testing.assert_array_equal(before[path], array)


def test_weights_that_are_not_finite_are_refused(make_config, whole_network, other, tmp_path):
    other.trainable_variables[0].assign(other.trainable_variables[0] * np.nan)
    other.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(RunError, match=r"its weights are not finite: .*; take other weights"):
        require_start(make_config(*whole_network), tmp_path / "w.weights.h5", allow_mismatch=False)


@pytest.mark.parametrize("kind", ["beamspace", "reference"])
def test_a_trainer_begins_at_them(make_config, tmp_path, tiny_reference, kind):
    """Both networks, and their moving averages; in the reference network also a lone scalar."""
    changes = [tiny_reference] if kind == "reference" else []
    config = make_config("training.compile=false", *changes)
    other = build_network(make_config("seed=7", *changes))
    other.save_weights(tmp_path / "w.weights.h5")
    start = require_start(config, tmp_path / "w.weights.h5", allow_mismatch=False)
    assert start is not None
    trainer = make_trainer(config, start=start.fit.taken)
    for path, array in values(other).items():
        np.testing.assert_array_equal(values(trainer.model)[path], array)
    averages = trainer.averages.by_weight()
    for weight in trainer.weights_trained:
        np.testing.assert_array_equal(weight, averages[f"ema/{weight.path}"].numpy())


def test_what_does_not_fit_is_named_by_path_and_refused(make_config, other, file):
    config = make_config("network.rounds=1", "network.width=9", "network.blocks=2")
    with pytest.raises(ConfigError) as caught:
        require_start(config, file, allow_mismatch=False)
    line = str(caught.value)
    assert "does not fit the network: of another shape: " in line
    assert "detection_head_0/own/kernel [21, 8] for [21, 9]" in line
    assert "missing: trunk/block_1/" in line
    assert "--allow-mismatch takes the 11 that fit" in line
    start = require_start(config, file, allow_mismatch=True)
    assert start is not None
    network = build_network(config)
    put_in(network, start.fit.taken)
    for path, array in start.fit.taken.items():
        np.testing.assert_array_equal(values(network)[path], array)
    smaller = make_config("network.rounds=1")
    with pytest.raises(ConfigError, match=r"without a place: .*block"):
        require_start(smaller, file, allow_mismatch=False)


def test_fit_is_by_name_and_shape(other):
    found = values(other)
    name = next(iter(found))
    whole = fitting(found, other)
    assert whole.whole
    assert not whole.words()
    fit = fitting({**found, name: np.zeros(3), "else": np.ones(2)}, other)
    assert (fit.missing, fit.extra) == ((), ("else",))
    assert list(fit.reshaped) == [name]
    assert fit.taken.keys() == found.keys() - {name}


def not_there(folder):
    return folder / "none"


def without_weights(folder):
    RunDirectory.create(folder / "run", "", ["test"])
    return folder / "run"


def of_pytorch(folder):
    (folder / "best.pt").touch()
    return folder / "best.pt"


def not_hdf5(folder):
    (folder / "a.weights.h5").write_bytes(b"hello")
    return folder / "a.weights.h5"


def not_keras(folder):
    (folder / "a.keras").write_bytes(b"hello")
    return folder / "a.keras"


def elsewhere(folder):
    """Arrays that lie in another file are not read, and so are missing."""
    with h5py.File(folder / "a.weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/x")
        file.create_dataset("vars/0", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    return folder / "a.weights.h5"


def enormous(folder):
    with h5py.File(folder / "a.weights.h5", "w") as file:
        file.create_dataset("vars/0", (1 << 40,), "f4", chunks=(1024,))
    return folder / "a.weights.h5"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (not_there, "no such run or file"),
        (without_weights, "has no trained network yet"),
        (of_pytorch, "ris-tf import .*best.pt makes a run of it"),
        (not_hdf5, "holds no weights that can be read"),
        (not_keras, "holds no network that can be read"),
        (elsewhere, "does not fit the network: missing: "),
        (enormous, "declares 4,398,046,511,104 bytes"),
    ],
)
def test_what_has_no_weights_is_one_line(make_config, tmp_path, make, says):
    with pytest.raises((ConfigError, RunError), match=says) as caught:
        require_start(make_config(), make(tmp_path), allow_mismatch=True)
    assert str(caught.value).isprintable()


def test_the_run_keeps_what_it_began_at(make_config, whole_network, other, tmp_path):
    other.save(tmp_path / "other.keras")
    config = make_config(*whole_network)
    start = require_start(config, tmp_path / "other.keras", allow_mismatch=False)
    assert start is not None
    run = RunDirectory.create(
        tmp_path / "run", "", ["test"], began_from=start.origin, fill=start.keep
    )
    (tmp_path / "other.keras").unlink()
    kept = kept_weights(RunDirectory.open(run.path))
    assert kept is not None
    for path, array in values(other).items():
        np.testing.assert_array_equal(kept[path], array)
    run.begin_session(["another"])
    run.end_session()
    assert RunDirectory.open(run.path).identity.began_from == start.origin != BeganFrom()
    (run.checkpoints / "start.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match="holds no weights that can be read"):
        kept_weights(run)


def test_a_run_that_was_drawn_keeps_nothing(make_config, tmp_path):
    run, session = begin(make_config, tmp_path / "run", overrides=SHORT)
    session.events.close()
    run.end_session()
    assert kept_weights(run) is None
    assert not list(run.checkpoints.iterdir())
