"""Knobs of the two networks; the heads, and their knobs, are shared."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ris_tf.config.knobs import Section, knob

GridSize = Annotated[int, Field(ge=2, le=256)]
Filters = Annotated[int, Field(ge=1, le=4096)]
Metres = Annotated[float, Field(gt=0, le=1e6)]


def nearest_divisor(number: int, wanted: int) -> int:
    """The divisor nearest to a number, the larger of two."""
    divisors = (d for d in range(1, number + 1) if number % d == 0)
    return min(divisors, key=lambda d: (abs(d - wanted), -d))


class Heads(Section):
    """What both networks share, from the feature vector on."""

    width: int = knob(512, "Length D of the feature vectors.", ge=4, le=4096)
    dropout: float = knob(0.2, "Share of activations dropped in training.", ge=0, le=0.9)
    angle_grid: Annotated[tuple[GridSize, GridSize], Field(strict=False)] = knob(
        (61, 61), "Azimuths and elevations of the soft-argmax grid, ends included."
    )
    temperature: float = knob(0.15, "Temperature of the soft-argmax.", ge=0.01, le=10)


class ReferenceNetwork(Heads):
    """Convolutions and a transformer over the snapshots: the PyTorch pipeline's network."""

    kind: Literal["reference"] = knob("reference", "Which network.")
    heads: int = knob(8, "Attention heads; must divide the width.", ge=1, le=64)
    feedforward: int = knob(512, "Width of the feed-forward layers.", ge=1, le=8192)
    layers: int = knob(4, "Transformer encoder layers.", ge=1, le=24)
    filters: int = knob(256, "Filters of the convolutions over the snapshots.", ge=1, le=4096)
    normalise: bool = knob(
        True, "Divide measurements by their RMS over the scene; off for weights trained without."
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ReferenceNetwork":
        if self.width % self.heads:
            nearest = nearest_divisor(self.width, self.heads)
            raise ValueError(
                f"heads = {self.heads} must divide width = {self.width}; {nearest} does"
            )
        return self


class BeamspaceNetwork(Heads):
    """Convolutions over an image of the power and MVDR spectrum at the panel: the default."""

    kind: Literal["beamspace"] = knob("beamspace", "Which network.")
    dropout: float = knob(0.0, "Share of activations dropped in training.", ge=0, le=0.9)
    image: Annotated[tuple[GridSize, GridSize], Field(strict=False)] = knob(
        (33, 17), "Azimuths and elevations of the beamspace image, ends included."
    )
    planes_m: Annotated[tuple[Metres, ...], Field(strict=False, min_length=1, max_length=16)] = (
        knob((0.8, 1.5, 3.0, 8.0), "Ranges at which the image is focused, two channels each.", "m")
    )
    filters: Annotated[tuple[Filters, ...], Field(strict=False, min_length=1, max_length=12)] = (
        knob(
            (48, 96, 96, 192, 192),
            "Filters of the 3x3 convolutions; every second one halves the image.",
        )
    )


Network = Annotated[BeamspaceNetwork | ReferenceNetwork, Field(discriminator="kind")]
