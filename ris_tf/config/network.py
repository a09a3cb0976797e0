"""Knobs of the two networks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ris_tf.config.knobs import Section, knob

GridSize = Annotated[int, Field(ge=2, le=256)]
Metres = Annotated[float, Field(gt=0, le=1e6)]


def nearest_divisor(number: int, wanted: int) -> int:
    """The divisor nearest to a number, the larger of two."""
    divisors = (d for d in range(1, number + 1) if number % d == 0)
    return min(divisors, key=lambda d: (abs(d - wanted), -d))


class ReferenceNetwork(Section):
    """Convolutions and a transformer over the snapshots: the PyTorch pipeline's network."""

    kind: Literal["reference"] = knob("reference", "Which network.")
    width: int = knob(512, "Length D of the feature vectors.", ge=4, le=4096)
    dropout: float = knob(0.2, "Share of activations dropped in training.", ge=0, le=0.9)
    angle_grid: Annotated[tuple[GridSize, GridSize], Field(strict=False)] = knob(
        (61, 61), "Azimuths and elevations of the soft-argmax grid, ends included."
    )
    temperature: float = knob(0.15, "Temperature of the soft-argmax.", ge=0.01, le=10)
    heads: int = knob(8, "Attention heads; must divide the width.", ge=1, le=64)
    feedforward: int = knob(512, "Width of the feed-forward layers.", ge=1, le=8192)
    layers: int = knob(4, "Transformer encoder layers.", ge=1, le=24)
    filters: int = knob(256, "Filters of the convolutions over the snapshots.", ge=1, le=4096)
    normalise: bool = knob(
        True, "Divide measurements by their RMS over the scene; off for weights trained without."
    )
    count_head: bool = knob(
        True, "Heads that count sources; without them objective.weights.count must be 0."
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ReferenceNetwork":
        if self.width % self.heads:
            nearest = nearest_divisor(self.width, self.heads)
            raise ValueError(
                f"heads = {self.heads} must divide width = {self.width}; {nearest} does"
            )
        return self


class BeamspaceNetwork(Section):
    """Detections in an image of the power and MVDR spectrum at the panel: the default."""

    kind: Literal["beamspace"] = knob("beamspace", "Which network.")
    image: Annotated[tuple[GridSize, GridSize], Field(strict=False)] = knob(
        (33, 17), "Azimuths and elevations of the beamspace image, ends included."
    )
    planes_m: Annotated[tuple[Metres, ...], Field(strict=False, min_length=1, max_length=16)] = (
        knob((0.8, 1.5, 3.0, 8.0), "Ranges at which the image is focused, two channels each.", "m")
    )
    filters: int = knob(32, "Filters of the 3x3 convolutions.", ge=1, le=4096)
    blocks: int = knob(2, "Residual blocks of two 3x3 convolutions.", ge=0, le=64)
    detections: int | None = knob(
        None, "Detections of a scene; empty takes twice scene.sources_max.", ge=1, le=256
    )
    rounds: int = knob(
        2, "Times that detections are fitted to the measurement, moved and judged.", ge=0, le=8
    )
    width: int = knob(64, "Width of the heads that move and judge detections.", ge=1, le=4096)
    dropout: float = knob(0.0, "Share of activations dropped in training.", ge=0, le=0.9)


Network = Annotated[BeamspaceNetwork | ReferenceNetwork, Field(discriminator="kind")]

SLOTS_01 = {"angle_grid", "temperature"}  # knobs that only the beamspace network of version 0.1 had
