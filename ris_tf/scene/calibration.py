"""The file of a calibration: what is known of the panel's elements."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ris_tf.arrays import FileError, read_array, require_same, shown
from ris_tf.config import Config
from ris_tf.scene.panel import Panel, make_panel

KEY = "imperfections.calibration"


class Calibration(NamedTuple):
    """What is known of the panel's `N` elements.

    Attributes:
        gains: `[N]` complex, of mean 1; 0 for a dead element.
        x_m: `[N]` metres from where they should be, along the panel's rows.
        z_m: `[N]` the same along its columns.
        deviation: `[N]` standard deviations of the gains' errors.
        model_error: share of the signal's energy that remains unexplained; `None` if not known.
    """

    gains: np.ndarray
    x_m: np.ndarray
    z_m: np.ndarray
    deviation: np.ndarray
    model_error: float | None

    def calibrated(self, channel: Any) -> Any:
        """`H diag(g)` of channels `[..., N]` complex64, numpy or TensorFlow."""
        return channel * self.gains.astype(np.complex64)

    def displaced(self, panel: Panel) -> Panel:
        """A panel with its elements where they are."""
        x, z = (np.asarray(axis) for axis in (panel.x, panel.z))
        return panel._replace(
            x=x + self.x_m.astype(x.dtype),
            z=z + self.z_m.astype(z.dtype),
        )

    def encoded(self) -> bytes:
        """As a `.npz`, whose `model_error` has no entry if it is not known."""
        file, share = io.BytesIO(), self.model_error
        arrays = {**self._asdict(), "model_error": np.array([] if share is None else [share])}
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()


def read_calibration(config: Config) -> Calibration | None:
    """The calibration that a configuration names; `None` if it names none.

    Raises:
        FileError: the file cannot be used.
    """
    if config.imperfections.calibration is None:
        return None
    path = Path(config.imperfections.calibration)
    require_same(path, config.imperfections.digest, KEY)
    arrays = {name: read_array(path, name, KEY) for name in Calibration._fields}
    share, elements = arrays.pop("model_error"), config.geometry.elements
    for name, array in arrays.items():
        if array.shape != (elements,):
            allowed = f"must be [{elements}], the elements of geometry.columns x geometry.rows"
            problem = f"its {name} has shape {list(array.shape)}"
            raise FileError(problem, key=KEY, value=shown(path), allowed=allowed)
    if not arrays["gains"].any() or share.size > 1 or (share < 0).any():
        problem = "has only dead elements, or no model_error from 0"
        raise FileError(
            problem, key=KEY, value=shown(path), remedy="make it anew: ris-tf calibrate"
        )
    return Calibration(**arrays, model_error=float(share[0]) if share.size else None)


def known_panel(config: Config) -> Panel:
    """The panel as the receiver knows it: where its elements should be, or where they are.

    Raises:
        FileError: the calibration that the configuration names cannot be used.
    """
    panel, calibration = make_panel(config.geometry), read_calibration(config)
    return calibration.displaced(panel) if calibration else panel
