"""A network as a list of named parts, the source of its table and its optimizer groups."""

from dataclasses import dataclass

import keras

DROPOUTS = 4  # dropouts of one encoder layer, in the numbering of all dropouts


@dataclass(frozen=True)
class Part:
    """One row of the network's table.

    Attributes:
        name: of the part.
        layers: description of its layers.
        output: shape of its output without the batch, as text.
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
        """Number of parameters of the part."""
        return sum(block.count_params() for block in self.blocks)


def stack(name: str, shape: tuple[int, ...], *layers: keras.layers.Layer) -> keras.Sequential:
    """A named chain of layers, built for inputs of `[B, *shape]`."""
    chain = keras.Sequential(list(layers), name=name)
    chain.build((None, *shape))
    return chain
