"""What people call the arrays: our names for theirs."""

import re
from collections.abc import Iterable, Mapping

from ris_tf.data.containers import Entry

# An array of the files that we write: their names and conventions are ours, so that settings which
# read the file that they were converted from are not applied to them again.
MARK = "ris_tf_conventions"

# In order of preference; compared in small letters, without what is not a letter or a digit.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "y": (
        "y", "measurement", "measurements", "received", "receivedsignal", "rx", "rxsignal",
        "signal", "signals", "snapshots", "ymeas", "yrx", "ybs", "ynoisy", "samples",
        "observations",
    ),
    "channel": (
        "channel", "hfull", "hchannel", "hrisbs", "hbsris", "hris", "hrb", "hbr", "h", "g", "csi",
        "channels", "chan", "channelmatrix", "gbs", "f",
    ),
    "codes": (
        "codes", "code", "c", "w", "phi", "phase", "phases", "risphase", "risphases", "phaseshifts",
        "phaseshift", "risphaseshifts", "omega", "theta", "profiles", "profile", "beams",
        "codebook",
        "reflection", "reflections", "gamma", "psi", "v", "states", "risstates", "configs",
        "riscodes", "phiris", "risconfig", "weights",
    ),
    "azimuth": ("azimuth", "azimuths", "az", "azi", "phi", "doaaz", "aoaaz", "theta", "doa", "aoa"),
    "elevation": ("elevation", "elevations", "el", "ele", "elev", "theta", "doael", "aoael", "psi",
                  "zenith", "inclination", "phi"),
    "range": ("range", "ranges", "r", "dist", "distance", "distances", "d", "rho"),
    "power": ("power", "powers", "p", "pow", "sourcepower", "sourcepowers", "ptx"),
    "positions": ("ptr", "positions", "position", "pos", "xyz", "coordinates", "coords", "location",
                  "locations", "source", "sources", "sourcepositions", "ue", "uepos", "pue",
                  "labels", "label", "doa", "truth"),
    "count": ("count", "counts", "k", "numsources", "nsources", "nsrc", "sourcecount", "numue",
              "numberofsources"),
    "snr_db": ("snr",),
    "noise_variance": ("noisevariance", "noisevar", "noisepower", "sigma2", "sigmasquared",
                       "variance", "n0"),
    "covariance": ("r", "cov", "covariance", "rxx", "rtrue", "rcov"),
}  # fmt: skip
UNITS = r"(indeg|inrad|indb|degrees|radians|degree|radian|deg|rad|db|lin|m|metres|meters)$"
# How two arrays of real and imaginary part differ by name.
PARTS = (("real", "imag"), ("re", "im"), ("r", "i"))
DEGREES = re.compile(r"(deg|degrees?|°)$", re.IGNORECASE)
RADIANS = re.compile(r"(rad|radians?)$", re.IGNORECASE)
DECIBEL = re.compile(r"dbm?w?$", re.IGNORECASE)


def plain(name: str) -> str:
    """A name as it is compared: without its path, in small letters."""
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].casefold())


def named_like(role: str, entries: Mapping[str, Entry], readable: bool = True) -> list[str]:
    """Names in a file that a role may have, the likeliest first; pairs as `"re, im"`."""
    pairs = _pairs(entries)
    ranked = []
    for name in [*pairs, *entries]:
        entry = entries[name.partition(",")[0]]
        rank = _rank(role, pairs.get(name) or plain(name))
        if rank is not None and entry.numeric == readable:
            ranked.append((rank, len(ranked), name))
    return [name for _, _, name in sorted(ranked)]


def _rank(role: str, name: str) -> int | None:
    """How likely a name is the role's: the place in its list, a unit at its end left out."""
    words = SYNONYMS[role]
    without = re.sub(UNITS, "", name)
    for candidate in (name, without):
        if candidate in words:
            return words.index(candidate)
    return None


def _pairs(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Two real arrays of a shape whose names differ by `real` and `imag`: their common name."""
    found = {}
    by_plain = {plain(name): name for name in entries}
    for real, imaginary in PARTS:
        for short, name in by_plain.items():
            for base, other in _partners(short, real, imaginary):
                partner = by_plain.get(other)
                if partner and _are_parts(entries[name], entries[partner]):
                    found.setdefault(f"{name}, {partner}", base)
    return found


def _partners(name: str, real: str, imaginary: str) -> Iterable[tuple[str, str]]:
    if name.endswith(real) and len(name) > len(real):
        base = name[: -len(real)]
        yield base, base + imaginary
    if name.startswith(real) and len(name) > len(real):
        base = name[len(real) :]
        yield base, imaginary + base


def _are_parts(a: Entry, b: Entry) -> bool:
    return (
        a.numeric and b.numeric and a.shape == b.shape and "c" not in (a.dtype.kind, b.dtype.kind)
    )
