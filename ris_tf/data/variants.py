"""The ways in which a file may be read, and a few of its scenes as physics takes them."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ris_tf.data.conversion import SPHERICAL, Converted
from ris_tf.data.names import DEGREES, RADIANS
from ris_tf.data.physics import Evidence, Places
from ris_tf.data.reading import PYTORCH, Reading

LARGEST_SCENE = 2**21  # numbers of a scene's sensing matrix; above, some snapshots are left out
MOST_VARIANTS = 8  # ways to read the same arrays that are tried
TURN = 2 * math.pi


def evidence_of(shard: Converted, rows: np.ndarray) -> Evidence:
    """Scenes of a shard, in double precision."""
    arrays = shard.read(rows, ("y", "channel", "codes"))
    scenes = len(arrays["y"])
    return Evidence(*(
        np.broadcast_to(a, (scenes, *a.shape[-2:])).astype(np.complex128)
        for a in (arrays["y"], arrays["channel"], arrays["codes"])
    ))  # fmt: skip


def places_of(shard: Converted, rows: np.ndarray) -> Places:
    """Labels of a shard's scenes."""
    arrays = shard.read(rows, ("count", "azimuth_deg", "elevation_deg", "range_m"))
    azimuth, elevation = (np.radians(arrays[f"{name}_deg"].astype(np.float64))
                          for name in ("azimuth", "elevation"))  # fmt: skip
    active = np.arange(azimuth.shape[1]) < arrays["count"][:, None]
    ranges = arrays["range_m"].astype(np.float64)
    return Places(azimuth, elevation, ranges, (active & np.isfinite(azimuth)).astype(np.float64))


def label_variants(
    build: Callable[[dict], Converted | None], shard: Converted, rows: np.ndarray
) -> list[Converted]:
    """The file with each likely way to read its labels, ours first.

    Args:
        build: the file with other settings; `None` where they do not fit it.
        shard: the file as it is set.
        rows: scenes whose values say what is likely.
    """
    found: list[Converted] = []
    for values in _label_settings(shard, rows):
        kept = {k: v for k, v in values.items() if k not in shard.convert.model_fields_set}
        made = build(kept)
        if made is not None and all(made.convert != other.convert for other in found):
            found.append(made)
    return found


def _label_settings(shard: Converted, rows: np.ndarray) -> Iterator[dict]:
    signs = [{"negate_azimuth": a, "negate_elevation": e}
             for a, e in itertools.product((False, True), repeat=2)]  # fmt: skip
    sources = shard.reading.sources
    if "positions" in sources:
        name, axes = sources["positions"].names[0], sources["positions"].layout.axes
        layouts = ["B(QK)", "B(KQ)"] if "(" in axes or name == PYTORCH else [axes]
        for layout, sign in itertools.product(layouts, signs):
            kind = {"positions": name, "positions_axes": layout, **sign}
            for form in SPHERICAL:
                for unit in likely_units(shard, rows):
                    yield {**kind, "positions_are": form, "angle_unit": unit}
                    yield {**kind, "positions_are": form, "angle_unit": unit, "directions": "polar"}
            if name != PYTORCH:
                for form in itertools.permutations("xyz"):
                    yield {**kind, "positions_are": "".join(form)}
        return
    first, second = sources["azimuth"].names[0], sources["elevation"].names[0]
    for unit, (azimuth, elevation), sign in itertools.product(
        likely_units(shard, rows), ((first, second), (second, first)), signs
    ):
        kind = {"azimuth": azimuth, "elevation": elevation, "angle_unit": unit, **sign}
        for zeros in _zeros(shard, rows, azimuth == first):
            yield {**kind, **zeros}
        yield {**kind, "directions": "polar"}


def likely_units(shard: Converted, rows: np.ndarray) -> list[str]:
    """Units that the angles may have, by their name or their size."""
    names = [n for role in ("positions", "azimuth", "elevation") if role in shard.reading.sources
             for n in shard.reading.sources[role].names]  # fmt: skip
    largest = float(np.nanmax(np.abs(shard.raw_angles(rows)), initial=0))
    if largest > TURN:
        return ["degrees"]
    if any(DEGREES.search(name) for name in names):
        return ["degrees", "radians"] if largest < math.pi else ["degrees"]
    return ["radians"] if any(RADIANS.search(n) or n == PYTORCH for n in names) else [
        "radians", "degrees"]  # fmt: skip


def _zeros(shard: Converted, rows: np.ndarray, straight: bool) -> Iterator[dict]:
    """Angles straight ahead: 0, or a right angle where none is below 0."""
    azimuth, elevation = shard.raw_angles(rows)[slice(None, None, 1 if straight else -1)]
    options = [(0.0, 90.0) if np.nanmin(a, initial=0) >= 0 else (0.0,)
               for a in (azimuth, elevation)]  # fmt: skip
    for one, other in itertools.product(*options):
        yield {"azimuth_zero_deg": one, "elevation_zero_deg": other}


def reading_variants(
    found: Sequence[Reading], build: Callable[[Reading], Converted | None]
) -> list[Converted]:
    """The file in each way in which the likeliest arrays may be read."""
    names = {role: source.names for role, source in found[0].sources.items()}
    same = [r for r in found if {k: s.names for k, s in r.sources.items()} == names]
    made = [build(reading) for reading in same[:MOST_VARIANTS]]
    return [one for one in made if one is not None]


class Thinned(Converted):
    """A file with fewer snapshots, where all of them would take too much memory."""

    def __init__(self, shard: Converted):
        super().__init__(shard._container, shard.convert, shard.reading)

    def read(self, rows: np.ndarray, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """As `Converted.read`, some snapshots left out of `y` and codes."""
        arrays, sizes = super().read(rows, names), self.reading.sizes
        step = -(-sizes["L"] * sizes["M"] * sizes["N"] // LARGEST_SCENE)
        if step > 1 and "y" in arrays:
            arrays["y"] = arrays["y"][..., ::step, :]
            arrays["codes"] = arrays["codes"][..., ::step, :]
        return arrays


def real_codes(values: np.ndarray) -> dict[str, str | int]:
    """Settings of codes that are real numbers."""
    whole = bool((values == np.round(values)).all())
    largest, least = float(np.abs(values).max(initial=0)), float(values.min(initial=0))
    if whole and set(np.unique(values)) <= {-1.0, 1.0}:
        return {"codes_are": "complex"}
    if whole and least >= 0 and largest < 64:
        bits = max(1, int(np.ceil(np.log2(largest + 1))))
        return {"codes_are": "states", "code_states": 2**bits}
    return {"codes_are": "degrees" if largest > 4 * np.pi else "radians"}
