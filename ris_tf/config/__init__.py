"""Every knob once: name, type, unit, bounds, default and one sentence. No TensorFlow."""

from ris_tf.config.commented import commented_config
from ris_tf.config.conversion import Conversion
from ris_tf.config.describe import Knob, all_knobs
from ris_tf.config.errors import ConfigError, not_written
from ris_tf.config.load import (
    default_config,
    dump_config,
    load_config,
    overridden,
    override_config,
    parse_config,
    read_mapping,
    replace_values,
    text_config,
    values_by_key,
    with_calibration,
    with_imperfections,
)
from ris_tf.config.network import BeamspaceNetwork, ReferenceNetwork
from ris_tf.config.registry import NETWORKS, OUR_NETWORKS, TERMS, NetworkKind, Term
from ris_tf.config.schema import Config, schema
from ris_tf.config.shipped import config_file, shipped_configs

__all__ = [
    "NETWORKS",
    "OUR_NETWORKS",
    "TERMS",
    "BeamspaceNetwork",
    "Config",
    "ConfigError",
    "Conversion",
    "Knob",
    "NetworkKind",
    "ReferenceNetwork",
    "Term",
    "all_knobs",
    "commented_config",
    "config_file",
    "default_config",
    "dump_config",
    "load_config",
    "not_written",
    "overridden",
    "override_config",
    "parse_config",
    "read_mapping",
    "replace_values",
    "schema",
    "shipped_configs",
    "text_config",
    "values_by_key",
    "with_calibration",
    "with_imperfections",
]
