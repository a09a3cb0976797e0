"""What a search chooses from: the spaces `wide` and `narrow`, and those of files (SPEC 6)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ris_tf.config import (
    OUR_NETWORKS,
    BeamspaceNetwork,
    Config,
    ConfigError,
    Knob,
    ReferenceNetwork,
    read_mapping,
)
from ris_tf.config.errors import nearest
from ris_tf.config.knobs import Section
from ris_tf.errors import UserError
from ris_tf.search import Choices, Range, Space, Value, parse_entry
from ris_tf.search.hyperparameters import knobs_of, rounded, value_of, with_hyperparameters
from ris_tf.search.space import Entry

# Weights of the objective that the named spaces choose, and the range of each in the wide one.
WEIGHTS = {
    "covariance": Range(0.5, 2.0),
    "subspace": Range(0.02, 0.5, log=True),
    "angle": Range(0.4, 1.5),
    "range": Range(0.2, 0.9),
    "count": Range(0.05, 0.3),
}
# The beamspace network learns at ten times the rate, and its directions weigh more.
BEAMSPACE_WEIGHTS = WEIGHTS | {"angle": Range(0.75, 6.0, log=True), "range": Range(0.2, 1.8)}
RATES, BEAMSPACE_RATES = Range(1e-4, 1e-3, log=True), Range(5e-4, 2e-2, log=True)
BATCHES, BEAMSPACE_BATCHES = Choices((64, 80)), Choices((16, 32, 64))
DROPOUTS, BEAMSPACE_DROPOUTS = Range(0.05, 0.32), Range(0.0, 0.2)
SIZES = (0.5, 1.0, 1.5)  # factors of the beamspace network's sizes
NEAR = 1.5  # factor within which the narrow space stays

# What all trials share, or a search decides itself, by section or key, and why.
FIXED = {
    "seed": "trials share their scenes",
    "geometry": "trials are compared on the same scenes",
    "scene": "trials are compared on the same scenes",
    "channel": "trials are compared on the same scenes",
    "codes": "trials are compared on the same scenes",
    "data.train": "trials are trained on the same scenes",
    "data.validation": "trials are compared on the same scenes",
    "imperfections": "trials are compared on the same scenes",
    "search": "it is the budget that all trials have",
    "network.kind": "a search is of one kind of network",
    "objective.schedule": "weight schedules are off in searches",
    "training.epochs": "--epochs-per-trial sets it",
    "training.batches_per_epoch": "search.scenes sets how many scenes an epoch has",
    "training.validation_batch": "trials are compared on the same scenes",
    "training.validation_batches": "search.validation_scenes sets how many scenes compare trials",
    "training.patience": "--early-stop-patience sets it",
    "training.samples": "spectra are not kept in searches",
    "training.spectrum_scenes": "positions are not read from spectra in searches",
    "training.spectrum_every": "positions are not read from spectra in searches",
    "localize": "spectra are searched after training",
    "training.ema": "averages are off in searches",
    "training.ema_decay": "averages are off in searches",
    "training.swa": "averages are off in searches",
    "training.swa_start": "averages are off in searches",
    "training.swa_rate": "averages are off in searches",
    "training.distribution": "all trials train on the same devices",
    "training.replicas": "all trials train on the same devices",
    "training.threads": "results depend on it; --workers shares the processors",
    "training.compile": "results depend on it, not their quality",
}


def make_space(what: str, config: Config) -> Space:
    """A space by its name, `wide` or `narrow`, or from a YAML file.

    Args:
        what: as typed behind `--space`.
        config: what is searched around.

    Raises:
        ConfigError: there is no such file, or an entry does not fit the configuration's keys.
    """
    if what == "wide":
        return wide(config)
    if what == "narrow":
        return narrow(config)
    path = Path(what)
    if not path.suffix:
        raise ConfigError(key="--space", value=what, allowed="must be wide, narrow or a YAML file")
    return parse_space(read_mapping(path), config, str(path))


def wide(config: Config) -> Space:
    """Sizes, rates and weights over all that is plausible."""
    return {
        **_sizes_of(config.network),
        "training.learning_rate": BEAMSPACE_RATES if _detects(config) else RATES,
        "training.batch": BEAMSPACE_BATCHES if _detects(config) else BATCHES,
        **_weights_of(config),
        "covariance.shrinkage": Range(1e-4, 1e-2, log=True),
    }


def _sizes_of(network: Section) -> dict[str, Entry]:
    """Hyperparameters of a network; of a plug-in's, none: a file names them."""
    space = dict[str, Entry]()
    if isinstance(network, ReferenceNetwork):
        space["network.width"] = Choices((448, 512))
        space["network.heads"] = Choices((6, 8))  # the nearest divisor of the width is taken
        space["network.temperature"] = Range(0.10, 0.25)
        space["network.dropout"] = DROPOUTS
    elif isinstance(network, BeamspaceNetwork):
        space["network.filters"] = Choices(_sizes(network.filters))
        space["network.width"] = Choices(_sizes(network.width))
        space["network.dropout"] = BEAMSPACE_DROPOUTS
    return space


def _weights_of(config: Config) -> dict[str, Entry]:
    """Weights; a network may have no head for those that are 0, which stay 0."""
    every = config.network.kind in OUR_NETWORKS and getattr(config.network, "count_head", True)
    weights = BEAMSPACE_WEIGHTS if _detects(config) else WEIGHTS
    return {
        f"objective.weights.{name}": entry
        for name, entry in weights.items()
        if every or value_of(config, f"objective.weights.{name}")
    }


def _detects(config: Config) -> bool:
    return isinstance(config.network, BeamspaceNetwork)


def _sizes(size: int) -> tuple[int, ...]:
    return tuple(max(round(factor * size), 1) for factor in SIZES)


def narrow(config: Config) -> Space:
    """Rates and weights within a factor 1.5 of the configuration's own; what is 0 there stays 0."""
    keys = ["training.learning_rate", "network.dropout"]
    keys += [f"objective.weights.{name}" for name in WEIGHTS]
    own = {key: value_of(config, key) for key in keys if key in knobs_of(config)}
    highest = {
        knob.path: dict(knob.bounds)["le"] for knob in knobs_of(config).values() if knob.path in own
    }
    return {
        key: Range(rounded(value / NEAR), min(rounded(value * NEAR), highest[key]), log=True)
        for key, value in own.items()
        if value
    }


def parse_space(document: Mapping[str, Any], config: Config, source: str) -> Space:
    """A space as in YAML files: a list of choices or a range for each configuration key.

    Args:
        document: `{key: [value, ...]}` or `{key: {least:, most:, scale:}}`.
        config: what is searched around.
        source: the file, for messages.

    Raises:
        ConfigError: a key is unknown or fixed in searches, or a value is out of the key's bounds.
    """
    if not document:
        remedy = "give choices or a range for at least one"
        raise ConfigError("no key", source=source, remedy=remedy)
    knobs = knobs_of(config)
    space = {}
    for key, given in document.items():
        _check_key(key, knobs, config, source)
        entry = {"choices": given} if isinstance(given, list) else given
        try:
            space[key] = parse_entry(key, entry)
        except UserError as error:
            raise ConfigError.like(error, source) from error
        _check_entry(key, space[key], knobs[key], config, source)
    return space


def _check_key(key: Any, knobs: Mapping[str, Knob], config: Config, source: str) -> None:
    if not isinstance(key, str):
        allowed = "must be a configuration key, as section.key"
        raise ConfigError(source=source, key="key", value=key, allowed=allowed)
    if key not in knobs:
        section = key.rpartition(".")[0]
        others = [path for path in knobs if path.rpartition(".")[0] == section] or list(knobs)
        raise ConfigError(
            f"unknown key of a configuration with the {config.network.kind} network",
            source=source,
            key=key,
            remedy=nearest(key, others),
        )
    for fixed, why in FIXED.items():
        if key == fixed or key.startswith(f"{fixed}."):
            raise ConfigError(f"cannot be searched: {why}", source=source, key=key)


def _check_entry(key: str, entry: Entry, knob: Knob, config: Config, source: str) -> None:
    """Refuse values that no trial could have; those that depend on others fail their trials."""
    if isinstance(entry, Range) and knob.type not in ("int", "float"):
        allowed = f"must have choices: a {knob.type} has no range"
        raise ConfigError(source=source, key=key, allowed=allowed)
    if isinstance(entry, Choices):
        values: tuple[Value, ...] = entry.values
    else:
        values = (entry.least, entry.most)
        if knob.type == "int" and not all(float(value).is_integer() for value in values):
            allowed = "least and most must be whole numbers"
            raise ConfigError(source=source, key=key, allowed=allowed)
        values = tuple(int(value) if knob.type == "int" else float(value) for value in values)
    for value in values:
        try:
            with_hyperparameters(config, {key: value})
        except ConfigError as error:
            if error.key == key or error.key.startswith(f"{key}."):
                raise ConfigError.like(error, source) from error
