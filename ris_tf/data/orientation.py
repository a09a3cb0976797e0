"""Whether measurements make sense as they are read, or only with other axes."""

import math
from pathlib import Path

import numpy as np

from ris_tf.config import Config, Conversion
from ris_tf.data.containers import open_container
from ris_tf.data.conversion import Converted, first_file
from ris_tf.data.errors import ContainerError
from ris_tf.data.physics import loudest_share, score
from ris_tf.data.reading import INSPECT, readings, sizes_of
from ris_tf.data.variants import evidence_of, reading_variants

SCENES = 8
LEAST = 0.05  # of a score, by which other axes must explain more
SPREADS = 3.0  # standard deviations of a score by chance


def refuse_transposed(config: Config, path: Path, convert: Conversion) -> None:
    """Refuse a file whose `y` fits with other axes, too, and explains far more with them.

    Only where `L = M`, or another size occurs twice, is there anything to compare: the share of `y`
    that the best single place of a coarse grid explains.

    Raises:
        ContainerError: the axes are others; the remedy names the setting.
    """
    container = open_container(first_file(path))
    found = readings(container, convert, sizes_of(config))
    variants = reading_variants(found, lambda reading: Converted(container, convert, reading))
    if len(variants) < 2:
        return
    rows = np.arange(min(SCENES, variants[0].scenes))
    values = [_score(config, variant, rows) for variant in variants]
    best = int(np.argmin(values))
    numbers = config.scene.antennas * config.scene.snapshots * len(rows)
    if values[0] - values[best] > max(LEAST, SPREADS / math.sqrt(numbers)):
        axes = variants[best].reading.sources
        names = [r for r in ("y", "channel", "codes")
                 if axes[r].layout.axes != variants[0].reading.sources[r].layout.axes]  # fmt: skip
        settings = " ".join(f"--set data.convert.{r}_axes={axes[r].layout.axes}" for r in names)
        raise ContainerError(
            f"is transposed: a single place leaves {math.exp(values[0]):.2f} of it, and "
            f"{math.exp(values[best]):.2f} with its axes exchanged",
            source=str(path),
            key=", ".join(axes[names[0]].names),
            remedy=f"add {settings}; {INSPECT}",
        )


def _score(config: Config, variant: Converted, rows: np.ndarray) -> float:
    rows = rows[rows < variant.scenes]
    left = loudest_share(evidence_of(variant, rows), config.geometry, config.scene.symbols)
    return float(score(left[None])[0])
