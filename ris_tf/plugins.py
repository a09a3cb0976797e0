"""Everything that a plug-in imports; see docs/plug-ins.md.

    from ris_tf.plugins import term

    @term("name", weight=0.1)
    def name(comparison):
        \"\"\"What it is, in a sentence.\"\"\"

Importing this module loads no TensorFlow; names that need it, such as `Network` and `Prediction`,
are loaded when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ris_tf.config.knobs import Section, knob
from ris_tf.config.registry import network, term
from ris_tf.estimation.catalogue import estimator
from ris_tf.registry import PluginError, load_plugins, named_plugins, plugins_apart

if TYPE_CHECKING:
    from ris_tf.estimation.estimators import EstimatorInputs, Estimators
    from ris_tf.network import Network, Part, Prediction, as_measurement, dropout
    from ris_tf.objective import Comparison
    from ris_tf.scene.positions import Positions

__all__ = [
    "Comparison",
    "EstimatorInputs",
    "Estimators",
    "Network",
    "Part",
    "PluginError",
    "Positions",
    "Prediction",
    "Section",
    "as_measurement",
    "dropout",
    "estimator",
    "knob",
    "load_plugins",
    "named_plugins",
    "network",
    "plugins_apart",
    "term",
]

HOMES = {
    "ris_tf.estimation.estimators": ("Estimators", "EstimatorInputs"),
    "ris_tf.network": ("Network", "Part", "Prediction", "as_measurement", "dropout"),
    "ris_tf.objective": ("Comparison",),
    "ris_tf.scene.positions": ("Positions",),
}


def __getattr__(name: str) -> Any:
    """A name that needs TensorFlow, from the module that defines it (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
