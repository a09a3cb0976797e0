"""Steps of matrices along all of their directions alike: Muon (Jordan et al., 2024).

The gradient of a layer's matrix has a few large singular values and many small ones, and Adam,
which looks at its entries, moves the layer along a few directions. The nearest orthogonal matrix
moves it along all of them. Products of matrices find it, without a decomposition.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

LEAST = 16  # inputs and outputs of a layer whose steps are made orthogonal
STEPS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's: singular values come within 0.7..1.2 in five steps
TINY = 1e-12


def is_matrix(path: str, shape: Sequence[int]) -> bool:
    """Whether steps of a weight are made orthogonal.

    Biases and gains are no matrices, an embedding's rows are looked up and not multiplied, and
    layers of few inputs or outputs, a network's last ones among them, learn better by AdamW.

    Args:
        path: of the weight.
        shape: of the weight; its last axis is that of outputs.
    """
    if len(shape) < 2 or "embedding" in path.lower():
        return False
    return min(math.prod(shape[:-1]), shape[-1]) >= LEAST


def orthogonal(arrays: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Matrices with about the singular vectors of the given ones, and all singular values alike.

    Newton-Schulz iterations; matrices of one shape take them together. Zero stays zero.

    Args:
        arrays: float32 `[..., outputs]` each, a matrix of all other axes by the last.

    Returns:
        Arrays of the same shapes, whose entries have a mean square of about 1.
    """
    flat = [_tall(tf.reshape(array, [-1, array.shape[-1]]), array) for array in arrays]
    shapes = [tuple(matrix.shape) for matrix in flat]
    alike = {shape: [n for n, s in enumerate(shapes) if s == shape] for shape in shapes}
    stacks = [tf.stack([flat[n] for n in numbers]) for numbers in alike.values()]
    lengths = [tf.norm(stack, axis=[1, 2], keepdims=True) for stack in stacks]
    _, stacks = tf.while_loop(
        lambda step, _: step < STEPS,
        lambda step, now: (step + 1, [_nearer(stack) for stack in now]),
        (tf.constant(0), [s / (length + TINY) for s, length in zip(stacks, lengths, strict=True)]),
        maximum_iterations=STEPS,
    )
    found: dict[int, tf.Tensor] = {}
    for (longer, _), numbers, stack in zip(alike, alike.values(), stacks, strict=True):
        found |= dict(zip(numbers, tf.unstack(math.sqrt(longer) * stack), strict=True))
    return [tf.reshape(_tall(found[n], array), array.shape) for n, array in enumerate(arrays)]


def _tall(matrix: tf.Tensor, array: tf.Tensor) -> tf.Tensor:
    """A matrix whose array has more outputs than inputs the other way round: it has few columns."""
    outputs = array.shape[-1]
    return matrix if math.prod(array.shape[:-1]) >= outputs else tf.transpose(matrix)


def _nearer(matrices: tf.Tensor) -> tf.Tensor:
    """`a X + b X (X^T X) + c X (X^T X)^2` of `[n, rows, columns]`, columns being the shorter."""
    a, b, c = QUINTIC
    gram = tf.matmul(matrices, matrices, transpose_a=True)
    return a * matrices + tf.matmul(matrices, b * gram + c * tf.matmul(gram, gram))
