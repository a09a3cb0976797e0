"""Everything that a plug-in is made from; see docs/plug-ins.md.

    from ris_tf.plugins import term

    @term("name", weight=0.1)
    def name(comparison):
        \"\"\"What it is, in a sentence.\"\"\"

Importing this loads no TensorFlow; `Network`, `Prediction` and what else needs it are loaded when
they are asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ris_tf.config.knobs import Section, knob
from ris_tf.config.registry import network, term
from ris_tf.estimation.catalogue import estimator
from ris_tf.registry import PluginError, load_plugins, named_plugins, plugins_apart

if TYPE_CHECKING:
    from ris_tf.estimation.estimators import Estimators, Question
    from ris_tf.network import Network, Part, Prediction, as_measurement, dropout
    from ris_tf.objective import Comparison
    from ris_tf.scene.positions import Positions

__all__ = [
    "Comparison",
    "Estimators",
    "Network",
    "Part",
    "PluginError",
    "Positions",
    "Prediction",
    "Question",
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
    "ris_tf.estimation.estimators": ("Estimators", "Question"),
    "ris_tf.network": ("Network", "Part", "Prediction", "as_measurement", "dropout"),
    "ris_tf.objective": ("Comparison",),
    "ris_tf.scene.positions": ("Positions",),
}


def __getattr__(name: str) -> Any:
    """What needs TensorFlow, from the module that defines it (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
