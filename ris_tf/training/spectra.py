"""Samples of a run: spectra of a few fixed validation scenes, after each validation.

Nothing here draws, trains or waits for another process: a run with samples and one without are the
same run.
"""

import math
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.covariance import Covariance
from ris_tf.network import Network, Prediction
from ris_tf.objective import SLOTS
from ris_tf.runlog import RunDirectory, Sample, SpectrumSample, write_sample
from ris_tf.scene import Scenes, Split, make_panel
from ris_tf.spectrum import mvdr_spectrum, scan_grid
from ris_tf.training.batches import first_batches, joined_first

AZIMUTHS, ELEVATIONS, PLANES = 61, 31, 4  # of the grid: a picture, not an estimate


class SpectrumSampler:
    """Looks at the first few validation scenes with whatever weights the network has.

    It runs outside of the strategy's replicas, on this process's copy of the weights, and as graphs
    without XLA: at one call an epoch, compiling would take longer than all calls of a short run.

    Args:
        network: whose covariance is looked at.
        config: of scenes and network.
        batch_of: scenes of a split, an epoch and a number.
        scenes: how many; 0 for none. There may be fewer validation scenes.
        missing: labels that the scenes lack.
    """

    def __init__(
        self,
        network: Network,
        config: Config,
        batch_of: Callable[..., Scenes],
        scenes: int,
        missing: frozenset[str] = frozenset(),
    ):
        training = config.training
        self.config = config
        self.missing = missing
        self.batch_of = batch_of
        self.panel = make_panel(config.geometry)
        self.count = min(scenes, training.validation_batches * training.validated_together)
        self.grid = scan_grid(config.scene, AZIMUTHS, ELEVATIONS, PLANES)
        self._batches: list[Scenes] = []  # the same after every epoch
        self._predicting = network.predicting
        graph = tf.function if training.compile else lambda function, **_: function
        self._power = graph(self._mvdr_power, autograph=False)

    def __call__(self, epoch: int, step: int) -> SpectrumSample | None:
        """The scenes as the network sees them now.

        Args:
            epoch: epoch that ended, from 0.
            step: its last window.

        Returns:
            The sample; `None` where there are no scenes to look at, or where a prediction is not
            finite.
        """
        if not self.count:
            return None
        self._batches = self._batches or _batches(self.batch_of, self.config, self.count)
        # Whole batches, as validation has them: its graph is there.
        predictions = [self._predicting(batch.measurement) for batch in self._batches]
        scenes = joined_first(self.count, self._batches)
        prediction = joined_first(self.count, predictions)
        if not _finite(prediction):  # checked before the spectrum: a Cholesky of NaN raises
            return None
        azimuth, elevation, _ = self.grid
        return SpectrumSample(
            azimuth_deg=np.degrees(azimuth),
            elevation_deg=np.degrees(elevation),
            spectrum_db=self._spectrum_db(prediction.blended),
            truth=_truth(scenes, "range_m" not in self.missing),
            estimate=_estimates(prediction, scenes),
            snr_db=scenes.measurement.snr_db.numpy(),
            epoch=epoch,
            step=step,
        )

    def _spectrum_db(self, blended: Covariance) -> np.ndarray:
        """`[S, E, A]` float16 spectrum in dB relative to each scene's peak."""
        power = np.swapaxes(self._power(blended).numpy(), 1, 2)
        return (10 * np.log10(power / power.max(axis=(1, 2), keepdims=True))).astype(np.float16)

    def _mvdr_power(self, blended: Covariance) -> tf.Tensor:
        """`[S, A, E]` MVDR spectrum of `R_blend`."""
        return mvdr_spectrum(blended, self.panel, self.grid).power


def first_validation_scenes(batch_of: Callable[..., Scenes], config: Config, count: int) -> Scenes:
    """Scenes of as many validation batches as it takes, cut to the number wanted."""
    return joined_first(count, _batches(batch_of, config, count))


def _batches(batch_of: Callable[..., Scenes], config: Config, count: int) -> list[Scenes]:
    """The validation batches that hold so many scenes."""
    size = config.training.validated_together
    return first_batches(batch_of, Split.VALIDATION, size, count)


def _finite(prediction: Prediction) -> bool:
    """Whether everything that a sample is made from is finite."""
    p = prediction
    outputs = p.blended.factor, p.azimuth, p.elevation, p.range_m, p.confidence
    return all(np.isfinite(values.numpy()).all() for values in outputs if values is not None)


def _truth(scenes: Scenes, ranges: bool) -> np.ndarray:
    """`[S, K_max, 3]` azimuth and elevation (deg) and range (m) of the sources, NaN for absent."""
    sources = scenes.sources
    truth = _positions(sources.azimuth, sources.elevation, sources.range_m, sources.active)
    if not ranges:
        truth[..., 2] = np.nan
    return truth


def _estimates(prediction: Prediction, scenes: Scenes) -> np.ndarray:
    """`[S, K_max, 3]` the same of what is reported, the most confident first; NaN without."""
    if not prediction.has(*SLOTS, "confidence", "count_logits"):
        return np.full([*scenes.sources.active.shape, 3], np.nan, np.float32)
    return _positions(*prediction.reported())


def _positions(
    azimuth: tf.Tensor, elevation: tf.Tensor, range_m: tf.Tensor, present: tf.Tensor
) -> np.ndarray:
    """`[S, K_max, 3]` float32 of `[S, K_max]` radians and metres, NaN where `present` is 0."""
    degrees = 180 / math.pi
    positions = tf.stack([azimuth * degrees, elevation * degrees, range_m], axis=-1).numpy()
    positions[present.numpy() == 0] = np.nan
    return positions


def keep(run: RunDirectory, sample: SpectrumSample) -> Sample:
    """Write a sample into the run's folder, in place of one of a killed process.

    Returns:
        Its event.

    Raises:
        OSError: the disk refused.
    """
    path = run.samples / f"epoch_{sample.epoch:04d}.npz"
    run.samples.mkdir(exist_ok=True)  # tools that copy runs leave empty folders behind
    write_sample(path, sample)
    place = path.relative_to(run.path).as_posix()
    return Sample(step=sample.step, epoch=sample.epoch, time=time.time(), path=place)
