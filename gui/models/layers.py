"""Gradient norms of the layers over time, as an image: a dying or exploding layer is a stripe."""

from dataclasses import dataclass

import numpy as np

from gui.models.panels import LAYER
from ris_tf.runlog import RunLog

COLUMNS = 600  # pixels along time, at most
MIN_SPAN = 1e-9  # of x, for a single window
FLOOR = 1e-12  # a norm of zero is shown as this


@dataclass(frozen=True)
class LayerImage:
    """Norms by layer and time.

    Attributes:
        layers: `[n]` names, in the order of the network.
        decades: `[n, columns]` float32, log10 of the largest norm within each column; NaN where no
            window was finite.
        ends: x where the first column begins and the last one ends; all are equally wide.
    """

    layers: list[str]
    decades: np.ndarray
    ends: tuple[float, float]


def layer_image(
    log: RunLog, x: np.ndarray, span: tuple[float, float] | None = None, columns: int = COLUMNS
) -> LayerImage | None:
    """The largest norm of every layer within stretches of x; `None` without any.

    Args:
        log: the log.
        x: `[n]` where its windows are, never falling.
        span: x range; everything unless given.
        columns: how many there are at most.
    """
    names = [name for name in log.names if name.startswith(LAYER)]
    if not names or not len(log) or not np.isfinite(x[[0, -1]]).all():
        return None
    low, high = span or (float(x[0]), float(x[-1]))
    first, last = np.searchsorted(x, [low, high])
    last = min(last, len(x) - 1)
    columns = max(min(columns, int(last - first) + 1), 1)
    # A window stands from its x to that of the next; where there is none in a column, the one
    # before it goes on.
    begins = np.searchsorted(x, np.linspace(low, high, columns + 1)[:-1], "right") - 1
    begins = np.clip(begins, 0, last)
    norms = np.stack([np.fmax.reduceat(log.column(name)[: last + 1], begins) for name in names])
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(np.where(norms > 0, norms, np.where(norms == 0, FLOOR, np.nan)))
    decades[~np.isfinite(decades)] = np.nan
    ends = low, max(high, low + MIN_SPAN)
    return LayerImage([name.removeprefix(LAYER) for name in names], decades, ends)
