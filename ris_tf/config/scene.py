"""Knobs of what the base station receives: panel, sources, channel, codes, imperfections."""

import math
from typing import Annotated, Any, Literal

from pydantic import model_validator

from ris_tf.config.knobs import POSITIVE, Interval, Section, Within, knob
from ris_tf.errors import UserError

# Beams of the separable codebook: how many horizontally and vertically.
CODEBOOKS = {
    16: (4, 4),
    24: (4, 6),
    30: (5, 6),
    32: (4, 8),
    36: (6, 6),
    48: (6, 8),
    64: (8, 8),
}
MAX_SOURCES = 5  # slots are matched by trying every assignment: 5! = 120
MAX_COVERED = 0.6  # share of the field of view that separation discs may cover


class Geometry(Section):
    """The panel and the wave that reaches it."""

    columns: int = knob(12, "Panel columns N_H.", ge=2, le=64)
    rows: int = knob(12, "Panel rows N_V.", ge=2, le=64)
    wavelength_m: float = knob(0.3, "Carrier wavelength.", "m", gt=POSITIVE, le=100)
    spacing: float = knob(0.5, "Distance between elements.", "wavelengths", ge=0.05, le=2)
    origin: Literal["centre", "pytorch"] = knob(
        "centre", "Where the panel's origin lies; 'pytorch' is that pipeline's half element off."
    )
    steering: Literal["spherical", "fresnel"] = knob(
        "spherical", "Exact spherical wave, or the PyTorch pipeline's Fresnel approximation."
    )

    @property
    def elements(self) -> int:
        """`N`, elements of the panel."""
        return self.columns * self.rows


class Scene(Section):
    """Sources, snapshots and noise."""

    antennas: int = knob(16, "Base station antennas M.", ge=1, le=256)
    snapshots: int = knob(16, "Snapshots L of a scene, each with its own code.", ge=1, le=256)
    sources_min: int = knob(1, "Fewest sources in a scene.", ge=1, le=MAX_SOURCES)
    sources_max: int = knob(5, "Most sources in a scene, K_max.", ge=1, le=MAX_SOURCES)
    azimuth_deg: Annotated[Interval, Within(-89, 89)] = knob(
        (-60.0, 60.0), "Azimuths drawn uniformly.", "deg"
    )
    elevation_deg: Annotated[Interval, Within(-80, 80)] = knob(
        (-30.0, 30.0), "Elevations drawn uniformly.", "deg"
    )
    range_m: Annotated[Interval, Within(0.01, 1e6)] = knob(
        (0.5, 10.0), "Ranges drawn uniformly.", "m"
    )
    separation_deg: float = knob(
        0.0, "Least great-circle angle between two sources.", "deg", ge=0, le=90
    )
    snr_db: Annotated[Interval, Within(-60, 100)] = knob(
        (-5.0, 20.0), "Signal-to-noise ratios.", "dB"
    )
    symbols: Literal["independent", "constant"] = knob(
        "independent", "Source symbols: drawn anew a snapshot, or one for the whole scene."
    )
    powers: Literal["equal", "path_loss", "spread"] = knob(
        "equal",
        "Source powers: equal, free-space path loss, or uniform in dB over power_spread_db.",
    )
    power_spread_db: float = knob(10.0, "Width of the 'spread' powers.", "dB", ge=0, le=60)

    @model_validator(mode="after")
    def _consistent(self) -> "Scene":
        if self.sources_min > self.sources_max:
            raise ValueError(
                f"sources_min = {self.sources_min} must not exceed sources_max = {self.sources_max}"
            )
        widest = max(abs(end) for end in self.elevation_deg)
        field = (self.azimuth_deg[1] - self.azimuth_deg[0]) * (
            self.elevation_deg[1] - self.elevation_deg[0]
        )
        disc = math.pi * self.separation_deg**2 / math.cos(math.radians(widest))
        if (self.sources_max - 1) * disc > MAX_COVERED * field:
            fits = math.sqrt(
                self.separation_deg**2
                * MAX_COVERED
                * field
                / max(disc, POSITIVE)
                / max(self.sources_max - 1, 1)
            )
            raise ValueError(
                f"separation_deg = {self.separation_deg:g} leaves no room for "
                f"{self.sources_max} sources in this field of view; at most {fits:.1f} fits"
            )
        return self


class Channel(Section):
    """The base station to panel channel, known to the receiver."""

    model: Literal["rician", "rayleigh", "pytorch", "file"] = knob(
        "rician",
        "Fading: Rician, Rayleigh, the PyTorch pipeline's scaling, or channels of a file.",
    )
    file: str | None = knob(
        None,
        "Channels [C, M, N], of which each scene draws one: a .npy, or a .npz with an array "
        "'channel'. Their scale does not matter.",
        min_length=1,
    )
    held_out: float = knob(
        0.1,
        "Share of the file's channels, at its end, that validation scenes alone have, and before "
        "it as much for test scenes; where it is less than one channel, all scenes have all.",
        ge=0,
        le=0.4,
    )
    digest: str | None = knob(
        None,
        "Digest of the file, which a run writes: a file that has changed is refused.",
        min_length=1,
    )
    rice_factor: Annotated[Interval, Within(0, 1e6)] = knob(
        (0.5, 10.0), "Linear Rice factors drawn uniformly."
    )
    bs_azimuth_deg: Annotated[Interval, Within(-90, 90)] = knob(
        (-60.0, 60.0), "Azimuths of the line of sight at the base station.", "deg"
    )
    ris_azimuth_deg: Annotated[Interval, Within(-90, 90)] = knob(
        (-60.0, 60.0), "Azimuths of the line of sight at the panel.", "deg"
    )
    ris_elevation_deg: Annotated[Interval, Within(-90, 90)] = knob(
        (-30.0, 30.0), "Elevations of the line of sight at the panel.", "deg"
    )

    @model_validator(mode="after")
    def _file_goes_with_its_model(self) -> "Channel":
        if self.model == "file" and self.file is None:
            raise ValueError("model = 'file' takes its channels from file: set channel.file")
        if self.model != "file" and self.file is not None:
            raise ValueError(f"file is of model = 'file', not {self.model!r}: set channel.model")
        return self


class Codes(Section):
    """The phases that the panel shows, snapshot by snapshot."""

    beams: Literal[16, 24, 30, 32, 36, 48, 64] = knob(64, "Beams of the separable codebook.")
    selection: Literal["spread", "stride", "random", "half"] = knob(
        "spread",
        "Codes of a scene: spread over the codebook, the PyTorch pipeline's stride, "
        "random phases, or half spread and half random.",
    )
    phase_bits: int = knob(3, "Bits of the phase shifters; 0 leaves phases continuous.", ge=0, le=8)
    seed: int = knob(0, "Seed of the fixed permutation behind 'spread'.", ge=0, le=2**31 - 1)


class Imperfections(Section):
    """What the hardware does to the measurements and the receiver does not know.

    The name of a set, such as `typical`, stands for its values.
    """

    position_jitter: float = knob(
        0.0,
        "Largest displacement of an element in x and z (typical 0.05).",
        "half wavelengths",
        ge=0,
        le=0.5,
    )
    phase_noise_rad: float = knob(
        0.0, "Standard deviation of code phases (typical 0.04).", "rad", ge=0, le=3.2
    )
    amplitude_jitter: float = knob(
        0.0, "Standard deviation of element gains (typical 0.05).", ge=0, le=0.5
    )
    dropout: float = knob(0.0, "Share of dead elements (typical 0.03).", ge=0, le=0.9)
    fixed: bool = knob(
        False, "One panel for all scenes of all splits, drawn once, instead of one a scene."
    )
    seed: int | None = knob(
        None, "Seed of the fixed panel; null takes that of the scenes.", ge=0, le=2**31 - 1
    )
    calibration: str | None = knob(
        None,
        "File of `ris-tf calibrate`: the receiver's channel is multiplied by the elements' gains.",
        min_length=1,
    )
    digest: str | None = knob(
        None,
        "Digest of the calibration, which a run writes: a file that has changed is refused.",
        min_length=1,
    )

    @model_validator(mode="before")
    @classmethod
    def _of_name(cls, value: Any) -> Any:
        return named_imperfections(value) if isinstance(value, str) else value


# Named sets: `imperfections: typical` in a configuration, `--imperfections typical` in `evaluate`.
IMPERFECTIONS: dict[str, Imperfections] = {
    "none": Imperfections(),
    "typical": Imperfections(
        position_jitter=0.05, phase_noise_rad=0.04, amplitude_jitter=0.05, dropout=0.03
    ),
}


def named_imperfections(name: str) -> dict[str, Any]:
    """What a named set changes, by key.

    Raises:
        UserError: there is no such set; whoever knows where the name stands adds the key.
    """
    if name not in IMPERFECTIONS:
        raise UserError(
            "no such set of imperfections",
            value=name,
            allowed=f"must be {' or '.join(IMPERFECTIONS)}",
            remedy="for others, set their keys: ris-tf knobs imperfections lists them",
        )
    return IMPERFECTIONS[name].model_dump(exclude_defaults=True)
