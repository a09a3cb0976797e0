"""What a configuration takes of a machine, before anything of it is allocated. No TensorFlow.

Estimates within some tens of percent: they tell megabytes from terabytes, and half a minute from an
hour.
"""

import math

import psutil

from ris_tf.config.errors import ConfigError
from ris_tf.config.network import BeamspaceNetwork, ReferenceNetwork
from ris_tf.config.schema import Config
from ris_tf.words import counted

FLOAT, GIBIBYTE = 4, 2**30
COPIES = 6  # of the weights in training: themselves, gradients, two moments, two averages
KEPT = 3  # arrays that a layer keeps of its outputs until its gradient is computed
CONVOLUTION = 9  # weights of a 3x3 kernel
HEAD_INPUTS = 64  # of a detection head beside the features, at most
SHOWN_BESIDE = 0.5  # share of the memory above which a person is told
COMPLEX = 8
PER_SCENE = 2  # arrays of all snapshots, antennas and elements that a scene has in memory
BLOCK = 2**19  # entries of steering vectors that a scan makes at a time
BLOCK_S = 0.05  # to trace and prepare one of them
LARGEST_SCAN = 1500  # such blocks
# Bytes that a graph keeps of each entry, which TensorFlow computes once and copies: 28 of a panel
# of 16 elements at 5 to 80 million entries, 18 of one of 4096 at 200 million, both mirrored.
KEPT_OF_SCAN = 28
SCENES, AT_ONCE = 32, 2  # scenes of a chunk that is estimated, and chunks in memory together
LONG_S = 10.0  # before the first result, above which a person is told
# Pursuit keeps the responses of its grid for as many scenes as fit into this, at least for one.
TABLE_BYTES = 256 * 2**20
# Its peak over that of a process that has made the scenes, 64 of them, whose noise is known: 788 MB
# on a panel of 12 x 12, 2,283 of 24 x 24, 2,370 of 32 x 32. These give 1,073, 2,131 and 2,304.
FITTED = 256 * 2**20  # graphs of all numbers of sources
OF_TABLE, OF_SCENES = 6.5, 1.5  # copies of that table, and of all scenes
BEAM_SHARE = 0.8  # of a beam's width between directions of the grid that pursuit starts from
CORNER_PHASE = 7.0  # radians of curvature at the panel's corners between its planes


def parameters(config: Config) -> int:
    """Weights of a network, about; 0 where it is a plug-in's."""
    knobs = config.network
    if isinstance(knobs, BeamspaceNetwork):
        return _of_beamspace(knobs)
    return _of_reference(knobs, config) if isinstance(knobs, ReferenceNetwork) else 0


def _of_beamspace(knobs: BeamspaceNetwork) -> int:
    filters, width, planes = knobs.filters, knobs.width, len(knobs.planes_m)
    trunk = CONVOLUTION * filters * (2 * planes + 2 * knobs.blocks * filters)
    renewal = CONVOLUTION * filters * (planes + 3 * filters)
    head = width * (filters + HEAD_INPUTS) + 2 * width**2
    return trunk + max(knobs.rounds - 1, 0) * renewal + knobs.rounds * head


def _of_reference(knobs: ReferenceNetwork, config: Config) -> int:
    width, scene, elements = knobs.width, config.scene, config.geometry.elements
    encoder = knobs.layers * (4 * width**2 + 2 * width * knobs.feedforward)
    encoder += knobs.filters * (10 * scene.antennas + width)
    branches = width * (scene.snapshots * scene.antennas + 5 * elements + 2 * width)
    factors = 4 * width * elements * scene.sources_max
    grid = width * scene.sources_max * math.prod(knobs.angle_grid)
    return encoder + branches + factors + grid


def training_bytes(config: Config) -> int:
    """Memory of training, about: weights of every replica, and what a batch keeps of each layer."""
    knobs, batch = config.network, config.training.batch
    replicas = config.training.replicas or 1
    kept = 0
    if isinstance(knobs, BeamspaceNetwork):
        layers = 1 + 2 * knobs.blocks + 3 * max(knobs.rounds - 1, 0)
        kept = layers * math.prod(knobs.image) * knobs.filters
    elif isinstance(knobs, ReferenceNetwork):
        layer = 6 * knobs.width + 2 * knobs.feedforward
        kept = config.scene.snapshots * (2 * knobs.filters + knobs.layers * layer)
    weights = FLOAT * COPIES * replicas * parameters(config)
    validated = config.training.validated_together * (scene_bytes(config) + FLOAT * kept)
    trained = batch * (scene_bytes(config) + FLOAT * KEPT * kept)
    read_off = estimation_bytes(config, 1) if config.training.spectrum_scenes else 0
    return weights + max(trained, validated) + read_off


def scene_bytes(config: Config) -> int:
    """Memory of one simulated or read scene, about: `H diag(c_l)` of all its snapshots."""
    scene = config.scene
    return COMPLEX * PER_SCENE * scene.snapshots * scene.antennas * config.geometry.elements


def starting_points(config: Config) -> tuple[int, int, int]:
    """Azimuths, elevations and planes of the grid that pursuit starts from: parts of a beam, a few
    radians of curvature."""
    geometry, scene = config.geometry, config.scene

    def points(interval: tuple[float, float], elements: int) -> int:
        step = BEAM_SHARE / (elements * geometry.spacing)
        return 1 + math.ceil(math.radians(interval[1] - interval[0]) / step)

    diagonal = (geometry.columns**2 + geometry.rows**2) / 4
    corner = diagonal * (geometry.spacing * geometry.wavelength_m) ** 2
    curvature = 1 / scene.range_m[0] - 1 / scene.range_m[1]
    phase = math.pi / geometry.wavelength_m * corner * curvature
    return (
        points(scene.azimuth_deg, geometry.columns),
        points(scene.elevation_deg, geometry.rows),
        1 + math.ceil(phase / CORNER_PHASE),
    )


def scan_entries(config: Config) -> int:
    """Numbers that the steering vectors of `localize.grid` are."""
    grid = math.prod(config.localize.grid)
    return grid * config.localize.planes * config.geometry.elements


def scan_bytes(config: Config, scans: int) -> int:
    """Memory of scans of `localize.grid`, about: steering vectors, and spectra of a chunk."""
    azimuth = config.scene.azimuth_deg
    halves = 1 if azimuth[0] == -azimuth[1] else 2  # a mirrored field is half computed
    spectra = 4 * FLOAT * AT_ONCE * SCENES * math.prod(config.localize.grid)
    return (scans * halves * KEPT_OF_SCAN * scan_entries(config) + spectra) if scans else 0


def estimation_bytes(config: Config, scans: int, fits: bool = False) -> int:
    """Memory of estimators, about: their scans, and what two chunks of scenes have.

    Args:
        config: panel, scenes, grids.
        scans: estimators that scan `localize.grid`.
        fits: whether some fit sources, from a grid of starting points.
    """
    scenes = AT_ONCE * SCENES * scene_bytes(config)
    fitted = pursuit_bytes(config) if fits else scenes
    return scan_bytes(config, scans) + fitted


def pursuit_bytes(config: Config) -> int:
    """Memory of pursuit in the scenes that are estimated at a time, about."""
    received = COMPLEX * config.scene.snapshots * config.scene.antennas
    each = received * math.prod(starting_points(config))
    table = max(each, min(AT_ONCE * SCENES * each, TABLE_BYTES))
    scenes = AT_ONCE * SCENES * scene_bytes(config)
    return round(FITTED + OF_TABLE * table + OF_SCENES * scenes)


def require_room_for_network(config: Config) -> None:
    """Refuse a network whose weights this machine has no memory for.

    Raises:
        ConfigError: naming what it takes.
    """
    _require(FLOAT * parameters(config), f"a network of {parameters(config):,} weights", "network")


def require_room_for_training(config: Config) -> None:
    """Refuse a training that this machine has no memory for.

    Raises:
        ConfigError: naming what it takes.
    """
    if config.training.spectrum_scenes:
        require_room_for_estimation(config)
    if config.training.replicas and config.training.replicas > 1:
        others = "network, training.batch or training.replicas"
    else:
        others = "network, training.batch, geometry, scene.antennas or scene.snapshots"
    what = f"training {parameters(config):,} weights on batches of {config.training.batch} scenes"
    _require(training_bytes(config), what, others)


def require_room_for_estimation(config: Config, scans: int = 1, fits: bool = False) -> None:
    """Refuse grids and scenes that this machine has no memory for, or that take for ever.

    Args:
        config: panel, scenes, grids.
        scans: estimators that scan `localize.grid`, each of which takes memory for it.
        fits: whether some fit sources, from a grid of starting points.

    Raises:
        ConfigError: naming what it takes.
    """
    entries, directions = scan_entries(config), math.prod(config.localize.grid)
    if scans and entries > LARGEST_SCAN * BLOCK:
        raise ConfigError(
            f"{directions:,} directions on {counted(config.localize.planes, 'plane')} of "
            f"{counted(config.geometry.elements, 'element')} are {entries:,} numbers a spectrum",
            key="localize.grid",
            value=list(config.localize.grid),
            allowed=f"at most {LARGEST_SCAN * BLOCK:,} are scanned",
            remedy="set a coarser localize.grid, or fewer localize.planes",
        )
    without = estimation_bytes(config, 0, fits)
    keys = "geometry, scene.antennas or scene.snapshots"
    _require(without, f"estimating {AT_ONCE * SCENES} scenes at a time", keys)
    what = f"{counted(scans, 'scan')} of {directions:,} directions"
    keys = "localize.grid or localize.planes" + (", or name fewer estimators" if scans > 1 else "")
    _require(estimation_bytes(config, scans, fits), what, keys)


def estimation_words(config: Config, scans: int, fits: bool = False) -> str:
    """What estimators take of this machine's memory and a person's time; empty for little."""
    words = _share_words(estimation_bytes(config, scans, fits)), _wait_words(config, scans)
    return "; ".join(filter(None, words))


def training_words(config: Config) -> str:
    """What training takes of this machine's memory and a person's time; empty for little."""
    words = [_share_words(training_bytes(config))]
    if config.training.spectrum_scenes:
        words.append(_wait_words(config, 1))
    return "; ".join(filter(None, words))


def _wait_words(config: Config, scans: int) -> str:
    waits = scans * scan_entries(config) / BLOCK * BLOCK_S
    directions = math.prod(config.localize.grid)
    if waits < LONG_S:
        return ""
    return f"preparing to scan {directions:,} directions takes about {waits:.0f} s"


def _share_words(needed: int) -> str:
    has = psutil.virtual_memory().total
    if needed < SHOWN_BESIDE * has:
        return ""
    return f"about {_gibibytes(needed)} of this machine's {_gibibytes(has)} of memory"


def _require(needed: int, what: str, keys: str) -> None:
    has = psutil.virtual_memory().total
    if needed > has:
        raise ConfigError(
            f"{what} would take about {_gibibytes(needed)} of memory, this machine has "
            f"{_gibibytes(has)}",
            remedy=f"set a smaller {keys}",
        )


def _gibibytes(size: int) -> str:
    return f"{size / GIBIBYTE:,.3g} GiB"
