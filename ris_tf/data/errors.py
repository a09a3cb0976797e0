"""Errors of measurements and of files."""

from ris_tf.config import ConfigError


class MeasurementError(ConfigError):
    """An array is missing, or has a shape or a value that cannot be used."""


class FileError(MeasurementError):
    """A file of arrays cannot be read, or must not be."""
