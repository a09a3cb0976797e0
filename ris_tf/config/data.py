"""Knobs of scenes that come from files."""

from pydantic import Field, model_validator

from ris_tf.config.conversion import Conversion
from ris_tf.config.knobs import Section, knob

SETS = ("train", "validation", "test")  # the sets of scenes that files may hold


class Data(Section):
    """Scenes from files: a file, a folder of shards, or a pattern; where empty, simulated ones."""

    train: str | None = knob(
        None, "Files of the scenes to train on; empty simulates them.", min_length=1
    )
    validation: str | None = knob(
        None, "Files of the scenes that validate an epoch; empty simulates them.", min_length=1
    )
    test: str | None = knob(
        None,
        "Files of the scenes that `evaluate` takes; empty simulates them.",
        min_length=1,
    )
    simulated_share: float = knob(
        0.0, "Share of simulated scenes in each training batch, beside those of files.", ge=0, lt=1
    )
    convert: Conversion = Field(default_factory=Conversion)

    @model_validator(mode="after")
    def _share_of_files(self) -> "Data":
        if self.simulated_share and self.train is None:
            raise ValueError(
                f"simulated_share = {self.simulated_share:g} is of batches from files: name them "
                "in data.train"
            )
        return self
