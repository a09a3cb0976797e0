"""Gradient norms of the layers over time, as an image: a dying or exploding layer is a stripe."""

from dataclasses import dataclass

import numpy as np

from gui.models.panels import LAYER
from ris_tf.runlog import RunLog

COLUMNS = 600  # most pixels along time
FLOOR = 1e-12  # a norm of zero is shown as this


@dataclass(frozen=True)
class LayerImage:
    """Norms by layer and time.

    Attributes:
        layers: `[n]` names, in the order of the network.
        decades: `[n, columns]` float32, log10 of the largest norm within each column; NaN where no
            window was finite.
        steps: `[columns + 1]` window numbers at which columns begin and end.
    """

    layers: list[str]
    decades: np.ndarray
    steps: np.ndarray


def layer_image(log: RunLog, columns: int = COLUMNS) -> LayerImage | None:
    """The largest norm of every layer within stretches of windows; `None` without any."""
    names = [name for name in log.names if name.startswith(LAYER)]
    windows = len(log)
    if not names or not windows:
        return None
    columns = min(columns, windows)
    edges = np.linspace(0, windows, columns + 1).astype(np.int64)
    norms = np.stack([np.fmax.reduceat(log.column(name), edges[:-1]) for name in names])
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(np.where(norms > 0, norms, np.where(norms == 0, FLOOR, np.nan)))
    decades[~np.isfinite(decades)] = np.nan
    steps = np.append(log.steps[edges[:-1]], log.steps[-1] + 1)
    return LayerImage([name.removeprefix(LAYER) for name in names], decades, steps)
