"""What a configuration takes of a machine, before anything of it is allocated. No TensorFlow.

Estimates within some tens of percent: they tell megabytes from terabytes, and half a minute from an
hour.
"""

import math

import psutil

from ris_tf.config.errors import ConfigError
from ris_tf.config.network import BeamspaceNetwork, ReferenceNetwork
from ris_tf.config.schema import Config

FLOAT, GIBIBYTE = 4, 2**30
COPIES = 6  # of the weights in training: themselves, gradients, two moments, two averages
KEPT = 3  # arrays that a layer keeps of its outputs until its gradient is computed
CONVOLUTION = 9  # weights of a 3x3 kernel
HEAD_INPUTS = 64  # of a detection head beside the features, at most
SHOWN_BESIDE = 0.5  # share of the memory above which a person is told
BLOCK = 2**19  # entries of steering vectors that a scan makes at a time
LARGEST_SCAN = 1500  # such blocks; each takes a part of the graph, and some 50 ms to trace
SCENES = 64  # that a scan has in memory together


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
    return FLOAT * (COPIES * replicas * parameters(config) + KEPT * batch * kept)


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
    what = f"training {parameters(config):,} weights on batches of {config.training.batch} scenes"
    _require(training_bytes(config), what, "network, training.batch or training.replicas")


def require_room_for_scan(config: Config) -> None:
    """Refuse a grid of spectra that this machine has no memory for, or that takes for ever.

    Raises:
        ConfigError: naming what it takes.
    """
    directions = math.prod(config.localize.grid)
    entries = directions * config.localize.planes * config.geometry.elements
    if entries > LARGEST_SCAN * BLOCK:
        raise ConfigError(
            f"{directions:,} directions on {config.localize.planes} planes of "
            f"{config.geometry.elements} elements are {entries:,} numbers a spectrum",
            key="localize.grid",
            value=list(config.localize.grid),
            allowed=f"at most {LARGEST_SCAN * BLOCK:,} are scanned",
            remedy="set a coarser localize.grid, or fewer localize.planes",
        )
    _require(4 * FLOAT * SCENES * directions, f"{SCENES} spectra", "localize.grid")


def memory_words(config: Config) -> str:
    """What training takes of this machine's memory, where that is much; else empty."""
    needed, has = training_bytes(config), psutil.virtual_memory().total
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
