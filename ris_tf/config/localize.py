"""Knobs of the spectra that positions are read from."""

from typing import Annotated

from pydantic import Field

from ris_tf.config.knobs import Section, knob

Azimuths = Annotated[int, Field(ge=1, le=2001)]


class Localize(Section):
    """The grid of the spectra, and when a peak counts as a source."""

    grid: Annotated[tuple[Azimuths, Azimuths], Field(strict=False)] = knob(
        (121, 61), "Azimuths and elevations of the spectra, ends included."
    )
    planes: int = knob(8, "Range planes, evenly spaced in 1/r.", ge=1, le=256)
    passes: int = knob(
        4,
        "Times that the network's covariance is conditioned on the measurement before its spectrum "
        "is scanned; 0 takes it as it is.",
        ge=0,
        le=100,
    )
    model_error: float | None = knob(
        None,
        "Share of the signal's energy that the nominal hardware does not explain: sources are "
        "counted against it and noise together. None takes what a calibration leaves, or what the "
        "imperfections amount to.",
        ge=0,
        le=1,
    )
    peak_db: float = knob(
        3.0,
        "How far below the highest peak a source may be, where no network counts.",
        "dB",
        ge=0,
        le=100,
    )
