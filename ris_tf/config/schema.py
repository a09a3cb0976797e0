"""The whole configuration: the only place where a knob is named."""

from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, create_model, field_validator, model_validator

from ris_tf.config.data import Data
from ris_tf.config.knobs import Section, knob
from ris_tf.config.learning import Covariance, Objective, Training
from ris_tf.config.localize import Localize
from ris_tf.config.network import SLOTS_01, BeamspaceNetwork, Network
from ris_tf.config.registry import (
    OUR_NETWORKS,
    NetworkKind,
    Term,
    extra_networks,
    extra_terms,
    weights_with,
)
from ris_tf.config.scene import Channel, Codes, Geometry, Imperfections, Scene
from ris_tf.config.search import Search

LEAST_LOADED = 1e-6  # on the diagonal of an effective covariance of trace N


class Config(Section):
    """Everything a run depends on; two runs of one `Config` on one machine are the same run."""

    seed: int = knob(42, "Seed of scenes, weights and dropout.", ge=0, le=2**31 - 1)
    geometry: Geometry = Field(default_factory=Geometry)
    scene: Scene = Field(default_factory=Scene)
    channel: Channel = Field(default_factory=Channel)
    codes: Codes = Field(default_factory=Codes)
    imperfections: Imperfections = Field(default_factory=Imperfections)
    data: Data = Field(default_factory=Data)
    covariance: Covariance = Field(default_factory=Covariance)
    network: Network = Field(default_factory=BeamspaceNetwork)
    objective: Objective = Field(default_factory=Objective)
    training: Training = Field(default_factory=Training)
    localize: Localize = Field(default_factory=Localize)
    search: Search = Field(default_factory=Search)

    @field_validator("network", mode="before")
    @classmethod
    def _beamspace_by_default(cls, value: Any) -> Any:
        value = {} if value is None else value
        if not isinstance(value, dict):
            return value
        value = {"kind": "beamspace", **value}
        if value["kind"] == "beamspace" and (old := SLOTS_01 & value.keys()):
            raise ValueError(
                f"{' and '.join(sorted(old))} are of the beamspace network of version 0.1, which "
                "had slots: train it again, or open the run with ris_tf 0.1"
            )
        return value

    @model_validator(mode="after")
    def _panel_has_room_for_sources(self) -> "Config":
        """The network's features have a mean of the eigenvalues behind the `K_max + 1` largest."""
        elements, max_sources = self.geometry.elements, self.scene.sources_max
        if elements < max_sources + 2:
            raise ValueError(
                f"scene.sources_max = {max_sources} takes a panel of at least "
                f"{max_sources + 2} elements, but geometry.columns x geometry.rows = "
                f"{self.geometry.columns} x "
                f"{self.geometry.rows} has {elements}: enlarge the panel, or set "
                f"scene.sources_max to at most {elements - 2}"
            )
        return self

    @model_validator(mode="after")
    def _sources_have_detections(self) -> "Config":
        """Each source is assigned one of them, and they are cells of the image."""
        if not isinstance(self.network, BeamspaceNetwork):
            return self
        max_sources, (azimuths, elevations) = self.scene.sources_max, self.network.image
        detections = self.network.detections or 2 * max_sources
        if not max_sources <= detections <= azimuths * elevations:
            raise ValueError(
                f"network.detections = {detections} does not lie between scene.sources_max = "
                f"{max_sources} and the {azimuths * elevations} cells of network.image = "
                f"[{azimuths}, {elevations}]"
            )
        return self

    @model_validator(mode="after")
    def _effective_covariance_has_an_inverse(self) -> "Config":
        """Its determinant and its inverse are taken, and the network's has a rank below `N`."""
        knobs, snr_db = self.covariance, self.scene.snr_db[1]
        least = knobs.loading + knobs.shrinkage_at(snr_db)
        if least < LEAST_LOADED:
            raise ValueError(
                f"covariance.loading = {knobs.loading:g} with a shrinkage of "
                f"{knobs.shrinkage_at(snr_db):g} at {snr_db:g} dB (covariance.shrinkage, "
                f"shrinkage_bounds, scene.snr_db) leaves the covariance singular: their sum must "
                f"be at least {LEAST_LOADED:g}; set covariance.loading to that or more"
            )
        return self


def schema() -> type[Config]:
    """`Config` with the terms and networks that plug-ins have added; what files are read by."""
    terms, networks = extra_terms(), extra_networks()
    return _extended(terms, networks) if terms or networks else Config


@lru_cache(maxsize=8)
def _extended(terms: tuple[Term, ...], networks: tuple[NetworkKind, ...]) -> type[Config]:
    weights = weights_with(terms)
    sections: Any = {
        one.name: (one.knobs, Field(default_factory=one.knobs)) for one in terms if one.knobs
    }
    objective = create_model(
        "Objective",
        __base__=Objective,
        __doc__=Objective.__doc__,
        weights=(weights, Field(default_factory=weights)),
        **sections,
    )
    kinds: Any = reduce(or_, [*OUR_NETWORKS.values(), *(one.section for one in networks)])
    network: Any = Annotated[kinds, Field(discriminator="kind")]
    fields: Any = {
        "network": (network, Field(default_factory=BeamspaceNetwork)),
        "objective": (objective, Field(default_factory=objective)),
    }
    return create_model("Config", __base__=Config, __doc__=Config.__doc__, **fields)
