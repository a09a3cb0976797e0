"""Axes of arrays as letters, as `BLM`: found from shapes, and brought into our order.

`B` scenes, `L` snapshots, `M` antennas, `N` elements, `K` sources, `Q` the coordinates of a
position, `C` real and imaginary part, `1` an axis of length 1. Brackets stand around axes that are
joined, as `B(QK)` for `[B, 3 K]`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ris_tf.data.errors import ContainerError

Sizes = dict[str, int]
PARTS = 2  # length of axis C
COORDINATES = (3, 2)  # lengths that axis Q may have: without ranges there are two


class Layout(NamedTuple):
    """Axes of an array in its file.

    Attributes:
        axes: letters, as `MLB`.
        sizes: of each letter.
        cost: how far it is from our own order, 0 for ours.
    """

    axes: str
    sizes: Sizes
    cost: int

    @property
    def scene_axis(self) -> int | None:
        """The axis of the scenes, if they have one for themselves."""
        groups = grouped(self.axes)
        return groups.index("B") if "B" in groups else None


def grouped(axes: str) -> list[str]:
    """The letters of each axis: `["B", "QK"]` of `B(QK)`."""
    return [joined or alone for joined, alone in re.findall(r"\((\w+)\)|(\w)", axes)]


def sized(axes: str, shape: tuple[int, ...], known: Mapping[str, int]) -> Sizes | None:
    """The size of each letter of an array; `None` where its shape does not fit."""
    groups = grouped(axes)
    if len(groups) != len(shape):
        return None
    sizes = {"C": PARTS, **known}
    for letters, length in sorted(zip(groups, shape, strict=True), key=lambda pair: len(pair[0])):
        free = [letter for letter in letters if letter not in sizes and letter != "1"]
        taken = int(np.prod([sizes.get(letter, 1) for letter in letters], dtype=object))
        if len(free) > 1 or length % max(taken, 1) or (not free and taken != length):
            return None
        if free:
            sizes[free[0]] = length // max(taken, 1)
    return {letter: sizes[letter] for letter in "".join(groups) if letter != "1"}


def layouts(
    order: str, shape: tuple[int, ...], parts: bool, known: Mapping[str, int]
) -> Iterator[Layout]:
    """Every way in which a shape may have the axes `order`, ours first.

    Args:
        order: our axes, as `BLM`; the scenes may be missing.
        shape: of the array.
        parts: whether real and imaginary part are an axis of it.
        known: sizes that other arrays have shown.
    """
    for letters in (order, order.replace("B", "")):
        wanted = letters + ("C" if parts else "")
        if wanted and len(wanted) <= len(shape) <= len(wanted) + 2:
            yield from _placed(wanted, shape, known)


def _placed(wanted: str, shape: tuple[int, ...], known: Mapping[str, int]) -> Iterator[Layout]:
    """The letters on the axes in each order; axes that are left over must have length 1."""
    padded = wanted + "1" * (len(shape) - len(wanted))
    for axes in dict.fromkeys(itertools.permutations(padded)):
        if any(length != 1 for letter, length in zip(axes, shape, strict=True) if letter == "1"):
            continue
        text = "".join(axes)
        sizes = sized(text, shape, known)
        if sizes is not None and all(known.get(k, v) == v for k, v in sizes.items()):
            yield Layout(text, sizes, _cost(text.replace("1", ""), wanted))


def _cost(axes: str, ours: str) -> int:
    """0 for our order, 1 for ours in reverse, as column-major tools have it, 2 for others."""
    if axes == ours:
        return 0
    return 1 if axes in (ours[::-1], ours.replace("C", "")[::-1] + "C") else 2


def in_our_order(array: np.ndarray, axes: str, order: str, sizes: Mapping[str, int]) -> np.ndarray:
    """An array with its axes in the order `order`; axes that it lacks are left out.

    Args:
        array: as it lies in the file.
        axes: its letters.
        order: ours, with `C` at the end where there is one.
        sizes: of the letters, of these rows.
    """
    letters = "".join(grouped(axes))
    spread = array.reshape([1 if letter == "1" else sizes[letter] for letter in letters])
    kept = [letter for letter in order if letter in letters]
    dropped = tuple(place for place, letter in enumerate(letters) if letter == "1")
    spread = np.squeeze(spread, axis=dropped)
    remaining = letters.replace("1", "")
    return spread.transpose([remaining.index(letter) for letter in kept])


def fitted(
    name: str, axes: str, shape: tuple[int, ...], known: Mapping[str, int], source: str
) -> Layout:
    """The layout that somebody named.

    Raises:
        ContainerError: the array's shape does not fit it.
    """
    sizes = sized(axes, shape, known)
    if sizes is None:
        given = ", ".join(f"{k} = {v}" for k, v in known.items() if k in axes)
        problem = f"has shape {list(shape)}, which the axes {axes} do not fit"
        raise ContainerError(
            problem + (f" with {given}" if given else ""),
            source=source, key=name, remedy="set the axes as they lie in the file",
        )  # fmt: skip
    return Layout(axes, sizes, 0)
