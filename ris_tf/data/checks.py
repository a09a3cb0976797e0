"""Whether scenes of files are of a configuration's sizes, and can be trained on. No TensorFlow."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ris_tf.config import Config
from ris_tf.config.scene import MAX_SOURCES
from ris_tf.data.errors import DataError
from ris_tf.data.shard import AXES

Where = Callable[[int], tuple[str, int]]  # the file of a scene of a batch, and its row there

NEEDED = ("y", "channel", "codes", "count", "azimuth_deg", "elevation_deg")
MEASURED = ("y", "channel", "codes")
# The largest labels that mean anything, in degrees; ranges and powers are above 0.
LARGEST = {"azimuth_deg": 180.0, "elevation_deg": 90.0}
POSITIVE = ("range_m", "power")
OFF_MODULUS = 1e-3  # how far a code may be from modulus 1
HUGE = 1e15  # of a measurement: float32 has no powers of larger ones
SNR_DB = (-100.0, 150.0)  # beyond, float32 has no noise or no signal left
ESTIMATED = "leave it out to have it estimated"


def check_sizes(arrays: Mapping[str, np.ndarray], path: str, config: Config) -> None:
    """Refuse a file whose arrays are missing or of other sizes than the configuration's.

    Args:
        arrays: of any scenes of the file, `[B, ...]` by name.
        path: the file, in the message.
        config: the sizes.

    Raises:
        DataError: naming array, sizes and the key to set.
    """
    for name in NEEDED:
        if name not in arrays:
            problem = f"has no array {name!r}; it holds {', '.join(arrays)}"
            raise DataError(problem, source=path)
    sizes = {
        "snapshots": (config.scene.snapshots, "scene.snapshots"),
        "antennas": (config.scene.antennas, "scene.antennas"),
        "elements": (config.geometry.elements, "geometry.columns x geometry.rows"),
    }
    for name, values in arrays.items():
        axes, shape = AXES[name][1:], values.shape[1:]
        for axis, size in zip(axes, shape, strict=True):
            wanted, key = sizes.get(axis, (size, ""))
            if size != wanted:
                raise _other_size(name, axes, shape, (size, wanted, key), path)
        _require_numbers(name, values, path)


def _other_size(
    name: str, axes: Sequence[str], shape: Sequence[int], size: tuple[int, int, str], path: str
) -> DataError:
    """The error of an array of another size: `size` is its own, the wanted one and the key."""
    own, wanted, key = size
    kind = next(axis for axis, length in zip(axes, shape, strict=True) if length == own)
    remedy = f"--set {key}={own}"
    if kind == "elements":
        remedy = f"set geometry.columns and geometry.rows to the panel's, whose product is {own}"
    problem = f"is {list(shape)} a scene, [{', '.join(axes)}]; {key} is {wanted}"
    return DataError(problem, source=path, key=name, remedy=remedy)


def _require_numbers(name: str, values: np.ndarray, path: str) -> None:
    kinds, words = ("fiu", "real numbers")
    if name in MEASURED:
        kinds, words = ("fciu", "numbers") if name == "codes" else ("c", "complex numbers")
    if values.dtype.kind not in kinds:
        raise DataError(f"holds {values.dtype}", source=path, key=name, allowed=f"must be {words}")


def require_readable_noise(names: Sequence[str], missing: frozenset[str], path: str) -> None:
    """Refuse a file that neither has the noise's level nor what it could be estimated from.

    Raises:
        DataError: it has neither SNR nor noise variance, and powers cannot be estimated either.
    """
    known = "snr_db" in names or "noise_variance" in names
    if not known and missing:
        raise DataError(
            "has neither snr_db nor noise_variance, which cannot be estimated from the residual at "
            "its labels: that takes ranges, and more antennas than sources",
            source=path,
            remedy="add snr_db",
        )


def check_labels(
    arrays: Mapping[str, np.ndarray], rows: np.ndarray, path: str, config: Config
) -> None:
    """Refuse labels that cannot be: counts beyond the network's, angles no source can have.

    Args:
        arrays: labels `[B, ...]` by name, as the file has them; others are not looked at.
        rows: `[B]` their scenes in the file, for messages.
        path: the file.
        config: the largest number of sources.

    Raises:
        DataError: naming the first scene that has one.
    """
    if "count" not in arrays:
        return

    def where(scene: int) -> tuple[str, int]:
        return path, int(rows[scene])

    count, most = arrays["count"], config.scene.sources_max
    _refuse("count", (count < 1) | (count != np.round(count)), count, where, "from 1")
    wanted = int(count.max(initial=0))
    remedy = f"--set scene.sources_max={wanted}" if wanted <= MAX_SOURCES else "leave it out"
    allowed = f"at most scene.sources_max = {most}; {remedy}"
    _refuse("count", count > most, count, where, allowed)
    for name in (*LARGEST, *POSITIVE):
        if name in arrays:
            check_label(name, arrays[name], count, where)


def check_label(name: str, values: np.ndarray, count: np.ndarray, where: Where) -> None:
    """Refuse a label `[B, K]` that no source can have, in slots below its scene's `[B]` count.

    Raises:
        DataError: naming the first.
    """
    slots = values.shape[1]
    _refuse("count", count > slots, count, where, f"at most {slots}, for {name} has no more")
    active = np.arange(slots) < count[:, None]
    if name in POSITIVE:
        wrong, allowed = ~(values > 0) | ~np.isfinite(values), "above 0"
    else:
        wrong, allowed = ~(np.abs(values) <= LARGEST[name]), f"within {LARGEST[name]:g} degrees"
        allowed += "; data.convert.angle_unit is how a file that is converted has them"
    _refuse(name, active & wrong, values, where, allowed)


def check_values(arrays: Mapping[str, np.ndarray], where: Where) -> None:
    """Refuse scenes that are not finite, without signal, or whose codes are no phases.

    Args:
        arrays: complex64, float32 and int32 scenes, `[B, ...]` by name.
        where: the file of one of the `B` scenes, and its row there, for messages.

    Raises:
        DataError: naming the first.
    """
    for name in MEASURED:
        if not _all_finite(arrays[name]):
            _refuse(name, ~np.isfinite(arrays[name]), arrays[name], where, "finite")
            large = np.abs(arrays[name])
            _refuse(name, large >= HUGE, large, where, f"below {HUGE:g}; give it in a larger unit")
    codes, y = arrays["codes"], arrays["y"]
    squares = np.real(codes) ** 2 + np.imag(codes) ** 2
    if np.abs(squares - 1).max(initial=0) > 2 * OFF_MODULUS:
        off = np.abs(np.abs(codes) - 1) > OFF_MODULUS
        _refuse("codes", off, np.abs(codes), where, "of modulus 1, exp(1j * phase)")
    silent = ~np.any(y, axis=(1, 2))
    _refuse("y", silent, np.zeros(len(y)), where, "a signal, not all zeros")
    if "snr_db" in arrays:
        snr_db, (lowest, highest) = arrays["snr_db"], SNR_DB
        wrong = ~((snr_db >= lowest) & (snr_db <= highest))
        allowed = f"from {lowest:g} to {highest:g} dB; {ESTIMATED}"
        _refuse("snr_db", wrong, snr_db, where, allowed)
    if "noise_variance" in arrays:
        variance = arrays["noise_variance"]
        wrong = ~((variance > 0) & np.isfinite(variance))
        _refuse("noise_variance", wrong, variance, where, f"above 0; {ESTIMATED}")


def _all_finite(values: np.ndarray) -> bool:
    """Whether all of many numbers are finite: a sum of squares is not where one of them is not."""
    flat = values.reshape(-1).view(np.float32)
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))


def _refuse(name: str, wrong: np.ndarray, values: np.ndarray, where: Where, allowed: str) -> None:
    """Raise for the first scene in which something is wrong, if any is."""
    if not wrong.any():
        return
    first = int(np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))[0])
    path, row = where(first)
    at = tuple(int(i) for i in np.argwhere(wrong[first])[0]) if wrong.ndim > 1 else ()
    entry = f", entry {list(at)}" if at else ""
    raise DataError(
        f"scene {row}{entry} is {values[first][at]:.6g}",
        source=path,
        key=name,
        allowed=f"must be {allowed}",
    )
