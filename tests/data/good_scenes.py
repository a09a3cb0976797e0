"""Scenes as a good file has them."""

from pathlib import Path

import h5py
import numpy as np

SHAPES = {"y": (3, 4, 5, 2), "channel": (3, 5, 6, 2), "codes": (3, 4, 6, 2)}
GOOD = {
    name: np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for name, shape in SHAPES.items()
}


def hdf5(path: Path, y: str | None = None) -> Path:
    """A good HDF5 file, without `y` where it comes in another way."""
    with h5py.File(path, "w") as file:
        for name, array in GOOD.items():
            if name != "y" or y is None:
                file[name] = array
    return path
