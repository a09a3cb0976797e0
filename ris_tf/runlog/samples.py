"""Samples: spectra of a few validation scenes, as small `.npz` files that anybody may have made.

A reader trusts nothing: sizes are checked before anything is unpacked, and a defect is one line.
"""

import io
import math
import re
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ris_tf.disk import open_regular
from ris_tf.runlog.files import DAMAGE, RunError, atomic_write, unreadable

LARGEST = 64 * 2**20  # bytes of a file, and of what it unpacks to
MAX_MEMBERS = 64  # of an archive; a sample has 8
DIRECTORY_ENTRY = b"PK\x01\x02"  # how a member's entry begins in an archive's directory
HALF_TURN = 180
UNEVEN = 0.01  # of a step, that a grid's steps may differ by
ABOVE_PEAK = 1e-3  # dB, rounding
# How a `.npy` file of numbers begins: version 1.0, the header's length, type, order and shape.
HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][fiu]\d)', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,9}, ?)*(?:\d{1,9})?)\), \} *\n",
    re.DOTALL,
)


@dataclass(frozen=True)
class SpectrumSample:
    """Spectra of `S` scenes with their sources and the network's prediction of them.

    Attributes:
        azimuth_deg: `[A]` float64, ascending, evenly spaced.
        elevation_deg: `[E]` float64, ascending, evenly spaced.
        spectrum_db: `[S, E, A]` float16 or float32, dB relative to the scene's peak; at most 0.
        truth: `[S, K_max, 3]` float32, azimuth (deg), elevation (deg) and range (m) of each source;
            rows of NaN where there is none.
        estimate: `[S, K_max, 3]` float32, the same of the slots that the network reports, the most
            confident first; rows of NaN beyond the number of sources that it predicts.
        snr_db: `[S]` float32.
        epoch: epoch that ended, from 0.
        step: its last window.
    """

    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    spectrum_db: np.ndarray
    truth: np.ndarray
    estimate: np.ndarray
    snr_db: np.ndarray
    epoch: int
    step: int


NAMES = tuple(field.name for field in fields(SpectrumSample))
NUMBERS = ("epoch", "step")
TYPES = {"spectrum_db": ("float16", "float32"), "epoch": ("int64",), "step": ("int64",)}
FLOATS = ("float16", "float32", "float64")  # types of the other arrays


def write_sample(path: Path, sample: SpectrumSample) -> None:
    """Write a sample whole, or not at all; a file that is there is replaced.

    Raises:
        OSError: the disk refused.
        ValueError: the sample is not as `SpectrumSample` describes.
    """
    arrays = {
        name: np.array(getattr(sample, name), np.int64 if name in NUMBERS else None)
        for name in NAMES
    }
    _check(arrays)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    atomic_write(path, file.getvalue())


def read_sample(path: Path) -> SpectrumSample:
    """Read a sample that anybody may have made.

    Raises:
        RunError: it cannot be read, or is no sample; one line with the file's name.
    """
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST + 1)  # one more: then it is too large
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        arrays = _unpacked(data)
        _check(arrays)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise RunError(f"is no sample of spectra: {reason}", source=str(path)) from error
    epoch, step = (int(arrays.pop(name)) for name in NUMBERS)
    return SpectrumSample(**arrays, epoch=epoch, step=step)


def _unpacked(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an archive, of which nothing larger than `LARGEST` is unpacked.

    Raises:
        DAMAGE: it is none, or lacks one.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST >> 20} MB")
    # Counted before `zipfile` makes an object of each: a directory of a million takes a gigabyte.
    if data.count(DIRECTORY_ENTRY) > MAX_MEMBERS:
        raise ValueError(f"it has more than {MAX_MEMBERS} members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.getinfo(f"{name}.npy") for name in NAMES}
        # Other methods may ask for any amount of memory before the first byte.
        if {m.compress_type for m in members.values()} - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("it is compressed in another way than numpy's")
        if sum(member.file_size for member in members.values()) > LARGEST:
            raise ValueError(f"it unpacks to more than {LARGEST >> 20} MB")
        return {name: _array(archive.read(member), name) for name, member in members.items()}


def _array(data: bytes, name: str) -> np.ndarray:
    """An array from the bytes of a `.npy` file, whose header may claim anything.

    Raises:
        ValueError: the header and the bytes do not agree, or the type is not a plain number.
    """
    # Matched as a whole: numpy's own reader evaluates it as Python, and may fail in any way.
    header = HEADER.match(data)
    if header is None:
        raise ValueError(f"{name} is not an array of numbers")
    of, by_column, sizes = (text.decode("ascii") for text in header.groups())
    dtype, shape = np.dtype(of), tuple(int(size) for size in sizes.split(",") if size.strip())
    if math.prod(shape) * dtype.itemsize != len(data) - header.end():
        raise ValueError(f"{name} is not of the size of its shape")
    flat = np.frombuffer(data, dtype, offset=header.end())
    return flat.reshape(shape, order="F" if by_column == "True" else "C")


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Refuse arrays that are not as `SpectrumSample` describes.

    Raises:
        ValueError: the first defect.
    """
    for name, array in arrays.items():
        allowed = TYPES.get(name, FLOATS)
        if array.dtype.name not in allowed or not array.dtype.isnative:
            raise ValueError(f"{name} is of {array.dtype}, not {' or '.join(allowed)}")
    for name in ("azimuth_deg", "elevation_deg"):
        _check_axis(arrays[name], name)
    spectrum, truth = arrays["spectrum_db"], arrays["truth"]
    scenes = len(spectrum) if spectrum.ndim else 0
    sources = truth.shape[1] if truth.ndim > 1 else 0
    if not (scenes and sources):
        raise ValueError("it has no scene or no source")
    wanted = {
        "spectrum_db": (scenes, len(arrays["elevation_deg"]), len(arrays["azimuth_deg"])),
        "truth": (scenes, sources, 3),
        "estimate": (scenes, sources, 3),
        "snr_db": (scenes,),
        **dict.fromkeys(NUMBERS, ()),
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} is of shape {arrays[name].shape}, not {shape}")
    if not (np.isfinite(spectrum).all() and np.isfinite(arrays["snr_db"]).all()):
        raise ValueError("spectrum_db or snr_db is not finite")
    if spectrum.max() > ABOVE_PEAK:
        raise ValueError("spectrum_db is above 0 dB, its peak")
    for name in ("truth", "estimate"):
        _check_positions(arrays[name], name)
    if any(arrays[name] < 0 for name in NUMBERS):
        raise ValueError("epoch or step is below 0")


def _check_axis(axis: np.ndarray, name: str) -> None:
    if axis.ndim != 1 or not axis.size or not (np.abs(axis) <= HALF_TURN).all():
        raise ValueError(f"{name} is not a list of angles within {HALF_TURN} degrees")
    steps = np.diff(axis.astype(np.float64))
    if (steps <= 0).any():
        raise ValueError(f"{name} is not ascending")
    if steps.size and np.ptp(steps) > UNEVEN * steps.mean():
        raise ValueError(f"{name} is not evenly spaced")


def _check_positions(positions: np.ndarray, name: str) -> None:
    """Absent ones are NaN; so are ranges that the scenes do not tell."""
    directions, ranges = np.split(positions[~np.isnan(positions).all(axis=-1)], [2], axis=-1)
    if not (np.abs(directions) <= HALF_TURN).all() or np.isinf(ranges).any():
        raise ValueError(f"{name} is not finite, or beyond {HALF_TURN} degrees")
