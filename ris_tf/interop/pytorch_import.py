"""A run made of a PyTorch checkpoint: its network and configuration, without any training."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ris_tf.config import dump_config
from ris_tf.engine.checkpoint import save_network
from ris_tf.interop.pytorch_config import Chosen, chosen_config
from ris_tf.interop.pytorch_file import CheckpointFile, CheckpointFileError
from ris_tf.interop.pytorch_state import arrays_of, sizes_of, state_of
from ris_tf.interop.pytorch_weights import POOLED, Sizes, Weights, converted
from ris_tf.network import Network, build_network
from ris_tf.runlog import BeganFrom, End, EventWriter, Notice, Reason, RunDirectory, sha256

IMPORTED = "imported"  # kind of notice

# What an imported network predicts otherwise than the pipeline's, or needs a person to know.
OTHER_COUNTS = (
    "count logits differ from the pipeline's: its spectral count head has eigenvalue features of "
    "its own; with its weights on the features here, the likeliest count is the same in about 7 "
    "of 8 scenes"
)
NO_COUNTS = (
    "the network has no heads that count sources: estimators that take its count are left out, "
    "others count by themselves, and --count gives the number"
)
SCALE = (
    "measurements are not divided by their RMS, as in the pipeline: predictions depend on the "
    "scale of y, which the pipeline amplifies by 1000"
)


@dataclass(frozen=True)
class PytorchNetwork:
    """A checkpoint, read and understood.

    Attributes:
        path: its file.
        sizes: of its network.
        chosen: its configuration.
        weights: ours, by the variable's path without the network's name.
    """

    path: Path
    sizes: Sizes
    chosen: Chosen
    weights: Weights

    @classmethod
    def read(
        cls, path: Path, config: Path | None = None, overrides: Sequence[str] = ()
    ) -> "PytorchNetwork":
        """Read a checkpoint of the PyTorch pipeline.

        Args:
            path: what `torch.save` wrote: a state_dict, or one below `model`, `backbone` or
                `state_dict`.
            config: a configuration whose keys count where the weights do not show them.
            overrides: `key=value` texts, which count more.

        Raises:
            CheckpointFileError: it is no such checkpoint, or damaged.
            ConfigError: a key cannot be used, or contradicts the weights.
        """
        file = CheckpointFile.open(path)
        state = state_of(file)
        sizes = sizes_of(state, path)
        arrays = arrays_of(file, state)
        names = [f"soft_argmax.grid_{axis}" for axis in ("phi", "theta")]
        grids = [arrays[name] for name in names] if set(names) <= arrays.keys() else []
        chosen = chosen_config(sizes, grids, path, config, overrides)
        return cls(path, sizes, chosen, converted(arrays, sizes))

    def network(self) -> Network:
        """Our reference network with these weights; what they do not have is as drawn.

        Raises:
            CheckpointFileError: the panel or the network is of other sizes.
        """
        network = build_network(self.chosen.config)
        variables = {v.path.removeprefix(f"{network.name}/"): v for v in network.variables}
        for path, array in self.weights.items():
            if path not in variables or tuple(variables[path].shape) != array.shape:
                problem = f"has no place for weights of shape {list(array.shape)} here"
                raise CheckpointFileError(problem, source=str(self.path), key=path)
            variables[path].assign(array)
        return network

    def remarks(self) -> Iterator[str]:
        """What differs from the pipeline's network, a sentence each."""
        yield OTHER_COUNTS if self.sizes.counts else NO_COUNTS
        if not getattr(self.chosen.config.network, "normalise", True):
            yield SCALE
        if self.sizes.pooled < POOLED:
            yield (
                f"its {self.sizes.pooled} pooled features are padded with zeros to the {POOLED} of "
                "the network here: predictions are the same"
            )

    def make_run(self, path: Path, command: Sequence[str]) -> RunDirectory:
        """A run's folder with this network as its best one; it appears whole or not at all.

        Args:
            path: where.
            command: command line of this process.

        Raises:
            RunError: the folder exists, or cannot be made.
        """
        network = self.network()
        began_from = BeganFrom(str(self.path), sha256(self.path))

        def fill(folder: Path) -> None:
            save_network(folder / "checkpoints", network)
            with EventWriter(folder / "events.jsonl") as events:
                for text in self.remarks():
                    events.write(Notice(time.time(), "info", text, what=IMPORTED))
                words = f"from {self.path.name}, never trained here"
                events.write(End(time.time(), 0, Reason.IMPORTED, words))

        document = dump_config(self.chosen.config)
        return RunDirectory.create(path, document, command, began_from=began_from, fill=fill)


def parameters(weights: Weights) -> int:
    """How many numbers there are."""
    return sum(int(np.prod(array.shape)) for array in weights.values())
