"""The state_dict of a PyTorch checkpoint: where it lies, and what its shapes say."""

from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.interop.pytorch_file import CheckpointFile, CheckpointFileError
from ris_tf.interop.pytorch_pickle import TensorView
from ris_tf.interop.pytorch_weights import POOLED, Sizes, table

BELOW = ("model", "backbone", "state_dict")  # keys that a state_dict may lie under
FIRST = "y_conv1.weight"  # which every network of the table has
# Not used by the pipeline's network, or constants that ours computes.
PASSED_OVER = ("k_spec_proj.", "k_fuse.", "antidiag_pool.antidiag_", "soft_argmax.grid_")
LARGEST_LAYERS = 24
SHOWN = 3  # names in a message


def state_of(file: CheckpointFile) -> dict[str, TensorView]:
    """The tensors of the network by name, wherever in the checkpoint they lie.

    Raises:
        CheckpointFileError: there is no network of the table.
    """
    for document in _candidates(file.document):
        for name in document:
            if name.endswith(FIRST):
                prefix = name.removesuffix(FIRST)  # of a network in another, as `module.`
                return {
                    key.removeprefix(prefix): view
                    for key, view in document.items()
                    if key.startswith(prefix)
                }
    raise _another(file.path, f"has no {FIRST}", _tensors(file.document))


def _candidates(document: Any, depth: int = 2) -> list[dict[str, TensorView]]:
    """Dictionaries of tensors: the document itself, and those below the usual keys."""
    if not isinstance(document, Mapping):
        return []
    below = [document[key] for key in BELOW if key in document] if depth else []
    return [_tensors(document), *(one for inner in below for one in _candidates(inner, depth - 1))]


def _tensors(document: Any) -> dict[str, TensorView]:
    items = document.items() if isinstance(document, Mapping) else ()
    return {name: v for name, v in items if isinstance(name, str) and isinstance(v, TensorView)}


def sizes_of(state: Mapping[str, TensorView], path: Path) -> Sizes:
    """What the shapes say; every shape of the table agrees with it.

    Args:
        state: of the network.
        path: of the checkpoint, for errors.

    Raises:
        CheckpointFileError: it is another network, or its shapes contradict each other.
    """
    layers = _layers(state)
    counts = any(name.startswith(("k_mlp.", "k_direct_mlp.")) for name in state)
    names = {name for name, _, _ in table(layers, counts)}
    missing = [name for name in names if name not in state]
    extra = [name for name in state if name not in names and not name.startswith(PASSED_OVER)]
    if missing or not layers:
        raise _another(path, f"lacks {_listed(missing)}", state)
    if extra:
        raise _another(
            path, f"has {_listed(extra)}, for which the network here has no place", state
        )
    sizes = _read_sizes({name: view.shape for name, view in state.items()}, layers, counts, path)
    _require_shapes(state, sizes, path)
    return sizes


def _layers(state: Mapping[str, TensorView]) -> int:
    """Transformer layers, numbered from 0."""
    start = "transformer.layers."
    numbers = {name.split(".")[2] for name in state if name.startswith(start)}
    return min(sum(number.isdecimal() for number in numbers), LARGEST_LAYERS)


def _read_sizes(
    shapes: Mapping[str, tuple[int, ...]], layers: int, counts: bool, path: Path
) -> Sizes:
    try:
        filters, antennas2, _ = shapes["y_conv1.weight"]
        width = shapes["y_conv2.weight"][0]
        elements = shapes["codes_conv.weight"][1] // 2
        max_sources = shapes["aux_range.0.bias"][0]
        cells = shapes["logits_gg.bias"][0] // max_sources
        return Sizes(
            antennas=antennas2 // 2,
            elements=elements,
            snapshots=shapes["H_proj.weight"][1] // antennas2,
            max_sources=max_sources,
            width=width,
            feedforward=shapes["transformer.layers.0.linear1.bias"][0],
            layers=layers,
            filters=filters,
            angle_grid=_grid(shapes, cells),
            pooled=shapes["antidiag_pool.proj.bias"][0],
            counts=counts,
        )
    except (ValueError, IndexError, ZeroDivisionError) as error:
        problem = "has weights of shapes that make no network"
        raise CheckpointFileError(problem, source=str(path)) from error


def _grid(shapes: Mapping[str, tuple[int, ...]], cells: int) -> tuple[int, int]:
    """Azimuths and elevations: of the grid that is kept, else of a square one."""
    kept = [shapes.get(f"soft_argmax.grid_{axis}") for axis in ("phi", "theta")]
    if all(kept):
        return kept[0][0], kept[1][0]  # pyright: ignore[reportOptionalSubscript]
    return isqrt(cells), isqrt(cells)


def _require_shapes(state: Mapping[str, TensorView], sizes: Sizes, path: Path) -> None:
    """Every weight has the shape that the sizes ask for."""
    if sizes.pooled > POOLED:
        problem = f"pools to {sizes.pooled} features; the network here has {POOLED}"
        raise CheckpointFileError(problem, source=str(path))
    for name, shape in _expected(sizes).items():
        if state[name].shape != shape:
            raise CheckpointFileError(
                f"is {list(state[name].shape)}, but with the other weights it must be "
                f"{list(shape)}",
                source=str(path),
                key=name,
            )


def _expected(s: Sizes) -> dict[str, tuple[int, ...]]:
    """Shapes of the kernels by name; a bias follows its kernel."""
    half, means = s.width // 2, 2 * (2 * s.elements - 1)
    azimuths, elevations = s.angle_grid
    kernels: dict[str, tuple[int, ...]] = {
        "y_conv1": (s.filters, 2 * s.antennas, 5),
        "y_dw": (s.filters, 1, 3),
        "y_conv2": (s.width, s.filters, 1),
        "H_proj": (half, 2 * s.snapshots * s.antennas),
        "codes_conv": (half, 2 * s.elements, 5),
        "fusion": (s.width, s.width + 2 * half),
        "cov_fact_angle": (2 * s.elements * s.max_sources, s.width),
        "cov_fact_range": (2 * s.elements * s.max_sources, s.width),
        "antidiag_pool.proj": (s.pooled, means),
        "fusion_with_antidiag": (s.width, s.width + s.pooled),
        "logits_gg": (s.max_sources * azimuths * elevations, s.width),
        "aux_angles": (2 * s.max_sources, s.width),
        "aux_range.0": (s.max_sources, s.width),
    }
    for layer in range(s.layers):
        at = f"transformer.layers.{layer}"
        kernels |= {
            f"{at}.self_attn.out_proj": (s.width, s.width),
            f"{at}.linear1": (s.feedforward, s.width),
            f"{at}.linear2": (s.width, s.feedforward),
            f"{at}.norm1": (s.width,),
            f"{at}.norm2": (s.width,),
        }
    if s.counts:
        for head, features in (("k_direct_mlp", s.width), ("k_mlp", 5 * s.max_sources + 2)):
            kernels |= {
                f"{head}.0": (features,),
                f"{head}.1": (POOLED, features),
                f"{head}.3": (s.max_sources, POOLED),
            }
    shapes = {f"{name}.weight": shape for name, shape in kernels.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in kernels.items()}
    for layer in range(s.layers):
        at = f"transformer.layers.{layer}.self_attn.in_proj"
        shapes |= {f"{at}_weight": (3 * s.width, s.width), f"{at}_bias": (3 * s.width,)}
    return shapes | ({"k_logit_scale": (1,)} if s.counts else {})


def arrays_of(file: CheckpointFile, state: Mapping[str, TensorView]) -> dict[str, np.ndarray]:
    """The weights that are taken, by name.

    Raises:
        CheckpointFileError: the file does not have one, or it has a value that is not finite.
    """
    taken = {k: file.array(v) for k, v in state.items() if not k.startswith(PASSED_OVER[:3])}
    for name, array in taken.items():
        if array.dtype != np.float32:
            allowed = "must be a tensor of a floating type"
            raise CheckpointFileError(source=str(file.path), key=name, allowed=allowed)
        if not np.isfinite(array).all():
            problem = "has values that are not finite"
            raise CheckpointFileError(problem, source=str(file.path), key=name)
    return taken


def _another(path: Path, problem: str, state: Mapping[str, TensorView]) -> CheckpointFileError:
    """It is none of the networks that the table has."""
    numbers = sum(int(np.prod(view.shape)) for view in state.values())
    what = f"{len(state)} tensors, {numbers:,} numbers" if state else "no tensors"
    return CheckpointFileError(
        f"is of another network ({what}): it {problem}",
        source=str(path),
        allowed="must be of the PyTorch pipeline's first or later public network",
        remedy="its newest branch is another architecture, which no network here matches",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
