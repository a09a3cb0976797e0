"""Channels of files: which scenes draw which, and what is refused before anything is made."""

import io
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from ris_tf import arrays
from ris_tf.arrays import FileError
from ris_tf.config import ConfigError, parse_config, replace_values
from ris_tf.scene import Simulator, Split
from ris_tf.scene.channel_file import part_of, read_channels

RNG = np.random.default_rng(0)
COUNT, ANTENNAS, ELEMENTS = 40, 4, 16
CHANNELS = RNG.normal(size=(COUNT, ANTENNAS, ELEMENTS, 2)).view(complex)[..., 0]
CHANNELS *= 10 ** RNG.uniform(-9, -3, (COUNT, 1, 1))  # as a ray tracer's: of path loss


def config_of(path, **channel):
    return parse_config(
        {
            "geometry": {"columns": 4, "rows": 4},
            "scene": {"antennas": ANTENNAS, "snapshots": 4},
            "channel": {"model": "file", "file": str(path), **channel},
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("channels") / "h.npz"
    np.savez(file, channel=CHANNELS.astype("c8"))
    return file


def drawn(scenes) -> np.ndarray:
    """Which channels of the file those of scenes are, up to their scale."""
    mine = scenes.measurement.channel.numpy().reshape(-1, ANTENNAS * ELEMENTS)
    theirs = CHANNELS.reshape(COUNT, -1)
    unit = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    likeness = np.abs(mine @ unit.conj().T) / np.linalg.norm(mine, axis=1, keepdims=True)
    assert likeness.max(axis=1).min() == pytest.approx(1, abs=1e-5)
    return likeness.argmax(axis=1)


def test_splits_draw_from_parts_of_their_own(path):
    simulator = Simulator(config_of(path))
    of = {split: drawn(simulator(split, 0, 0, 200)) for split in Split}
    assert set(of[Split.TRAINING]) == set(range(32))
    assert set(of[Split.TEST]) == set(range(32, 36))
    assert set(of[Split.VALIDATION]) == set(range(36, 40))
    everything = Simulator(config_of(path, held_out=0.0))
    assert set(drawn(everything(Split.VALIDATION, 0, 0, 400))) == set(range(COUNT))


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 1000])
@pytest.mark.parametrize("held_out", [0.0, 0.1, 0.4])
def test_parts_share_nothing_and_leave_out_nothing(count, held_out):
    ends = [part_of(split, count, held_out) for split in Split]
    ranges = [set(range(first, last + 1)) for first, last in ends]
    assert set.union(*ranges) == set(range(count))
    assert all(ranges)
    if int(held_out * count):
        assert sum(map(len, ranges)) == count


def test_scenes_are_a_function_of_their_number_compiled_or_not(path):
    simulator = Simulator(config_of(path))
    compiled = tf.function(
        lambda batch: simulator(Split.TRAINING, 1, batch, 8), jit_compile=True, autograph=False
    )
    scenes = compiled(tf.constant(3, tf.int64))
    np.testing.assert_array_equal(
        scenes.measurement.channel, simulator(Split.TRAINING, 1, 3, 8).measurement.channel
    )
    power = np.mean(np.abs(scenes.measurement.channel) ** 2, axis=(1, 2))
    np.testing.assert_allclose(power, 1, rtol=1e-5)  # whatever the unit of the file


def test_channels_are_no_constant_of_the_compiled_graph(path):
    """Large ones would be copied into the graph and into the compiled code."""
    simulator = Simulator(config_of(path))
    graph = tf.function(
        lambda batch: simulator(Split.TRAINING, 0, batch, 4), autograph=False
    ).get_concrete_function(tf.TensorSpec([], tf.int64))
    assert any(c.shape == CHANNELS.shape for c in graph.captured_inputs)
    assert len(graph.graph.as_graph_def().SerializeToString()) < 8 * CHANNELS.size + 500_000
    constants = [op for op in graph.graph.get_operations() if op.type == "Const"]
    assert all(op.outputs[0].shape != CHANNELS.shape for op in constants)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("one", [False, True])
def test_files_of_one_array_and_of_one_channel(tmp_path, order, one):
    array = np.asarray(CHANNELS[0] if one else CHANNELS, order=order)
    np.save(tmp_path / "h.npy", array)
    read = read_channels(config_of(tmp_path / "h.npy"))
    assert read.shape == (1 if one else COUNT, ANTENNAS, ELEMENTS)
    np.testing.assert_allclose(read[0] / read[0, 0, 0], CHANNELS[0] / CHANNELS[0, 0, 0], rtol=1e-5)


def written(folder, array=None, **members):
    """A file of an array, or of named ones."""
    path = folder / ("h.npz" if members else "h.npy")
    if members:
        np.savez(path, **members)
    elif array is not None:
        np.save(path, array)
    return path


def changed(where, value):
    array = CHANNELS.copy()
    array[where] = value
    return array


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda f: f / "none.npz", "no such file"),
        (lambda f: f, "cannot be read: Is a directory"),
        (lambda f: written(f, CHANNELS.swapaxes(1, 2)), r"has shape \[40, 16, 4\]; must be .*swap"),
        (lambda f: written(f, CHANNELS[:0]), r"has shape \[0, 4, 16\]"),
        (lambda f: written(f, CHANNELS.real), r"is real \(float64\)"),
        (lambda f: written(f, changed((3, 1, 2), np.nan)), r"entry \[3, 1, 2\] is not finite"),
        (lambda f: written(f, changed(7, 0)), "channel 7 is all zeros"),
        (lambda f: written(f, H=CHANNELS), "has no array 'channel'; it holds H"),
        (lambda f: written(f, np.array(["a", "b"])), "holds <U1, must be numbers"),
    ],
)
def test_files_that_cannot_be_used_are_one_line(tmp_path, make, line):
    config = config_of(make(tmp_path))
    with pytest.raises(FileError, match=line) as refused:
        Simulator(config)
    assert refused.value.key == "channel.file"
    assert "\n" not in str(refused.value)


def hostile(path, header: bytes, body: bytes = b"", archive: bool = False):
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body
    if archive:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("channel.npy", raw)
        raw = buffer.getvalue()
    path.write_bytes(raw)


@pytest.mark.parametrize("archive", [False, True])
@pytest.mark.parametrize(
    ("header", "line"),
    [
        (b"{'descr': '<c16', 'fortran_order': False, 'shape': (10**9, 4, 16)}\n", "cannot be read"),
        (
            b"{'descr': '<c16', 'fortran_order': False, 'shape': (1000000000, 4, 16)}\n",
            "declares|2 GiB at most are read",
        ),
        (
            b"{'descr': '<c16', 'fortran_order': False, 'shape': (9, 4, 16)}\n",
            "declares|ends after",
        ),
        (b"{'descr': '|O', 'fortran_order': False, 'shape': (9,)}\n", "holds object"),
        (b"__import__('os').system('touch ran')\n", "cannot be read"),
    ],
)
def test_hostile_headers_read_nothing_and_run_nothing(tmp_path, monkeypatch, archive, header, line):
    monkeypatch.chdir(tmp_path)
    hostile(tmp_path / "h.npz", header, b"1234", archive)
    with pytest.raises(FileError, match=line):
        read_channels(config_of(tmp_path / "h.npz"))
    assert not (tmp_path / "ran").exists()


def test_what_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 10_000)
    np.savez_compressed(tmp_path / "h.npz", channel=np.zeros((500, 4, 16), complex))
    with pytest.raises(FileError, match=r"has 0\.0 GiB, shape \[500, 4, 16\]"):
        read_channels(config_of(tmp_path / "h.npz"))


def test_a_file_and_its_model_go_together(path):
    with pytest.raises(ConfigError, match=r"takes its channels from file: set channel\.file"):
        parse_config({"channel": {"model": "file"}})
    with pytest.raises(ConfigError, match="file is of model = 'file', not 'rician'"):
        parse_config({"channel": {"file": str(path)}})


def test_a_file_that_has_changed_is_refused(tmp_path):
    np.save(tmp_path / "h.npy", CHANNELS)
    digest = arrays.digest_of(tmp_path / "h.npy", "channel.file")
    config = replace_values(config_of(tmp_path / "h.npy"), {"channel.digest": digest})
    Simulator(config)
    np.save(tmp_path / "h.npy", 2 * CHANNELS)
    with pytest.raises(FileError, match="has changed since the run began; put back the file"):
        Simulator(config)
