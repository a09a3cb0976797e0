"""A network as a list of named parts, which its table and its optimizer groups are read from."""

from dataclasses import dataclass

import keras

DROPOUTS = 4  # places that one encoder layer takes in the numbering of dropouts


@dataclass(frozen=True)
class Part:
    """One row of the network's table.

    Attributes:
        name: what the part is.
        layers: its layers, in words.
        output: shape of its output without the batch, in words.
        blocks: the Keras layers that hold its weights.
        head: whether it belongs to the heads' optimizer group.
    """

    name: str
    layers: str
    output: str
    blocks: tuple[keras.layers.Layer, ...]
    head: bool = False

    @property
    def variables(self) -> list[keras.Variable]:
        """Trainable variables of the part."""
        return [v for block in self.blocks for v in block.trainable_variables]

    @property
    def parameters(self) -> int:
        """How many numbers the part learns."""
        return sum(block.count_params() for block in self.blocks)


def stack(name: str, shape: tuple[int, ...], *layers: keras.layers.Layer) -> keras.Sequential:
    """A named chain of layers, built for inputs of `[B, *shape]`."""
    chain = keras.Sequential(list(layers), name=name)
    chain.build((None, *shape))
    return chain
