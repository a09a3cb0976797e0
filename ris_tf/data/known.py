"""Scenes whose sources are known: read and checked."""

from pathlib import Path

import numpy as np

from ris_tf.config import Config, Conversion
from ris_tf.data.conversion import is_ours
from ris_tf.data.errors import MeasurementError
from ris_tf.data.measured import checked, read_arrays
from ris_tf.data.reading import MEASURED, sizes_of
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Positions

PLACES = ("azimuth_deg", "elevation_deg", "range_m")
BOUNDS = ((-90.0, 90.0), (-90.0, 90.0), (1e-6, 1e9))
LABELS = (*PLACES, "count")


def read_known(config: Config, path: Path) -> tuple[Measurement, bool, Positions]:
    """Scenes with the positions of their sources, as `ris-tf simulate` writes them.

    Args:
        config: panel, antennas, snapshots; `data.convert` reads files that are not ours.
        path: a file, or a folder of files.

    Returns:
        The measurements, whether their SNR is known, and where the sources are.

    Raises:
        MeasurementError: a file or an array cannot be used; the error names it.
    """
    needed = (*MEASURED, *LABELS)
    convert = Conversion() if is_ours(path) else config.data.convert
    arrays = read_arrays(path, needed, ("snr_db",), convert, sizes_of(config))
    try:
        y, channel, codes = (arrays[name] for name in MEASURED)
        measurement, known = checked(config, y, channel, codes, arrays.get("snr_db"))
        return measurement, known, _positions(arrays, len(measurement.y))
    except MeasurementError as error:
        raise error.with_source(str(path)) from error


def _positions(arrays: dict[str, np.ndarray], scenes: int) -> Positions:
    """Places of the first `count` sources of each scene."""
    count = np.asarray(arrays["count"])
    if count.dtype.kind not in "iu" or count.shape != (scenes,):
        allowed = f"must be [{scenes}] whole numbers, one for each scene"
        raise MeasurementError(f"has shape {list(count.shape)}", key="count", allowed=allowed)
    axes = [_axis(name, arrays[name], scenes) for name in PLACES]
    slots = min(axis.shape[1] for axis in axes)
    if not (count.min() >= 1 and count.max() <= slots):
        allowed = f"must be from 1 to {slots}, the columns of azimuth_deg"
        worst = int(count.min() if count.min() < 1 else count.max())
        raise MeasurementError(f"holds {worst}", key="count", allowed=allowed)
    active = np.arange(slots) < count[:, None]
    for name, axis, (low, high) in zip(PLACES, axes, BOUNDS, strict=True):
        wrong = active & ~((axis[:, :slots] >= low) & (axis[:, :slots] <= high))
        if wrong.any():
            scene, source = (int(i) for i in np.argwhere(wrong)[0])
            problem = f"entry [{scene}, {source}] is {axis[scene, source]:g}"
            allowed = f"must be from {low:g} to {high:g}"
            raise MeasurementError(problem, key=name, allowed=allowed)
    inside = [np.where(active, axis[:, :slots], 1.0) for axis in axes]
    azimuth, elevation = map(np.radians, inside[:2])
    return Positions(azimuth, elevation, inside[2], active.astype("f4"))


def _axis(name: str, array: np.ndarray, scenes: int) -> np.ndarray:
    if array.dtype.kind not in "fiu" or array.ndim != 2 or len(array) != scenes:
        allowed = f"must be [{scenes}, sources] real numbers"
        problem = f"has shape {list(array.shape)} of {array.dtype}"
        raise MeasurementError(problem, key=name, allowed=allowed)
    return array.astype(float)
