"""Hyperparameters and the configuration: which keys there are, their values, and other ones."""

from collections.abc import Mapping
from typing import Any

from ris_tf.config import Config, Knob, ReferenceNetwork, all_knobs, replace_values, schema
from ris_tf.config.network import nearest_divisor
from ris_tf.search.trial import Value, plain


def knobs_of(config: Config) -> dict[str, Knob]:
    """The keys of a configuration's kind of network, and of everything else."""
    kinds = (None, config.network.kind)
    return {knob.path: knob for knob in all_knobs(schema()) if knob.variant in kinds}


def value_of(config: Config, key: str) -> Any:
    """A configuration's value of a dotted key, as YAML would have it."""
    value: Any = config.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def rounded(value: float) -> float:
    """Four digits, which is all that a chosen number means."""
    return float(f"{value:.4g}")


def with_hyperparameters(config: Config, hyperparameters: Mapping[str, Value]) -> Config:
    """A configuration with a trial's hyperparameters.

    The reference network's heads are taken to the nearest divisor of its width, the larger on a
    tie.

    Raises:
        ConfigError: no configuration allows the combination.
    """
    values = {key: plain(value) for key, value in hyperparameters.items()}
    chosen = {"network.width", "network.heads"} & set(values)
    if isinstance(config.network, ReferenceNetwork) and chosen:
        width = values.get("network.width", config.network.width)
        heads = values.get("network.heads", config.network.heads)
        if isinstance(width, int) and isinstance(heads, int) and 0 < heads < width:
            values["network.heads"] = nearest_divisor(width, heads)
    return replace_values(config, values, "hyperparameters")
