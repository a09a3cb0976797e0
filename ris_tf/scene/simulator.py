"""What the base station receives: batches of simulated scenes (SPEC 1)."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.parts import squared
from ris_tf.products import matmul
from ris_tf.scene.calibration import read_calibration
from ris_tf.scene.channel import draw_channel
from ris_tf.scene.channel_file import FileChannels
from ris_tf.scene.codebook import draw_codes, fixed_phases
from ris_tf.scene.hardware import draw_hardware
from ris_tf.scene.panel import Panel, make_panel
from ris_tf.scene.random import Draws, Split, Stream
from ris_tf.scene.sources import Sources, draw_sources
from ris_tf.scene.steering import steering_vectors

TEST_BATCH = 64  # scenes; with another number, all tables would be of other test scenes


class Measurement(NamedTuple):
    """What the receiver measures.

    Attributes:
        y: `[B, L, M]` complex64, antenna signals of every snapshot.
        channel: `[B, M, N]` complex64, `H`, of a calibrated panel times its elements' gains.
        codes: `[B, L, N]` complex64, nominal codes of modulus 1.
        snr_db: `[B]` float32.
    """

    y: tf.Tensor
    channel: tf.Tensor
    codes: tf.Tensor
    snr_db: tf.Tensor


class Scenes(NamedTuple):
    """A batch of measurements, and the truth behind them.

    Attributes:
        measurement: what the receiver measures.
        sources: where the sources are.
        steering: `[B, N, K_max]` complex64 steering vectors `U`; columns of inactive sources zero.
        noise_free: `[B, L, M]` complex64, the measurement before noise was added.
        noise_variance: `[B]` float32.
    """

    measurement: Measurement
    sources: Sources
    steering: tf.Tensor
    noise_free: tf.Tensor
    noise_variance: tf.Tensor


def batch_size(config: Config, split: Split) -> int:
    """Scenes of a batch of a split; test scenes are the same whatever batches train."""
    training = config.training
    sizes = {Split.TRAINING: training.batch, Split.VALIDATION: training.validated_together}
    return sizes.get(split, TEST_BATCH)


class Simulator:
    """Simulates batch `i` of epoch `e`: the same scenes on every machine, in any order of calls.

    Calls are TensorFlow graph code; wrap them in a `tf.function` to compile them.

    Args:
        config: what to simulate.

    Raises:
        FileError: a file that it names, of channels or of a calibration, cannot be used.
    """

    def __init__(self, config: Config):
        self.config = config
        self.panel = make_panel(config.geometry)
        self._phases = fixed_phases(config.geometry, config.scene.snapshots, config.codes)
        self._channels = FileChannels(config) if config.channel.model == "file" else None
        self._calibration = read_calibration(config)

    def __call__(
        self,
        split: Split | tf.Tensor,
        epoch: int | tf.Tensor,
        batch: int | tf.Tensor,
        size: int,
    ) -> Scenes:
        """Scenes of one batch.

        Args:
            split: training, validation or test scenes; its number may be a scalar int32 tensor
                where channels are not of a file.
            epoch: whole number or scalar tensor.
            batch: whole number or scalar tensor.
            size: scenes `B` of the batch; part of what identifies it.
        """
        config = self.config
        draws = Draws(config.seed, split, epoch, batch)
        sources = draw_sources(draws, size, config.scene, config.geometry.wavelength_m)
        channel = self._channel(draws, split, size)
        codes = draw_codes(draws, size, config.scene.snapshots, self._phases, config.codes)
        clean = self._noise_free(draws, sources, channel, codes)
        snr_db = draws.uniform(Stream.SNR, [size], *config.scene.snr_db)
        y, noise_variance = with_noise(draws, clean, snr_db)
        return Scenes(
            measurement=Measurement(y, self._known(channel), codes, snr_db),
            sources=sources,
            steering=true_steering(self.panel, sources),
            noise_free=clean,
            noise_variance=noise_variance,
        )

    def _channel(self, draws: Draws, split: Split | tf.Tensor, size: int) -> tf.Tensor:
        """`H` of each scene: `[B, M, N]`."""
        if self._channels is not None:
            return self._channels.draw(draws, split, size)
        antennas = self.config.scene.antennas
        return draw_channel(draws, size, antennas, self.panel, self.config.channel)

    def _known(self, channel: tf.Tensor) -> tf.Tensor:
        """The channel as the receiver has it: of a calibrated panel, `H diag(g)`."""
        return self._calibration.calibrated(channel) if self._calibration else channel

    def _noise_free(
        self, draws: Draws, sources: Sources, channel: tf.Tensor, codes: tf.Tensor
    ) -> tf.Tensor:
        """`H diag(c_l) A s_l` with the configured imperfections: `[B, L, M]`."""
        scene, (size, max_sources) = self.config.scene, sources.power.shape
        panel, gains = draw_hardware(draws, size, self.panel, self.config)
        steering = _vectors(panel, sources)
        drawn = 1 if scene.symbols == "constant" else scene.snapshots
        symbols = draws.complex_normal(Stream.SYMBOLS, [size, drawn, max_sources])
        symbols *= tf.cast(tf.sqrt(sources.power), tf.complex64)[:, None, :]
        field = matmul(symbols, steering)
        shown = codes if gains is None else codes * gains
        return matmul(field * shown, tf.transpose(channel, [0, 2, 1]))


def true_steering(panel: Panel, sources: Sources) -> tf.Tensor:
    """`U`: `[B, N, K_max]` steering vectors of the sources, zero where inactive."""
    vectors = _vectors(panel, sources) * tf.cast(sources.active, tf.complex64)[..., None]
    return tf.transpose(vectors, [0, 2, 1])


def _vectors(panel: Panel, sources: Sources) -> tf.Tensor:
    """Steering vectors of all sources, inactive ones too: `[B, K_max, N]`."""
    places = sources.azimuth, sources.elevation, sources.range_m
    return steering_vectors(panel, *places, compiled=True)


def with_noise(draws: Draws, clean: tf.Tensor, snr_db: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Add white circular Gaussian noise whose variance is exactly that of the SNR.

    Args:
        draws: random numbers of the batch.
        clean: `[B, L, M]` noise-free measurements.
        snr_db: `[B]` mean of `|clean|^2` over noise variance.

    Returns:
        `[B, L, M]` noisy measurements and the `[B]` noise variance.
    """
    power = tf.reduce_mean(squared(clean), axis=[-2, -1])
    variance = power * 10 ** (-snr_db / 10)
    noise = draws.complex_normal(Stream.NOISE, clean.shape)
    return clean + tf.cast(tf.sqrt(variance), tf.complex64)[:, None, None] * noise, variance
