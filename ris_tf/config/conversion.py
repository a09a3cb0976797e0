"""Knobs that say which array of somebody's file is which, and in what conventions."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ris_tf.config.knobs import Section, knob

Metres = Annotated[float, Field(ge=-1e6, le=1e6)]
LONGEST_NAME = 1000  # characters; names of nested groups are paths
# Letters of the axes that each array may have; those in brackets may be missing.
AXES = {
    "y": ("LM", "BC"),
    "channel": ("MN", "BC"),
    "codes": ("LN", "BC"),
    "labels": ("K", "B"),
    "positions": ("Q", "BK"),
}
LETTERS = (
    "B scenes, L snapshots, M antennas, N elements, K sources, Q the coordinates of a position, "
    "C real and imaginary part, 1 an axis of length 1; brackets stand around axes that are joined"
)


def _name(sentence: str) -> str | None:
    return knob(None, sentence, min_length=1, max_length=LONGEST_NAME)


def _axes(sentence: str) -> str | None:
    return knob(None, sentence, min_length=1, max_length=16)


class Conversion(Section):
    """How a file is read: names, axes and conventions; `null` is found by name and shape."""

    y: str | None = _name(
        "Array of the measurement; two names with a comma are real and imaginary part."
    )
    channel: str | None = _name("Array of the channel, as for y.")
    codes: str | None = _name("Array of the codes, as for y.")
    y_axes: str | None = _axes("Axes of y as they lie in the file, as MLB; ours are BLM.")
    channel_axes: str | None = _axes("Axes of the channel; ours are BMN, or MN for all scenes.")
    codes_axes: str | None = _axes("Axes of the codes; ours are BLN, or LN for all scenes.")
    conjugate_y: bool = knob(False, "Conjugate y.")
    conjugate_channel: bool = knob(False, "Conjugate the channel.")
    conjugate_codes: bool = knob(False, "Conjugate the codes.")
    codes_are: Literal["complex", "radians", "degrees", "states"] = knob(
        "complex", "Codes are complex numbers, phases, or numbers of states from 0."
    )
    code_states: int = knob(8, "How many states make a full turn.", ge=2, le=65536)
    elements: Literal["rows", "columns"] = knob(
        "rows", "Elements are numbered along rows, n = v N_H + h, or along columns, n = h N_V + v."
    )
    columns: int | None = knob(
        None, "Panel columns N_H, where elements are numbered along columns.", ge=1, le=4096
    )
    count: str | None = _name("Array of the number of sources.")
    azimuth: str | None = _name("Array of the azimuths.")
    elevation: str | None = _name("Array of the elevations.")
    range: str | None = _name("Array of the ranges, in metres.")
    power: str | None = _name("Array of the sources' powers.")
    labels_axes: str | None = _axes("Axes of these arrays; ours are BK.")
    positions: str | None = _name("One array of all positions, instead of these.")
    positions_axes: str | None = _axes("Axes of the positions, as BKQ, or B(QK) for [B, 3 K].")
    positions_are: Literal[
        "spherical", "elevation-first", "xyz", "xzy", "yxz", "yzx", "zxy", "zyx"
    ] = knob(
        "spherical",
        "Azimuth, elevation and range; or elevation first; or metres along our axes, in the file's "
        "order: x along the panel's rows, y in front of it, z along its columns.",
    )
    panel_at_m: Annotated[tuple[Metres, Metres, Metres], Field(strict=False)] = knob(
        (0.0, 0.0, 0.0), "Where the panel's centre is in the file's metres.", "m"
    )
    angle_unit: Literal["auto", "degrees", "radians"] = knob(
        "auto", "Unit of the file's angles; auto takes it from their names."
    )
    directions: Literal["azimuth-elevation", "polar"] = knob(
        "azimuth-elevation",
        "Our angles; or polar: the elevation's array has the angle from the panel's normal, the "
        "azimuth's that around it, from the rows.",
    )
    azimuth_zero_deg: float = knob(
        0.0, "The file's azimuth straight ahead.", "deg", ge=-360, le=360
    )
    elevation_zero_deg: float = knob(
        0.0, "The file's elevation straight ahead.", "deg", ge=-360, le=360
    )
    negate_azimuth: bool = knob(False, "The file's azimuths grow to the other side.")
    negate_elevation: bool = knob(False, "The file's elevations grow downwards.")
    power_unit: Literal["linear", "dB"] = knob("linear", "Unit of the file's powers.")
    snr: str | None = _name("Array of the SNR.")
    snr_unit: Literal["dB", "linear"] = knob("dB", "Unit of the file's SNR.")
    noise_variance: str | None = _name("Array of the noise variance.")

    @model_validator(mode="after")
    def _axes_have_their_letters(self) -> "Conversion":
        for name, (needed, optional) in AXES.items():
            axes = getattr(self, f"{name}_axes")
            if axes is not None and not _are_axes(axes, needed, optional):
                raise ValueError(
                    f"{name}_axes = {axes!r} must have {' and '.join(needed)} once, and may have "
                    f"{' and '.join(optional)} ({LETTERS})"
                )
        return self

    @model_validator(mode="after")
    def _columns_are_known(self) -> "Conversion":
        if self.elements == "columns" and self.columns is None:
            raise ValueError("columns must say how many there are, where elements = columns")
        return self


def _are_axes(axes: str, needed: str, optional: str) -> bool:
    letters = re.sub(r"[()1]", "", axes)
    return (
        set(needed) <= set(letters) <= set(needed + optional)
        and len(set(letters)) == len(letters)
        and re.fullmatch(r"(\w|\(\w+\))+", axes) is not None
    )
