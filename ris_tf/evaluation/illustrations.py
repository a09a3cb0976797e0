"""The data of figures of spectra and bounds."""

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.errors import ConfigError
from ris_tf.covariance import Covariance, back_projection, sample_covariance, true_covariance
from ris_tf.data.completion import completed, tensors
from ris_tf.data.scene_set import SceneSet
from ris_tf.estimation.bound import cramer_rao_bound
from ris_tf.estimation.estimators import Estimators
from ris_tf.evaluation.pictures import Curve, Picture
from ris_tf.network import Network
from ris_tf.receiver import observed
from ris_tf.scene import Scenes, Simulator, Split, batch_size
from ris_tf.scene.positions import true_positions

SNR_POINTS, RANGE_POINTS = 9, 13
QUARTILES = (25, 50, 75)
OF = {"azimuth": "azimuth", "elevation": "elevation", "range": "range_m"}


def scene_of_test(config: Config, scene: int, files: SceneSet | None = None) -> Scenes:
    """One test scene, the one of that number in `ris-tf evaluate`: arrays of a batch of 1.

    Args:
        config: what is simulated, or what files are of.
        scene: its number, from 0.
        files: scenes in place of simulated ones; their powers and noise are estimated if not given.

    Raises:
        ConfigError: the files have no such scene.
    """
    if files is None:
        batch = batch_size(config, Split.TEST)
        made = Simulator(config)(Split.TEST, 0, scene // batch, batch)
        row = scene % batch
        return tf.nest.map_structure(lambda x: x[row : row + 1], made)
    if scene >= files.scenes:
        allowed = f"must be below {files.scenes:,}, the scenes of {files.text}"
        raise ConfigError(key="--scene", value=scene, allowed=allowed)
    return completed(tensors(files.read(np.array([scene]))), config)


def spectra_of_scene(
    config: Config, network: Network | None, one: Scenes, method: str
) -> tuple[list[Picture], np.ndarray]:
    """Spectra of the covariances of one test scene.

    Args:
        config: of the scene and of the grid.
        network: its covariance is included; `None` for none.
        one: the scene, as `scene_of_test` gives it.
        method: `mvdr` or `music`, with the true number of sources.

    Returns:
        A picture for each covariance, and `[K, 2]` true directions in degrees.
    """
    y, channel, codes, _ = one.measurement
    backprojected = back_projection(y, channel, codes, config.covariance.ridge)
    covariances: dict[str, Covariance] = {"sample covariance": sample_covariance(backprojected)}
    estimators = Estimators(config, network)
    if network:
        predicted = estimators.network_covariance(one.measurement, one.sources.count)[0]
        covariances = {"network": predicted, **covariances}
    covariances["true covariance"] = true_covariance(one.steering, one.sources.power)
    grid = estimators.grid
    axes = np.degrees(grid.azimuth), np.degrees(grid.elevation)
    pictures = [
        Picture(*axes, estimators.power(method, r, one.sources.count)[0].numpy(), name)
        for name, r in covariances.items()
    ]
    count = int(one.sources.count[0])
    truth = np.degrees(np.stack([one.sources.azimuth[0], one.sources.elevation[0]], axis=-1))
    return pictures, truth[:count]


def bound_by_snr(config: Config, scenes: int) -> dict[str, list[Curve]]:
    """Quartiles of the bound against SNR: for each coordinate, a curve for each source count.

    The bound is proportional to the noise's standard deviation: the same scenes serve all SNRs.
    """
    levels = np.linspace(*config.scene.snr_db, SNR_POINTS)
    curves: dict[str, list[Curve]] = {name: [] for name in OF}
    for count in range(config.scene.sources_min, config.scene.sources_max + 1):
        values = _bounds(config, {"sources_min": count, "sources_max": count}, scenes)
        for name, at_zero_db in values.items():
            low, middle, high = np.percentile(at_zero_db, QUARTILES)
            scale = 10 ** (-levels / 20)
            label = f"{count} source{'s' if count > 1 else ''}"
            curves[name].append(Curve(label, levels, *(scale * v for v in (low, middle, high))))
    return curves


def bound_by_range(config: Config, scenes: int) -> list[Curve]:
    """Quartiles of the range bound of one source against its distance, at three SNRs.

    Raises:
        ConfigError: the scene has a single range.
    """
    nearest, farthest = config.scene.range_m
    if nearest == farthest:
        value = [nearest, farthest]
        raise ConfigError("a single range", key="scene.range_m", value=value, remedy="widen it")
    places = np.geomspace(nearest, farthest, RANGE_POINTS)
    quartiles = []
    for place in places:
        here = {"sources_min": 1, "sources_max": 1, "range_m": (float(place), float(place))}
        quartiles.append(np.percentile(_bounds(config, here, scenes)["range"], QUARTILES))
    low, middle, high = np.array(quartiles).T
    levels = np.unique(np.linspace(*config.scene.snr_db, 3))[::-1]
    return [
        Curve(f"{level:g} dB", places, *(10 ** (-level / 20) * v for v in (low, middle, high)))
        for level in levels
    ]


def _bounds(config: Config, changes: dict, scenes: int) -> dict[str, np.ndarray]:
    """Bounds at 0 dB of all sources of some test scenes: degrees, degrees, metres."""
    scene = config.scene.model_copy(update={**changes, "snr_db": (0.0, 0.0)})
    simulator = Simulator(config.model_copy(update={"scene": scene}))
    made: Scenes = simulator(Split.TEST, 0, 0, scenes)
    data = observed(made.measurement._replace(y=made.noise_free), simulator.panel, scene.symbols)
    bound = cramer_rao_bound(data, true_positions(made.sources), made.noise_variance)
    values = {name: getattr(bound, of).numpy().ravel() for name, of in OF.items()}
    values = {name: value[~np.isnan(value)] for name, value in values.items()}
    return {n: v if n == "range" else np.degrees(v) for n, v in values.items()}
