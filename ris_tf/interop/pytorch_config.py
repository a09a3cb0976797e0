"""The configuration of a run that is made of a PyTorch checkpoint."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import degrees, isqrt
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from ris_tf.config import (
    Config,
    ConfigError,
    config_file,
    overridden,
    parse_config,
    read_mapping,
    values_by_key,
)
from ris_tf.config.network import nearest_divisor
from ris_tf.disk import open_regular
from ris_tf.interop.pytorch_file import CheckpointFileError
from ris_tf.interop.pytorch_weights import Sizes

# What the pipeline's scenes are, and its networks were trained on.
CONVENTIONS = {
    "geometry.origin": "pytorch",
    "geometry.steering": "fresnel",
    "scene.symbols": "constant",
    "codes.selection": "stride",
    "channel.model": "pytorch",
    "network.normalise": False,
}
HEADS = 8  # of the pipeline's networks, unless a search chose others
BESIDE = "run_config.json"  # where the pipeline writes some settings, beside its checkpoints
# Its names of what weights do not show, by our key.
NAMES_BESIDE = {
    "network.heads": "num_heads",
    "network.dropout": "dropout",
    "geometry.columns": "n_h",
    "geometry.rows": "n_v",
}
LARGEST_BESIDE = 1 << 20  # bytes
DEEPEST_BESIDE = 3  # objects in objects
EVENLY = 1e-4  # radians that a grid may be off


@dataclass(frozen=True)
class Chosen:
    """A configuration, and where it comes from.

    Attributes:
        config: all of it.
        assumed: keys that neither the checkpoint nor a person gave, with their values.
        beside: keys that `run_config.json` gave.
    """

    config: Config
    assumed: dict[str, Any]
    beside: dict[str, Any]


def chosen_config(
    sizes: Sizes,
    grids: Sequence[np.ndarray],
    checkpoint: Path,
    given: Path | None,
    overrides: Sequence[str],
) -> Chosen:
    """Put together what the weights, a person and the pipeline's habits say, in this order.

    Args:
        sizes: of the weights.
        grids: azimuths and elevations of the soft-argmax in radians, where they are kept.
        checkpoint: the file, beside which `run_config.json` may lie.
        given: configuration of a person, whose keys count; `None` for none.
        overrides: `key=value` texts.

    Raises:
        ConfigError: a key cannot be used, or contradicts the weights.
    """
    fixed = {**_fixed(sizes), **_field_of_view(grids, checkpoint)}
    beside = _beside(checkpoint)
    typed = read_mapping(config_file(given)) if given else {}
    for text in overrides:
        typed = overridden(typed, text)
    guessed = _guessed(sizes, beside)
    document = read_mapping(config_file("reference"))
    for values in (CONVENTIONS, guessed, fixed):
        for key, value in values.items():
            document = _with(document, key.split("."), value)
    source = str(given or ("--set" if overrides else checkpoint))
    config = parse_config(_merged(document, typed), source)
    _require_fits(config, fixed, sizes, source)
    by_person = set(values_by_key(typed))
    return Chosen(
        config=config,
        assumed={k: v for k, v in guessed.items() if k not in by_person and k not in beside},
        beside={k: v for k, v in guessed.items() if k not in by_person and k in beside},
    )


def _fixed(sizes: Sizes) -> dict[str, Any]:
    """What the shapes decide, by key."""
    counts = {"network.count_head": sizes.counts}
    return {
        "scene.antennas": sizes.antennas,
        "scene.snapshots": sizes.snapshots,
        "scene.sources_max": sizes.max_sources,
        "network.kind": "reference",
        "network.width": sizes.width,
        "network.feedforward": sizes.feedforward,
        "network.layers": sizes.layers,
        "network.filters": sizes.filters,
        "network.angle_grid": list(sizes.angle_grid),
        **counts,
        **({} if sizes.counts else {"objective.weights.count": 0.0}),
    }


def _field_of_view(grids: Sequence[np.ndarray], checkpoint: Path) -> dict[str, Any]:
    """The intervals that the soft-argmax averages over; nothing where they are not kept."""
    intervals = {}
    for key, grid in zip(("scene.azimuth_deg", "scene.elevation_deg"), grids, strict=False):
        if np.abs(grid - np.linspace(grid[0], grid[-1], len(grid))).max() > EVENLY:
            problem = "has a soft-argmax grid that is not even; the network's here is"
            raise CheckpointFileError(problem, source=str(checkpoint))
        intervals[key] = [round(degrees(float(end)), 3) for end in (grid[0], grid[-1])]
    return intervals


def _guessed(sizes: Sizes, beside: Mapping[str, Any]) -> dict[str, Any]:
    """What no shape shows: from `run_config.json`, else as the pipeline usually has it."""
    side = isqrt(sizes.elements)
    square = {"geometry.columns": side, "geometry.rows": side}
    guessed = {
        "network.heads": HEADS,
        "network.temperature": 0.15,
        **(square if side**2 == sizes.elements else {}),
        **beside,
    }
    # The pipeline takes the nearest number of heads that divides the width, too.
    return {**guessed, "network.heads": nearest_divisor(sizes.width, guessed["network.heads"])}


def _beside(checkpoint: Path) -> dict[str, Any]:
    """Settings that `run_config.json` has, by our key; nothing where there is none to use."""
    path = checkpoint.with_name(BESIDE)
    try:
        with open_regular(path) as file:
            document = json.loads(file.read(LARGEST_BESIDE))
    except (OSError, ValueError, RecursionError):
        return {}
    named = {name.lower(): value for name, value in _entries(document)}
    found = ((ours, named.get(theirs)) for ours, theirs in NAMES_BESIDE.items())
    return {
        key: float(value) if key == "network.dropout" else int(value)
        for key, value in found
        if _is_number(value)
    }


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 4096


def _entries(document: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names and values of objects in objects."""
    if isinstance(document, dict) and depth < DEEPEST_BESIDE:
        for name, value in document.items():
            yield name, value
            yield from _entries(value, depth + 1)


def _require_fits(config: Config, fixed: Mapping[str, Any], sizes: Sizes, source: str) -> None:
    """Refuse settings that contradict the weights."""
    values = values_by_key(config.model_dump(mode="json"))
    for key, value in fixed.items():
        if values[key] != value:
            problem, remedy = f"the checkpoint's is {value}", "leave it out"
            raise ConfigError(problem, source=source, key=key, value=values[key], remedy=remedy)
    geometry = config.geometry
    if geometry.elements != sizes.elements:
        raise ConfigError(
            f"{geometry.columns} x {geometry.rows} panel, but the checkpoint's has "
            f"{sizes.elements} elements",
            key="geometry",
            remedy="--set geometry.columns=N_H --set geometry.rows=N_V",
        )


def _merged(document: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values, those of `above` instead of others."""
    merged = dict(document)
    for key, value in above.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value) if both else value  # pyright: ignore
    return merged


def _with(document: Mapping[str, Any], parts: Sequence[str], value: Any) -> dict[str, Any]:
    head, *rest = parts
    inner = document.get(head) or {}
    return {**document, head: _with(inner, rest, value) if rest else value}
