"""Errors of measurements and of files."""

from ris_tf.config import ConfigError
from ris_tf.runlog import Cause


class MeasurementError(ConfigError):
    """An array is missing, or has a shape or a value that cannot be used."""


class DataError(ConfigError):
    """Files of scenes are missing, damaged, changed, or hold what nothing can be trained on."""

    cause = Cause.DATA


class ContainerError(MeasurementError, DataError):
    """A file of arrays cannot be read, or must not be."""
