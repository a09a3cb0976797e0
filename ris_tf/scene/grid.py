"""Regular grids over the field of view, ends included."""

import numpy as np

from ris_tf.config.scene import Scene


def field_axes(scene: Scene, azimuths: int, elevations: int) -> tuple[np.ndarray, np.ndarray]:
    """Azimuths `[azimuths]` and elevations `[elevations]` of a grid, float64 radians."""
    return (
        np.radians(np.linspace(*scene.azimuth_deg, num=azimuths)),
        np.radians(np.linspace(*scene.elevation_deg, num=elevations)),
    )
