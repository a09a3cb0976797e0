"""Samples: what is written is read back, and no file whatever raises anything but one line."""

import io
import os
import struct
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ris_tf.runlog import RunError, SpectrumSample, read_sample, samples, write_sample

NAN = np.nan


def make(scenes=2, azimuths=7, elevations=5, most=3, dtype=np.float16):
    draw = np.random.default_rng(0)
    spectrum = draw.uniform(-30, 0, (scenes, elevations, azimuths)).astype(dtype)
    positions = draw.uniform(1, 9, (2, scenes, most, 3)).astype(np.float32)
    positions[0, :, 1:] = NAN
    positions[1, :, 2:] = NAN
    return SpectrumSample(
        azimuth_deg=np.linspace(-60, 60, azimuths),
        elevation_deg=np.linspace(-30, 30, elevations),
        spectrum_db=spectrum,
        truth=positions[0],
        estimate=positions[1],
        snr_db=np.linspace(0, 20, scenes, dtype=np.float32),
        epoch=3,
        step=359,
    )


def refused(path, *words):
    """The one line that a file is refused with."""
    with pytest.raises(RunError) as caught:
        read_sample(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    for word in words:
        assert word in line
    return line


def test_ranges_that_scenes_do_not_tell_are_kept_as_they_are(tmp_path):
    sample = make()
    sample.truth[..., 2] = NAN
    write_sample(tmp_path / "epoch_0003.npz", sample)
    found = read_sample(tmp_path / "epoch_0003.npz")
    np.testing.assert_array_equal(found.truth, sample.truth)
    sample.truth[0, 0, 0] = NAN
    with pytest.raises(ValueError, match="truth is not finite"):
        write_sample(tmp_path / "epoch_0004.npz", sample)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "epoch_0003.npz"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Bytes of a good file."""
    path = tmp_path_factory.mktemp("written") / "sample.npz"
    write_sample(path, make())
    return path.read_bytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_round_trip(path, dtype):
    sample = make(dtype=dtype)
    write_sample(path, sample)
    for name, value in asdict(read_sample(path)).items():
        np.testing.assert_array_equal(value, getattr(sample, name), err_msg=name)
        assert np.asarray(value).dtype == np.asarray(getattr(sample, name)).dtype
    with np.load(path, allow_pickle=False) as plain:  # anybody's numpy reads it
        assert set(plain.files) == set(asdict(sample))


def test_one_direction_and_one_source(path):
    write_sample(path, make(scenes=1, azimuths=1, elevations=1, most=1))
    assert read_sample(path).spectrum_db.shape == (1, 1, 1)


def test_written_whole_or_not_at_all(path, monkeypatch):
    write_sample(path, make())
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_sample(path, make(scenes=1))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_same_sample_is_the_same_file(path, written):
    write_sample(path, make())
    assert path.read_bytes() == written


def changed(name, change):
    sample = make()
    return replace(sample, **{name: change(getattr(sample, name))})


def at(index, value):
    def change(array):
        array = np.array(array)
        array[index] = value
        return array

    return change


DEFECTS = {
    "spectrum of another shape": ("spectrum_db", lambda a: a[:, :-1], "of shape"),
    "spectrum of doubles": ("spectrum_db", lambda a: a.astype(float), "of float64"),
    "spectrum above its peak": ("spectrum_db", at((0, 0, 0), 1), "above 0 dB"),
    "spectrum not finite": ("spectrum_db", at((0, 0, 0), NAN), "not finite"),
    "spectrum without scenes": ("spectrum_db", lambda a: a[:0], "no scene"),
    "one number as spectrum": ("spectrum_db", lambda a: a[0, 0, 0], "no scene"),
    "axis falls": ("azimuth_deg", lambda a: a[::-1], "ascending"),
    "axis uneven": ("azimuth_deg", at(1, -59.0), "evenly"),
    "axis not finite": ("elevation_deg", at(1, NAN), "angles"),
    "axis beyond all angles": ("elevation_deg", lambda a: a * 1e300, "angles"),
    "axis empty": ("elevation_deg", lambda a: a[:0], "angles"),
    "axis of two dimensions": ("elevation_deg", lambda a: a[None], "angles"),
    "half a position": ("truth", at((0, 0, 1), NAN), "truth is not finite"),
    "position beyond all angles": ("estimate", at((0, 0, 1), 1e30), "beyond 180 degrees"),
    "infinite position": ("estimate", at((0, 0, 2), np.inf), "estimate is not finite"),
    "fewer estimates than slots": ("estimate", lambda a: a[:, :-1], "of shape"),
    "truth of two dimensions": ("truth", lambda a: a[:, :, 0], "of shape"),
    "SNR not finite": ("snr_db", at(0, NAN), "not finite"),
    "SNR of text": ("snr_db", lambda a: np.array(["1", "2"]), "snr_db"),
    "whole SNR": ("snr_db", lambda a: a.astype(int), "of int64"),
    "epoch below 0": ("epoch", lambda a: -1, "below 0"),
}


@pytest.mark.parametrize(("name", "change", "word"), DEFECTS.values(), ids=DEFECTS)
def test_defect_is_neither_written_nor_read(path, name, change, word):
    sample = changed(name, change)
    with pytest.raises(ValueError, match=word):
        write_sample(path, sample)
    assert not path.exists()
    np.savez(path, allow_pickle=False, **asdict(sample))
    refused(path, word)


def test_byte_order_of_another_machine(path):
    arrays = asdict(make())
    np.savez(path, **{**arrays, "snr_db": arrays["snr_db"].astype(">f4")})
    refused(path, "snr_db")


def test_missing_array(path):
    arrays = asdict(make())
    del arrays["truth"]
    np.savez(path, **arrays)
    refused(path, "truth")


def test_further_arrays_are_passed_over(path):
    """Files of later versions may have more."""
    np.savez(path, **asdict(make()), weather=np.array("fine"))
    assert read_sample(path).epoch == 3


def test_pickles_are_not_unpacked(path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    trap = np.empty(2, object)
    trap[:] = [Trap(), Trap()]
    np.savez(path, allow_pickle=True, **{**asdict(make()), "snr_db": trap})
    refused(path, "snr_db is not an array of numbers")


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)


def npy(shape: str, data=b"", descr="'<f4'"):
    """A `.npy` file whose header may lie."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + data


def test_bomb_is_refused_before_it_is_unpacked(path):
    size = 100 * 2**20
    archive(path, {f"{name}.npy": bytes(8) for name in asdict(make())} | {"truth.npy": bytes(size)})
    assert path.stat().st_size < 2**20
    refused(path, "unpacks to more than 64 MB")


def test_bomb_of_names_is_refused(path):
    archive(path, {str(i): b"" for i in range(1000)}, zipfile.ZIP_STORED)
    refused(path, "more than 64 members")


def test_bomb_of_another_compression_is_refused(path):
    archive(path, {f"{name}.npy": b"" for name in asdict(make())}, zipfile.ZIP_LZMA)
    refused(path, "compressed in another way")


def test_large_file_is_refused(path):
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    refused(path, "more than 64 MB")


@pytest.mark.parametrize(
    "header",
    [
        npy("(1000000000000000, 1000)"),
        npy("(-1,)"),
        npy("(" + "1," * 5000 + ")"),
        npy("(2,)", bytes(8), descr="'|O'"),
        npy("(2,)", bytes(8), descr="[('a', '<f4')]"),
        npy("(2,)", bytes(8), descr="'nonsense'"),
        npy("[[[[[[" * 30),
        npy("(2,)", bytes(8), descr="'<f3'"),
        npy("(2,)", bytes(8)).replace(b"\x01\x00", b"\x03\x00", 1),
        b"\x93NUMPY",
        b"",
    ],
)
def test_headers_that_lie(path, written, header):
    with zipfile.ZipFile(io.BytesIO(written)) as good:
        members = {name: good.read(name) for name in good.namelist()}
    archive(path, {**members, "snr_db.npy": header})
    refused(path)


def test_what_is_no_file(tmp_path, path):
    refused(path, "cannot be read")
    refused(tmp_path, "cannot be read")
    os.mkfifo(path)  # reading it would wait for ever
    refused(path, "cannot be read")


anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


@anything
@given(data=st.binary(max_size=400), begin=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_random_bytes_are_refused(path, data, begin):
    path.write_bytes(begin + data)
    refused(path)


@anything
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_files_are_refused(path, written, share):
    path.write_bytes(written[: int(share * len(written))])
    refused(path)


@anything
@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1)
)
def test_damaged_bytes_are_refused_or_harmless(path, written, places):
    data = bytearray(written)
    for place, value in places:
        data[int(place * len(data))] = value
    path.write_bytes(data)
    try:
        sample = read_sample(path)
    except RunError as error:
        assert "\n" not in str(error)
    else:
        assert sample.spectrum_db.shape == (2, 5, 7)


@anything
@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
    name=st.sampled_from(samples.NAMES),
)
def test_damage_with_a_right_checksum_is_refused_or_harmless(path, written, places, name):
    """What zipfile's checksums would hide from the reader of the arrays."""
    with zipfile.ZipFile(io.BytesIO(written)) as good:
        members = {member: good.read(member) for member in good.namelist()}
    data = bytearray(members[f"{name}.npy"])
    for place, value in places:
        data[int(place * len(data))] = value
    archive(path, {**members, f"{name}.npy": bytes(data)})
    try:
        sample = read_sample(path)
    except RunError as error:
        assert "\n" not in str(error)
    else:
        assert sample.spectrum_db.max() <= samples.ABOVE_PEAK
