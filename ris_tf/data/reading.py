"""Which array of a file is which, from names, shapes and what somebody has set."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ris_tf.config import Config, Conversion
from ris_tf.data.containers import Container, Entry
from ris_tf.data.errors import ContainerError
from ris_tf.data.layout import COORDINATES, Layout, Sizes, fitted, layouts, sized
from ris_tf.data.names import SYNONYMS, named_like

ORDERS = {"y": "BLM", "channel": "BMN", "codes": "BLN"}
MEASURED = tuple(ORDERS)
LABELS = ("azimuth", "elevation", "range", "power")
KNOBS = {"snr_db": "snr"}  # where the setting has another name than our array
NUMBERS = ("count", "snr_db", "noise_variance")  # one a scene
PYTORCH = "ptr"  # that pipeline's name of the positions: all azimuths, elevations, ranges
MOST_READINGS = 200  # more ways to read a file help nobody
MOST_NAMES = 6  # arrays of similar names that are tried for a role
INSPECT = "ris-tf data inspect tries them and prints the settings"


def sizes_of(config: Config) -> dict[str, int]:
    """`L`, `M` and `N` of a configuration, by which the axes of files are told apart."""
    scene = config.scene
    return {"L": scene.snapshots, "M": scene.antennas, "N": config.geometry.elements}


@dataclass(frozen=True)
class Source:
    """Where an array comes from.

    Attributes:
        names: in the file: one, or those of real and imaginary part.
        layout: its axes.
        rank: how unlikely the name is, 0 for the likeliest.
    """

    names: tuple[str, ...]
    layout: Layout
    rank: int = 0


@dataclass(frozen=True)
class Reading:
    """One way to read a file: sources by role, and the sizes that they agree on."""

    sources: Mapping[str, Source]
    sizes: Sizes = field(default_factory=dict)

    @property
    def cost(self) -> tuple[int, int]:
        """How unlikely it is: names first, then axes."""
        of = self.sources.values()
        return sum(s.rank for s in of), sum(s.layout.cost for s in of)

    @property
    def scenes(self) -> int:
        """`B`, 1 where no array has an axis for it."""
        return self.sizes.get("B", 1)

    def differs(self, other: "Reading") -> bool:
        """Whether an array's axes are others, those of length 1 left out."""
        return any(_telling(self.sources[r]) != _telling(other.sources[r]) for r in MEASURED)


def _telling(source: Source) -> str:
    return "".join(a for a in source.layout.axes if a != "1" and source.layout.sizes.get(a, 2) > 1)


def readings(
    container: Container, convert: Conversion, known: Mapping[str, int] | None = None
) -> list[Reading]:
    """Every way in which a file's arrays can be `y`, channel and codes, the likeliest first.

    Args:
        container: the file.
        convert: what somebody has set.
        known: sizes `L`, `M`, `N` that a configuration has.

    Raises:
        ContainerError: there is none; the error names the arrays that are missing, or the one that
            does not fit.
    """
    options = {role: candidates(container, convert, role) for role in MEASURED}
    if missing := [role for role, names in options.items() if not names]:
        present = ", ".join(container.entries) or "nothing"
        keys = " and ".join(f"data.convert.{role}" for role in missing)
        raise ContainerError(
            f"has no array {', no array '.join(map(repr, missing))}; it holds {present}",
            source=str(container.path),
            remedy=f"set {keys} to the {'name' if len(missing) == 1 else 'names'} of such",
        )
    found = []
    for names in itertools.product(*options.values()):
        if len(set(names)) == len(names):
            chosen = dict(zip(MEASURED, names, strict=True))
            ranks = {role: options[role].index(name) for role, name in chosen.items()}
            ways = _joint(container, convert, chosen, ranks, dict(known or {}))
            found.extend(itertools.islice(ways, MOST_READINGS - len(found)))
    if not found:
        raise _do_not_fit(container, {role: names[0] for role, names in options.items()}, known)
    return sorted(found, key=lambda reading: reading.cost)


def chosen(found: list[Reading], source: str) -> Reading:
    """The reading that is ours, or the only one of its names.

    Raises:
        ContainerError: there are several; the error names an array whose axes are not known.
    """
    best = found[0]
    if not best.cost[1]:
        return best
    names = [s.names for s in best.sources.values()]
    for rival in found[1:]:
        same = [s.names for s in rival.sources.values()] == names
        if same and rival.differs(best):
            role = next(r for r in MEASURED if _telling(rival.sources[r]) != _telling(
                best.sources[r]))  # fmt: skip
            axes = [reading.sources[role].layout.axes for reading in (best, rival)]
            problem = f"its axes may be {axes[0]} or {axes[1]}"
            remedy = f"set data.convert.{role}_axes; {INSPECT}"
            raise ContainerError(problem, source=source, key=names[MEASURED.index(role)][0],
                            remedy=remedy)  # fmt: skip
    return best


def with_labels(container: Container, convert: Conversion, reading: Reading) -> Reading:
    """The same with what the file says of the sources, as far as it does.

    Raises:
        ContainerError: an array that somebody has named is missing, or has another shape.
    """
    used = {name for source in reading.sources.values() for name in source.names}
    sources, sizes = dict(reading.sources), {"B": reading.scenes, **reading.sizes}
    for role in (*LABELS, "positions", *NUMBERS, "covariance"):
        if role == "positions" and "azimuth" in sources:
            continue
        source = _label(container, convert, role, sizes, used)
        if source is not None:
            sources[role] = source
            used |= set(source.names)
            sizes.update({k: v for k, v in source.layout.sizes.items() if k == "K"})
    return Reading(sources, sizes)


def _label(
    container: Container, convert: Conversion, role: str, sizes: Sizes, used: set[str]
) -> Source | None:
    set_name = getattr(convert, KNOBS.get(role, role), None)
    names = [set_name] if set_name else named_like(role, container.entries)
    for name in names:
        if not set_name and name in used:
            continue
        entry = _entry(container, name)
        layout = _label_layout(convert, role, name, entry, sizes, str(container.path))
        if layout is not None:
            return Source((name,), layout)
        if set_name:
            problem = f"has shape {list(entry.shape)}, which does not fit {sizes['B']} scenes"
            remedy = "set data.convert.labels_axes or positions_axes"
            raise ContainerError(problem, source=str(container.path), key=name, remedy=remedy)
    return None


def _label_layout(
    convert: Conversion, role: str, name: str, entry: Entry, sizes: Sizes, source: str
) -> Layout | None:
    """The axes of an array of labels."""
    known = {"B": sizes["B"]}
    if role in LABELS and convert.labels_axes:
        return fitted(name, convert.labels_axes, entry.shape, known, source)
    if role == "positions":
        return _positions_layout(convert, name, entry, known, source)
    if role in NUMBERS and not entry.shape:
        return Layout("", {}, 0)
    orders = {"covariance": ("BN",)}.get(role, ("B",) if role in NUMBERS else ("BK", "B"))
    if role == "covariance":
        return _covariance_layout(entry, sizes)
    if role in NUMBERS and sizes["B"] == 1:
        return Layout("1" * len(entry.shape), {}, 0) if set(entry.shape) == {1} else None
    return next((way for order in orders for way in layouts(order, entry.shape, False, known)
                 if "B" in way.axes or sizes["B"] == 1), None)  # fmt: skip


def _covariance_layout(entry: Entry, sizes: Sizes) -> Layout | None:
    """`[B, N, N]`, complex or with the real and imaginary part last."""
    shape = (sizes["B"], sizes.get("N", 0), sizes.get("N", 0))
    if entry.shape == shape and entry.dtype.kind == "c":
        return Layout("BNN", {}, 0)
    return Layout("BNNC", {}, 0) if entry.shape == (*shape, 2) else None


def _positions_layout(
    convert: Conversion, name: str, entry: Entry, known: Sizes, source: str
) -> Layout | None:
    for coordinates in COORDINATES:
        sizes = {**known, "Q": coordinates}
        if convert.positions_axes:
            groups = convert.positions_axes
            if coordinates == COORDINATES[0] or not _fits(groups, entry.shape, {**known, "Q": 3}):
                return fitted(name, groups, entry.shape, sizes, source)
        elif name == PYTORCH and len(entry.shape) == 2:
            return fitted(name, "B(QK)", entry.shape, sizes, source)
        for order in ("BKQ", "BQ"):
            for way in layouts(order, entry.shape, False, sizes):
                if "B" in way.axes or known["B"] == 1:
                    return way
    return None


def _fits(axes: str, shape: tuple[int, ...], known: Sizes) -> bool:
    return sized(axes, shape, known) is not None


def candidates(container: Container, convert: Conversion, role: str) -> list[str]:
    """Names that a role may have, as somebody set it or as people call it.

    Raises:
        ContainerError: an array that somebody has named is missing, or cannot be read.
    """
    name = getattr(convert, KNOBS.get(role, role), None)
    if name is not None:
        _parts(container, name)
        return [name]
    names = named_like(role, container.entries)
    if not names and (unreadable := named_like(role, container.entries, readable=False)):
        _entry(container, unreadable[0])
    return names[:MOST_NAMES]


def _parts(container: Container, name: str) -> list[Entry]:
    """The arrays of a name, or of two with a comma.

    Raises:
        ContainerError: one is missing or cannot be read, or the two differ in shape.
    """
    parts = [_entry(container, part.strip()) for part in _split(name)]
    if len(parts) > 2 or len({part.shape for part in parts}) > 1:
        problem = "must be one array, or two of the same shape: real and imaginary part"
        raise ContainerError(problem, source=str(container.path), key=name)
    return parts


def _split(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.split(","))


def _entry(container: Container, name: str) -> Entry:
    entry = container.entries.get(name)
    if entry is None:
        present = ", ".join(container.entries) or "nothing"
        problem = f"has no array {name!r}; it holds {present}"
        raise ContainerError(problem, source=str(container.path))
    if not entry.numeric:
        problem = entry.problem or f"holds {entry.dtype}, not numbers"
        raise ContainerError(problem, source=str(container.path), key=name)
    return entry


def _joint(
    container: Container,
    convert: Conversion,
    names: Mapping[str, str],
    ranks: Mapping[str, int],
    known: Sizes,
    done: Mapping[str, Source] | None = None,
) -> Iterator[Reading]:
    """Layouts of the named arrays that agree on all sizes."""
    done = done or {}
    left = [role for role in MEASURED if role not in done]
    if not left:
        yield Reading({role: done[role] for role in MEASURED}, known)
        return
    # Joined axes come apart by the sizes of the others.
    role = min(left, key=lambda role: "(" in (getattr(convert, f"{role}_axes") or ""))
    for layout in _ways(container, convert, role, names[role], known):
        source = Source(_split(names[role]), layout, ranks[role])
        sizes = {**known, **{k: v for k, v in layout.sizes.items() if k != "C"}}
        yield from _joint(container, convert, names, ranks, sizes, {**done, role: source})


def _ways(
    container: Container, convert: Conversion, role: str, name: str, known: Sizes
) -> Iterator[Layout]:
    """Layouts that one array may have."""
    parts = _parts(container, name)
    shape, real = parts[0].shape, len(parts) == 1 and parts[0].dtype.kind != "c"
    axes = getattr(convert, f"{role}_axes")
    if axes is not None:
        if "(" not in axes:
            fitted(name, axes, shape, {}, str(container.path))
        sizes = sized(axes, shape, known)
        if sizes is not None:
            yield Layout(axes, sizes, 0)
        return
    phases = role == "codes" and convert.codes_are != "complex"
    if real and not phases:
        yield from layouts(ORDERS[role], shape, True, known)
    if not real or role == "codes":
        yield from layouts(ORDERS[role], shape, False, known)


def _do_not_fit(
    container: Container, names: Mapping[str, str], known: Mapping[str, int] | None
) -> ContainerError:
    """The error of arrays whose shapes do not belong together."""
    shapes = []
    for role, name in names.items():
        entry = container.entries[name.partition(",")[0].strip()]
        real = entry.dtype.kind != "c" and "," not in name and role != "codes"
        shapes.append(f"{name} {list(entry.shape)}{' real' if real else ''}")
    wanted = "y [scenes, L, M], channel [scenes, M, N] and codes [scenes, L, N], complex"
    sizes = ", ".join(f"{k} = {v}" for k, v in (known or {}).items())
    return ContainerError(
        f"{', '.join(shapes)} do not fit each other",
        source=str(container.path),
        allowed=f"must be {wanted}" + (f", with {sizes}" if sizes else ""),
        remedy="set data.convert.y, channel and codes, or their _axes",
    )


assert set(SYNONYMS) >= {*MEASURED, *LABELS, *NUMBERS, "positions", "covariance"}
