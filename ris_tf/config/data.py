"""Knobs of scenes from files."""

from pydantic import Field

from ris_tf.config.conversion import Conversion
from ris_tf.config.knobs import Section


class Data(Section):
    """Scenes from files."""

    convert: Conversion = Field(default_factory=Conversion)
