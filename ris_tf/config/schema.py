"""The whole configuration: the only place where a knob is named."""

from typing import Any

from pydantic import Field, field_validator

from ris_tf.config.knobs import Section, knob
from ris_tf.config.learning import Covariance, Objective, Training
from ris_tf.config.localize import Localize
from ris_tf.config.network import BeamspaceNetwork, Network
from ris_tf.config.scene import Channel, Codes, Geometry, Imperfections, Scene
from ris_tf.config.search import Search


class Config(Section):
    """Everything a run depends on; two runs of one `Config` on one machine are the same run."""

    seed: int = knob(42, "Seed of scenes, weights and dropout.", ge=0, le=2**31 - 1)
    geometry: Geometry = Field(default_factory=Geometry)
    scene: Scene = Field(default_factory=Scene)
    channel: Channel = Field(default_factory=Channel)
    codes: Codes = Field(default_factory=Codes)
    imperfections: Imperfections = Field(default_factory=Imperfections)
    covariance: Covariance = Field(default_factory=Covariance)
    network: Network = Field(default_factory=BeamspaceNetwork)
    objective: Objective = Field(default_factory=Objective)
    training: Training = Field(default_factory=Training)
    localize: Localize = Field(default_factory=Localize)
    search: Search = Field(default_factory=Search)

    @field_validator("network", mode="before")
    @classmethod
    def _beamspace_unless_said(cls, value: Any) -> Any:
        value = {} if value is None else value
        return {"kind": "beamspace", **value} if isinstance(value, dict) else value
