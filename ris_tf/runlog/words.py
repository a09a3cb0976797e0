"""Figures and names as people read them."""

import math
from collections.abc import Sequence
from pathlib import Path


def number(value: float, digits: int = 5) -> str:
    """A figure to some significant digits, or a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    text = f"{value:.{digits}g}"
    return text.replace("-", "−")


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell folders apart: `first`, or `a/first` and `b/first`.

    Args:
        folders: each once; links are followed.
    """
    parts = [folder.resolve().parts for folder in folders]
    return [_shortest_end(one, [other for other in parts if other != one]) for one in parts]


def _shortest_end(parts: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    for length in range(1, len(parts)):
        if all(other[-length:] != parts[-length:] for other in others):
            return "/".join(parts[-length:])
    return str(Path(*parts))
