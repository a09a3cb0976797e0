"""What each array of a file is in a reading of it, or may be where there is none."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from ris_tf.config import Conversion
from ris_tf.data.containers import Container, Entry
from ris_tf.data.conversion import Converted
from ris_tf.data.errors import ContainerError
from ris_tf.data.names import SYNONYMS
from ris_tf.data.reading import candidates
from ris_tf.data.report import MEANINGS, Described
from ris_tf.data.variants import evidence_of

COMPARED = 2  # scenes of an array that may be channel times codes


def described(container: Container, shard: Converted) -> tuple[Described, ...]:
    """Every array of a file: its part in the reading, or what else it may be."""
    return tuple(_described(entry, container, shard) for entry in container.entries.values())


def by_names(container: Container, convert: Conversion) -> Iterator[Described]:
    """What the arrays of a file that cannot be read may be, by their names."""
    roles: dict[str, str] = {}
    for role in SYNONYMS:
        with suppress(ContainerError):
            for name in candidates(container, convert, role)[:1]:
                for part in name.split(","):
                    roles.setdefault(part.strip(), role)
    for entry in container.entries.values():
        role = roles.get(entry.name)
        yield Described(entry, f"{MEANINGS[role]}?", "by its name") if role else _unassigned(entry)


def _described(entry: Entry, container: Container, shard: Converted) -> Described:
    for role, source in shard.reading.sources.items():
        if entry.name in source.names:
            parts = ("",) if len(source.names) == 1 else (", real part", ", imaginary part")
            part = parts[source.names.index(entry.name)]
            sizes = ", ".join(f"{k} = {v}" for k, v in source.layout.sizes.items())
            axes = source.layout.axes or "one number"
            return Described(entry, MEANINGS[role] + part, f"axes {axes}, {sizes}".rstrip(", "))
    return _other(entry, container, shard)


def _other(entry: Entry, container: Container, shard: Converted) -> Described:
    """What an array that has no part in the reading may be."""
    y = container.entries[shard.reading.sources["y"].names[0]]
    if entry.numeric and entry.shape == y.shape and _is_effective(entry, container, shard):
        return Described(entry, "effective channel H c, not needed", "equals channel times codes")
    n, scenes = shard.reading.sizes["N"], shard.reading.sizes.get("B", 1)
    if entry.numeric and entry.shape in ((scenes, n, n), (scenes, n, n, 2)):
        return Described(entry, "a covariance, not needed", f"[B, N, N], N = {n}")
    return _unassigned(entry)


def _is_effective(entry: Entry, container: Container, shard: Converted) -> bool:
    source = shard.reading.sources["y"]
    if source.layout.scene_axis != 0 or len(source.names) > 1:
        return False
    rows = np.arange(min(COMPARED, shard.scenes))
    values = container.read(entry.name, 0, rows)
    values = values if np.iscomplexobj(values) else values[..., 0] + 1j * values[..., 1]
    evidence = evidence_of(shard, rows)
    product = np.einsum("bmn,bln->blm", evidence.channel, evidence.codes)
    return values.shape == product.shape and np.allclose(values, product, rtol=1e-3, atol=1e-3)


def _unassigned(entry: Entry) -> Described:
    if entry.problem:
        return Described(entry, "not read", entry.problem)
    return Described(entry, "not recognized" if entry.numeric else "not numbers", "")
