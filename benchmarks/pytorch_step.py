"""PyTorch's step of the reference network's layers: what `bench_step.py` prints beside our own.

Its own process, since two libraries would share the threads. The layers are those of
`ris_tf.network.reference` with their sizes; what stands in for covariances and terms is the mean
square of the outputs, and inputs are made once: so it computes less than our step does. Gradients
are clipped, weights move by fused AdamW, and both averages follow.
"""

import sys
import time

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from ris_tf.config import Config, ReferenceNetwork, load_config

WARM_UP, REPEATS = 3, 15
DECAY, CLIP, RATE = 0.999, 1.0, 1e-4


class Layers(nn.Module):
    """The reference network without what has no weights, or hardly any."""

    def __init__(self, config: Config):
        super().__init__()
        sizes, scene, elements = config.network, config.scene, config.geometry.elements
        assert isinstance(sizes, ReferenceNetwork)
        width, filters, sources = sizes.width, sizes.filters, scene.sources_max
        self.widen = nn.Conv1d(2 * scene.antennas, filters, 5, padding=2)
        self.depthwise = nn.Conv1d(filters, filters, 3, padding=1, groups=filters)
        self.mix = nn.Conv1d(filters, width, 1)
        layer = nn.TransformerEncoderLayer(
            width, sizes.heads, sizes.feedforward, sizes.dropout, "gelu", batch_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, sizes.layers, enable_nested_tensor=False)
        self.channel = nn.Linear(2 * scene.snapshots * scene.antennas, width // 2)
        self.codes = nn.Conv1d(2 * elements, width // 2, 5, padding=2)
        self.fusion = nn.Linear(width + 2 * (width // 2), width)
        cells = sources * sizes.angle_grid[0] * sizes.angle_grid[1]
        outputs = (2 * elements * sources, 2 * elements * sources, cells, 3 * sources)
        self.heads = nn.ModuleList(nn.Linear(width, count) for count in outputs)

    def forward(self, y: torch.Tensor, channel: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """The mean square of all outputs."""
        gelu = nn.functional.gelu
        hidden = gelu(self.mix(self.depthwise(gelu(self.widen(y)))))
        tokens = self.transformer(hidden.transpose(1, 2)).mean(1)
        beside = gelu(self.channel(channel)), gelu(self.codes(codes)).mean(2)
        features = gelu(self.fusion(torch.cat([tokens, *beside], 1)))
        return sum((head(features).square().mean() for head in self.heads), torch.zeros(()))


def inputs(config: Config) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random numbers of the shapes that a batch has."""
    batch, scene = config.training.batch, config.scene
    length, antennas, elements = scene.snapshots, scene.antennas, config.geometry.elements
    return (
        torch.randn(batch, 2 * antennas, length),
        torch.randn(batch, 2 * length * antennas),
        torch.randn(batch, 2 * elements, length),
    )


def step_seconds(config: Config) -> tuple[float, int]:
    """Median seconds of a step, and the parameters that it moves."""
    network, batch = Layers(config), inputs(config)
    weights = list(network.parameters())
    averages = [[weight.detach().clone() for weight in weights] for _ in range(2)]
    optimizer = torch.optim.AdamW(weights, RATE, fused=True)
    times = []
    for window in range(WARM_UP + REPEATS):
        begin = time.perf_counter()
        optimizer.zero_grad()
        network(*batch).backward()
        torch.nn.utils.clip_grad_norm_(weights, CLIP)
        optimizer.step()
        with torch.no_grad():
            for average, share in zip(averages, (1 - DECAY, 1 / (window + 1)), strict=True):
                torch._foreach_lerp_(average, weights, share)
        times.append(time.perf_counter() - begin)
    return sorted(times[WARM_UP:])[REPEATS // 2], sum(weight.numel() for weight in weights)


if __name__ == "__main__":
    print(*step_seconds(load_config(sys.argv[1])))
