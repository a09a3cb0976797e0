"""The PyTorch pipeline's networks as our reference network: which array goes where, and how.

Its public networks, the first and the later one, are the reference network of SPEC 3 up to the
order of axes. The later one has no count head. Differences that remain:

- A dense layer of PyTorch is `[out, in]`, one of Keras `[in, out]`; convolutions are
  `[out, in, length]` and `[length, in, out]`.
- The pooled means of anti-diagonals come as `[re..., im...]` there, and as re, im by turns here.
- It joins `[features, pooled]`, we join `[pooled, features]`; it pools to a quarter of the width,
  we to 128: missing columns are zeros.
- Its direct count head reads `f1`. Ours reads `f2`, a layer behind `f1` that is set to pass it
  through: the identity with a bias of 8, where GELU is a line; the layer norm behind cancels the 8.
- Its spectral count head has features of its own, of our shapes: eigenvalues that are not divided
  by their sum, of the angle factor alone, at a loading of 1. The weights are taken, so its logits
  differ: the only output that does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

POOLED = 128  # width of our pooled features
PASSING = 8.0  # bias at which GELU passes features of about -0.2..10 through

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Sizes:
    """What the shapes of a checkpoint's weights say.

    Attributes:
        antennas: `M`.
        elements: `N`.
        snapshots: `L`.
        max_sources: `K_max`.
        width: `D`.
        feedforward: of the transformer.
        layers: of the transformer.
        filters: of the convolutions over the snapshots.
        angle_grid: azimuths and elevations.
        pooled: features of the anti-diagonal means.
        counts: whether it has the heads that count sources.
    """

    antennas: int
    elements: int
    snapshots: int
    max_sources: int
    width: int
    feedforward: int
    layers: int
    filters: int
    angle_grid: tuple[int, int]
    pooled: int
    counts: bool


def dense(kernel: np.ndarray) -> np.ndarray:
    """`[out, in]` to `[in, out]`."""
    return kernel.T


def convolution(kernel: np.ndarray) -> np.ndarray:
    """`[out, in, length]` to `[length, in, out]`."""
    return kernel.transpose(2, 1, 0)


def depthwise(kernel: np.ndarray) -> np.ndarray:
    """`[channels, 1, length]` to `[length, channels]`."""
    return kernel[:, 0].T


def by_turns(kernel: np.ndarray) -> np.ndarray:
    """`[P, 2 S]` of `[re..., im...]` to `[2 S, 128]` of re, im by turns."""
    halves = kernel.T.reshape(2, -1, kernel.shape[0])
    return widened(halves.transpose(1, 0, 2).reshape(-1, kernel.shape[0]))


def widened(array: np.ndarray) -> np.ndarray:
    """`[..., P]` with zeros up to `[..., 128]`."""
    missing = POOLED - array.shape[-1]
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, missing)])


def pooled_first(kernel: np.ndarray) -> np.ndarray:
    """`[D, D + P]` of features and pooled to `[128 + D, D]` of pooled and features."""
    width = kernel.shape[0]
    features, pooled = kernel[:, :width], kernel[:, width:]
    return np.concatenate([widened(pooled).T, features.T])


def unchanged(array: np.ndarray) -> np.ndarray:
    """As it is."""
    return array


Change = Callable[[np.ndarray], np.ndarray]


def _layer(theirs: str, ours: str, change: Change) -> Iterator[tuple[str, str, Change]]:
    """A layer of a kernel and a bias."""
    yield f"{theirs}.weight", f"{ours}/kernel", change
    yield f"{theirs}.bias", f"{ours}/bias", unchanged


def _norm(theirs: str, ours: str) -> Iterator[tuple[str, str, Change]]:
    yield f"{theirs}.weight", f"{ours}/gamma", unchanged
    yield f"{theirs}.bias", f"{ours}/beta", unchanged


def _encoder_layer(number: int) -> Iterator[tuple[str, str, Change]]:
    theirs, ours = f"transformer.layers.{number}", f"encoder_{number}"
    yield f"{theirs}.self_attn.in_proj_weight", f"{ours}/query_key_value/kernel", dense
    yield f"{theirs}.self_attn.in_proj_bias", f"{ours}/query_key_value/bias", unchanged
    yield from _layer(f"{theirs}.self_attn.out_proj", f"{ours}/projection", dense)
    yield from _layer(f"{theirs}.linear1", f"{ours}/expand", dense)
    yield from _layer(f"{theirs}.linear2", f"{ours}/contract", dense)
    yield from _norm(f"{theirs}.norm1", f"{ours}/norm_attention")
    yield from _norm(f"{theirs}.norm2", f"{ours}/norm_feedforward")


def table(layers: int, counts: bool) -> list[tuple[str, str, Change]]:
    """Each of their weights, the variable of ours that it becomes, and how.

    Args:
        layers: of the transformer.
        counts: whether there are heads that count.
    """
    encoder = "snapshot_encoder"
    rows = [
        *_layer("y_conv1", f"{encoder}/widen", convolution),
        *_layer("y_dw", f"{encoder}/depthwise", depthwise),
        *_layer("y_conv2", f"{encoder}/mix", convolution),
        *(row for number in range(layers) for row in _encoder_layer(number)),
        *_layer("H_proj", "channel_branch/dense", dense),
        *_layer("codes_conv", "code_branch/conv", convolution),
        *_layer("fusion", "fusion/dense", dense),
        *_layer("cov_fact_angle", "angle_factor/dense", dense),
        *_layer("cov_fact_range", "range_factor/dense", dense),
        ("antidiag_pool.proj.weight", "pooled/dense/kernel", by_turns),
        ("antidiag_pool.proj.bias", "pooled/dense/bias", widened),
        *_layer("fusion_with_antidiag", "pooled_fusion/dense", pooled_first),
        *_layer("logits_gg", "angle_grid/dense", dense),
        *_layer("aux_angles", "auxiliary_angles/dense", dense),
        *_layer("aux_range.0", "range/dense", dense),
    ]
    return [*rows, *_counting()] if counts else rows


def _counting() -> Iterator[tuple[str, str, Change]]:
    for theirs, ours in (("k_direct_mlp", "count_direct"), ("k_mlp", "count_spectral")):
        yield from _norm(f"{theirs}.0", f"{ours}/norm")
        yield from _layer(f"{theirs}.1", f"{ours}/widen", dense)
        yield from _layer(f"{theirs}.3", f"{ours}/logits", dense)
    yield "k_logit_scale", "logit_scale", lambda scale: scale.reshape(())


def converted(weights: Weights, sizes: Sizes) -> dict[str, np.ndarray]:
    """Our network's variables by path, without its name.

    Args:
        weights: of the checkpoint, by name; each of `table` is there.
        sizes: what their shapes say.

    Returns:
        float32; of a network that counts, all but the two layers of `spectral`, which the
        fused features do not use.
    """
    rows = table(sizes.layers, sizes.counts)
    ours = {path: change(weights[name]) for name, path, change in rows}
    if sizes.counts:
        width = sizes.width
        passing = np.concatenate([np.zeros((POOLED, width)), np.eye(width)])
        ours["spectral_fusion/dense/kernel"] = passing
        ours["spectral_fusion/dense/bias"] = np.full(width, PASSING)
    return {path: np.array(array, np.float32, order="C") for path, array in ours.items()}
