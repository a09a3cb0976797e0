"""Near-field localization with reconfigurable intelligent surfaces, in TensorFlow and Keras.

Names are loaded when they are asked for: importing the package loads no TensorFlow.

| for | names |
|---|---|
| configurations | `Config`, `load_config`, `parse_config`, `override_config`, `dump_config` |
| scenes | `Simulator`, `Scenes`, `Measurement`, `Sources`, `Split`, `Panel`, `make_panel`, `steering_vectors` |
| covariances | `Covariance`, `back_projection`, `sample_covariance`, `predicted_covariance`, `true_covariance`, `effective` |
| networks | `BeamspaceNetwork`, `ReferenceNetwork`, `Prediction`, `build_network`, `load_network` |
| the objective | `compare`, `raw_terms`, `weighted_sum`, `projection_loss` |
| spectra | `scan_grid`, `mvdr_spectrum`, `music_spectrum` |
| estimation | `Localizer`, `Localization`, `Estimators`, `Bound`, `cramer_rao_bound` |
| measurements | `read_measurements` |
| training under a configuration | `train` |
| training any Keras model | `GuardedTrainer`, `warmup_cosine` |
| runs | `RunDirectory`, `RunLog`, `read_run_log`, `check_health`, `verdict_on`, `find_runs` |
| searches | `SearchDirectory`, `Trial`, `best_trial` |
| errors | `UserError`, and of it `ConfigError`, `MeasurementError`, `RunError` |

    import ris_tf

    localizer = ris_tf.Localizer.load("runs/first")
    found = localizer.localize(y, channel, codes)

Saved networks (`.keras` files) open with

    import keras, ris_tf
    network = keras.models.load_model("best.keras")
"""  # noqa: E501 (a table)

import ast
import importlib
from pathlib import Path
from typing import Any

from ris_tf._keras_classes import register_when_keras_is_there

__version__ = "0.2.0"


def _homes() -> dict[str, str]:
    """Module of each public name, as the stub beside this file imports them for type checkers."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


_HOMES = _homes()
__all__ = [*_HOMES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """A public name, from the module that defines it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name in ("tensorflow", "keras"):
            error.add_note("training and networks need it: pip install 'ris-tf[train]'")
        raise
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


register_when_keras_is_there()
