"""Named arrays of files that anybody may have made: `.npz`, HDF5, MATLAB."""

from ris_tf.data.containers.base import Container, Entry
from ris_tf.data.containers.opening import SUFFIXES, open_container

__all__ = ["SUFFIXES", "Container", "Entry", "open_container"]
