"""Which test scenes are judged together: all, those of an SNR interval, those of a source count."""

from collections.abc import Iterator

import numpy as np

from ris_tf.evaluation.document import ALL, BY_COUNT, BY_SNR

SNR_GROUPS = 5  # that a configuration's interval of SNRs is divided into
LEAST_WIDTH_DB = 1.0  # of the intervals beyond
ROUNDING_DB = 1e-4  # of SNRs in single precision


def groups_of(
    interval: tuple[float, float], snr_db: np.ndarray, count: np.ndarray
) -> Iterator[tuple[str, float, np.ndarray]]:
    """Kind, level and scenes of every group that has any.

    Args:
        interval: the SNRs of the configuration, in dB.
        snr_db: `[B]` of the scenes, which files may have beyond it.
        count: `[B]` numbers of sources.

    Returns:
        `ALL`, `BY_SNR` or `BY_COUNT`, the level (for `BY_SNR`, the middle of an interval in dB) and
        `[B]` whether a scene is of the group.
    """
    yield ALL, 0.0, np.ones(len(count), bool)
    levels = snr_levels(interval, snr_db)
    for level in np.unique(levels):
        yield BY_SNR, float(level), levels == level
    for number in np.unique(count):
        yield BY_COUNT, float(number), count == number


def snr_levels(interval: tuple[float, float], snr_db: np.ndarray) -> np.ndarray:
    """`[B]` the middle of each scene's SNR interval, in dB.

    The configuration's interval is divided into `SNR_GROUPS`; scenes beyond either end are in
    intervals of the same width that go on from there, of `LEAST_WIDTH_DB` at least.
    """
    low, high = interval
    width = (high - low) / SNR_GROUPS
    beyond = max(width, LEAST_WIDTH_DB)
    inside = np.clip(np.floor((snr_db - low) / (width or 1.0)), 0, SNR_GROUPS - 1)
    return np.select(
        [snr_db < low - ROUNDING_DB, snr_db > high + ROUNDING_DB],
        [low - _middle(low - snr_db, beyond), high + _middle(snr_db - high, beyond)],
        low + width * (inside + 0.5),
    )


def _middle(distance: np.ndarray, width: float) -> np.ndarray:
    """The middle of the interval that a distance from an end lies in, as its distance."""
    return width * (np.floor(distance / width) + 0.5)
