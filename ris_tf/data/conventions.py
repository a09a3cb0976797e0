"""The conventions of a file, found by trying the likely ones on its own labels.

A hypothesis is one way to read the file on one panel. All that are likely are tried on a coarse
list of wavelengths, then the best are changed one convention at a time until nothing is better.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from ris_tf.config import Conversion
from ris_tf.config.scene import Geometry
from ris_tf.data.conversion import Converted
from ris_tf.data.physics import SYMBOLS, Evidence, Places, Wave, score, shares
from ris_tf.data.reading import KNOBS, MEASURED
from ris_tf.data.variants import evidence_of, places_of

# Carriers that papers and test beds use: 1, 2.4, 3.5, 5, 5.8, 10, 28, 60, 140, 300 GHz.
WAVELENGTHS = (0.3, 0.125, 0.0857, 0.06, 0.0517, 0.03, 0.0107, 0.005, 0.00214, 0.001)
FINE = np.geomspace(5e-4, 3.0, 160)  # 5 % apart
SPACINGS = (0.5, 0.25, 0.2, 1 / 3, 0.4, 0.6, 0.7, 1.0)
ASPECT = 4  # of panels that are tried: rows to columns, or the other way
FEW = 4  # scenes for the coarse list
SIMPLER = 0.004  # of a score, for each convention that is not ours
DRAWS = 32  # of random positions, to know what a hypothesis leaves by chance
# How far below chance the right labels are: the best of some thousand wrong hypotheses comes to 4.
STANDS_OUT = 5.0  # standard deviations
LEAST_BELOW = 0.05  # of a score
ROUNDING = 0.003  # how much worse a score a round wavelength may have, and no more than is likely:
LIKELY = 5.4  # times the numbers measured, half of a chi-square that noise exceeds in 0.1 %
CLEAR = 0.15  # of a score: constant symbols are chosen unless independent are better by this


@dataclass(frozen=True)
class Hypothesis:
    """One choice for every convention; the defaults are ours."""

    data: int = 0  # which reading of y, channel and codes
    labels: int = 0  # which reading of the labels
    conjugate: bool = False
    conjugate_channel: bool = False
    conjugate_codes: bool = False
    along_columns: bool = False
    columns: int = 0
    wavelength_m: float = WAVELENGTHS[0]
    spacing: float = SPACINGS[0]
    origin: str = "centre"
    steering: str = "spherical"

    @property
    def unusual(self) -> int:
        """How many conventions are not ours."""
        default = Hypothesis(columns=self.columns, wavelength_m=self.wavelength_m)
        names = [f.name for f in fields(self)]
        return sum(getattr(self, name) != getattr(default, name) for name in names)


@dataclass(frozen=True)
class Alternative:
    """What another choice of one convention leaves.

    Attributes:
        what: the choice, in words.
        share: median of the scenes' shares of energy that it leaves.
    """

    what: str
    share: float


@dataclass(frozen=True)
class Conventions:
    """The best hypothesis.

    Attributes:
        convert: settings that read the file in our conventions.
        geometry: the panel and the wave that fit.
        symbols: of the sources, `scene.symbols`.
        share: median share of energy that sources at the labels leave.
        convincing: whether it is clearly below what chance leaves.
        alternatives: what other choices of one convention leave, the best first.
    """

    convert: Conversion
    geometry: Geometry
    symbols: str
    share: float
    convincing: bool
    alternatives: tuple[Alternative, ...]


class Trials:
    """Hypotheses of one file, and how well each fits.

    Args:
        shards: the file in each way in which `y`, channel and codes may be read.
        labels: the first of them with each way to read its labels, ours first.
        rows: scenes to look at.
        geometry: the panel and wave where they are known, else `None`.
    """

    def __init__(
        self,
        shards: Sequence[Converted],
        labels: Sequence[Converted],
        rows: np.ndarray,
        geometry: Geometry | None,
    ):
        self.shards, self.labels, self.rows, self.geometry = shards, labels, rows, geometry
        self.symbols = SYMBOLS[0]
        self._evidence = [evidence_of(shard, rows) for shard in shards]
        self._places = [places_of(label, rows) for label in labels]

    @property
    def elements(self) -> int:
        """`N`."""
        return self._evidence[0].channel.shape[-1]

    @cached_property
    def panels(self) -> list[int]:
        """Columns of the panels that `N` elements may be, the squarest first."""
        if self.geometry is not None:
            return [self.geometry.columns]
        divisors = [c for c in range(2, self.elements // 2 + 1) if self.elements % c == 0]
        near = [c for c in divisors if max(c * c, self.elements) <= ASPECT * self.elements
                and c * c * ASPECT >= self.elements]  # fmt: skip
        ranked = sorted(
            near or divisors or [self.elements], key=lambda c: abs(math.log(c * c / self.elements))
        )
        square = math.isqrt(self.elements)
        return [square] if square * square == self.elements else ranked

    def scores(self, tried: Sequence[Hypothesis], few: bool = False) -> np.ndarray:
        """A score of each hypothesis, the lower the better: `[P]`."""
        left = self.shares(tried, np.complex64, few)
        return score(left) + SIMPLER * np.array([one.unusual for one in tried])

    @property
    def numbers(self) -> int:
        """Complex numbers of the measurements that are looked at."""
        return self._evidence[0].y.size

    def shares(
        self, tried: Sequence[Hypothesis], dtype: type = np.complex64, few: bool = False
    ) -> np.ndarray:
        """Shares of energy that each leaves, over chance: `[P, B]`."""
        scenes = slice(0, FEW if few else None)
        found = np.empty((len(tried), len(self.rows[scenes])))
        keys = [(one.data, one.conjugate_channel, one.conjugate_codes) for one in tried]
        for key in dict.fromkeys(keys):
            mine = [i for i, other in enumerate(keys) if other == key]
            evidence = self._evidence[key[0]].conjugated(key[1], key[2])
            evidence = Evidence(*(a[scenes] for a in (evidence.y, evidence.channel,
                                                      evidence.codes)))  # fmt: skip
            waves = [
                (self._wave(tried[i]), self._places[tried[i].labels].some(scenes)) for i in mine
            ]
            found[mine] = shares(evidence, waves, self.symbols, dtype)
        return found

    def by_chance(self, one: Hypothesis) -> np.ndarray:
        """Shares of energy that sources at random positions leave, over chance: `[DRAWS, B]`.

        Where a line of sight dominates the channel, any source explains much of `y`.
        """
        random, places = np.random.default_rng(0), self._places[one.labels]
        shape, ranges = places.active.shape, places.range_m[places.active > 0]
        drawn = [
            (
                self._wave(one),
                Places(random.uniform(-1, 1, shape), random.uniform(-0.5, 0.5, shape),
                       random.choice(ranges, shape), places.active),
            )
            for _ in range(DRAWS)
        ]  # fmt: skip
        evidence = self._evidence[one.data].conjugated(one.conjugate_channel, one.conjugate_codes)
        return shares(evidence, drawn, self.symbols)

    def stands_out(self, one: Hypothesis) -> bool:
        """Whether a hypothesis is clearly better than chance."""
        chance = score(self.by_chance(one))
        below = chance.mean() - score(self.shares([one]))[0]
        return bool(below > max(LEAST_BELOW, STANDS_OUT * chance.std()))

    def geometry_of(self, one: Hypothesis) -> Geometry:
        """The panel of a hypothesis; it may be larger than a configuration allows."""
        return Geometry.model_construct(
            columns=one.columns,
            rows=self.elements // one.columns,
            wavelength_m=one.wavelength_m,
            spacing=one.spacing,
            origin=one.origin,
            steering=one.steering,
        )

    def _wave(self, one: Hypothesis) -> Wave:
        return Wave(self.geometry_of(one), one.conjugate, one.along_columns)

    def convert_of(self, one: Hypothesis) -> Conversion:
        """Settings that read the file as a hypothesis says."""
        values = _explicit(self.shards[one.data])
        values |= _label_values(self.labels[one.labels])
        flipped = {
            "conjugate_y": one.conjugate,
            "conjugate_channel": one.conjugate != one.conjugate_channel,
            "conjugate_codes": one.conjugate != one.conjugate_codes,
        }
        base = self.shards[one.data].convert
        for name, flip in flipped.items():
            values[name] = getattr(base, name) != flip
        if one.along_columns != (base.elements == "columns"):
            values |= {"elements": "columns", "columns": one.columns}
        elif one.along_columns:
            values |= {"elements": "rows", "columns": None}
        return Conversion.model_validate({**base.model_dump(), **values})


def find_conventions(trials: Trials) -> Conventions:
    """The likeliest conventions of a file, by its labels."""
    found = []
    for symbols in SYMBOLS:
        trials.symbols = symbols
        found.append(_best_of(trials))
    best = min(found, key=lambda pair: pair[0])[1]
    trials.symbols = _likelier_symbols(trials, best)
    best = _refined(trials, best)
    if trials.geometry is None:
        best = _measured_wavelength(trials, best)
    left = trials.shares([best], np.complex128)
    return Conventions(
        convert=trials.convert_of(best),
        geometry=trials.geometry_of(best),
        symbols=trials.symbols,
        share=float(np.nanmedian(left)),
        convincing=trials.stands_out(best),
        alternatives=_alternatives(trials, best),
    )


def _best_of(trials: Trials) -> tuple[float, Hypothesis]:
    """The best of the coarse list, changed until nothing is better."""
    tried = list(_coarse(trials))
    values = trials.scores(tried, few=True)
    leading = [tried[i] for i in np.argsort(values, kind="stable")[:8]]
    refined = [replace(one, origin=origin, steering=steering)
               for one in leading for origin, steering in _waves()]  # fmt: skip
    values = trials.scores(refined)
    if trials.geometry is None and not trials.stands_out(refined[int(np.argmin(values))]):
        more = [replace(one, wavelength_m=float(w)) for one in _directions(trials)
                for w in FINE]  # fmt: skip
        coarse = trials.scores(more, few=True)
        refined += [more[i] for i in np.argsort(coarse, kind="stable")[:8]]
        values = trials.scores(refined)
    at = int(np.argmin(values))
    return float(values[at]), refined[at]


def _coarse(trials: Trials) -> Iterator[Hypothesis]:
    """Every likely hypothesis, on the wavelengths that people use."""
    flags = (False, True)
    known = trials.geometry
    wavelengths = WAVELENGTHS if known is None else (known.wavelength_m,)
    spacing = SPACINGS[0] if known is None else known.spacing
    for columns, along, conjugate, channel, codes, wavelength in itertools.product(
        trials.panels, flags, flags, flags, flags, wavelengths
    ):
        for data, labels in itertools.product(range(len(trials.shards)), range(len(trials.labels))):
            yield Hypothesis(
                data, labels, conjugate, channel, codes, along, columns, wavelength, spacing
            )


def _directions(trials: Trials) -> Iterator[Hypothesis]:
    """Hypotheses of the labels alone, for a closer look at wavelengths."""
    for labels, along in itertools.product(range(len(trials.labels)), (False, True)):
        yield Hypothesis(labels=labels, along_columns=along, columns=trials.panels[0])


def _waves() -> list[tuple[str, str]]:
    return list(itertools.product(("centre", "pytorch"), ("spherical", "fresnel")))


def _refined(trials: Trials, best: Hypothesis) -> Hypothesis:
    """Changed one convention at a time until no change is better."""
    value = trials.scores([best])[0]
    for _ in range(len(fields(Hypothesis))):
        tried = [one for _, one in _changes(trials, best)]
        values = trials.scores(tried)
        if values.min() >= value:
            break
        value, best = values.min(), tried[int(np.argmin(values))]
    return best


def _changes(trials: Trials, best: Hypothesis) -> Iterator[tuple[str, Hypothesis]]:
    """Every other choice of one convention, and its name."""
    for number, shard in enumerate(trials.shards):
        if number != best.data:
            yield _axes_words(shard, trials.shards[best.data]), replace(best, data=number)
    for number, labels in enumerate(trials.labels):
        if number != best.labels:
            words = _label_words(labels, trials.labels[best.labels])
            yield words, replace(best, labels=number)
    for name, words in (
        ("conjugate", "all conjugated"),
        ("conjugate_channel", "channel conjugated"),
        ("conjugate_codes", "codes conjugated"),
        ("along_columns", "elements numbered the other way"),
    ):
        yield words, replace(best, **{name: not getattr(best, name)})
    for origin, steering in _waves():
        changed = replace(best, origin=origin, steering=steering)
        if changed != best:
            yield f"origin {origin}, {steering} waves", changed
    if trials.geometry is None:
        for columns in trials.panels:
            if columns != best.columns:
                rows = trials.elements // columns
                yield f"panel of {columns} columns, {rows} rows", replace(best, columns=columns)
        for spacing in SPACINGS:
            if spacing != best.spacing:
                yield f"spacing {spacing:.3g} wavelengths", replace(best, spacing=spacing)


def _measured_wavelength(trials: Trials, best: Hypothesis) -> Hypothesis:
    """The wavelength that fits, rounded as far as the fit allows."""
    for width, count in ((0.25, 41), (0.02, 21), (0.002, 21)):
        grid = best.wavelength_m * np.exp(np.linspace(-width, width, count))
        tried = [best, *(replace(best, wavelength_m=float(w)) for w in grid)]
        best = tried[int(np.argmin(trials.scores(tried)))]
    rounded = [
        replace(best, wavelength_m=float(f"{best.wavelength_m:.{n}g}")) for n in (1, 2, 3, 4)
    ]
    values = trials.scores([best, *rounded])
    allowed = values[0] + min(ROUNDING * max(1.0, abs(values[0])), LIKELY / trials.numbers)
    return next((r for r, v in zip(rounded, values[1:], strict=True) if v <= allowed), best)


def _likelier_symbols(trials: Trials, best: Hypothesis) -> str:
    """Constant symbols where they explain as much as independent ones, which have more of them."""
    values = {}
    for symbols in SYMBOLS:
        trials.symbols = symbols
        values[symbols] = trials.scores([best])[0]
    constant, independent = (values[s] for s in SYMBOLS)
    return SYMBOLS[0] if constant <= independent + CLEAR * abs(independent) else SYMBOLS[1]


def _alternatives(trials: Trials, best: Hypothesis) -> tuple[Alternative, ...]:
    names, tried = zip(*_changes(trials, best), strict=True)
    left = np.nanmedian(trials.shares(tried), axis=1)
    order = np.argsort(left, kind="stable")
    chance = Alternative("random positions", float(np.nanmedian(trials.by_chance(best))))
    return (*(Alternative(names[i], float(left[i])) for i in order), chance)


def _explicit(shard: Converted) -> dict:
    """Names and axes of `y`, channel and codes, as settings."""
    values = {}
    for role in ("y", "channel", "codes"):
        source = shard.reading.sources[role]
        values[role] = ", ".join(source.names)
        values[f"{role}_axes"] = source.layout.axes
    return values


LABEL_KEYS = (
    "count", "azimuth", "elevation", "range", "power", "labels_axes", "positions",
    "positions_axes", "positions_are", "angle_unit", "directions", "azimuth_zero_deg",
    "elevation_zero_deg", "negate_azimuth", "negate_elevation",
)  # fmt: skip


def _label_values(shard: Converted) -> dict:
    values = {name: getattr(shard.convert, name) for name in LABEL_KEYS}
    for role, source in shard.reading.sources.items():
        if role not in MEASURED and role != "covariance":
            values[KNOBS.get(role, role)] = source.names[0]
    if "positions" in shard.reading.sources:
        values["positions_axes"] = shard.reading.sources["positions"].layout.axes
    return values


def _axes_words(shard: Converted, best: Converted) -> str:
    changed = [role for role in ("y", "channel", "codes")
               if shard.reading.sources[role].layout.axes
               != best.reading.sources[role].layout.axes]  # fmt: skip
    return ", ".join(f"{r} with axes {shard.reading.sources[r].layout.axes}" for r in changed)


def _label_words(shard: Converted, best: Converted) -> str:
    keys = ("azimuth", "elevation", "positions_axes", "positions_are", "angle_unit", "directions",
            "azimuth_zero_deg", "elevation_zero_deg", "negate_azimuth",
            "negate_elevation")  # fmt: skip
    changed = {k: getattr(shard.convert, k) for k in keys
               if getattr(shard.convert, k) != getattr(best.convert, k)}  # fmt: skip
    return ", ".join(f"{key}: {str(value).lower() if isinstance(value, bool) else value}"
                     for key, value in changed.items())  # fmt: skip
