"""Makes this package's classes known to Keras without loading Keras.

Keras looks classes of saved models up in a registry that they enter when their module is
imported. That import needs TensorFlow, which takes seconds and which most of this package does
without. So the classes are registered once Keras itself has been imported by somebody.

What Keras reads from the person's `keras.json` and environment, its backend, the order of an
image's axes, its type of numbers, would make another network of the same configuration: it is set
here.
"""

import importlib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ris_tf.errors import UserError

BACKEND, VARIABLE = "tensorflow", "KERAS_BACKEND"


def register_when_keras_is_there() -> None:
    """Register now where Keras is loaded, else as soon as it is."""
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _KerasImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasImport())


def _register() -> None:
    _fix_settings()
    importlib.import_module("ris_tf.network")


def _fix_settings() -> None:
    """Have Keras as this package takes it to be.

    Raises:
        UserError: it is loaded already, on another backend.
    """
    config: Any = importlib.import_module("keras").config
    if config.backend() != BACKEND:
        raise UserError(
            key=VARIABLE,
            value=config.backend(),
            allowed=f"must be {BACKEND}",
            remedy="import ris_tf before keras, or set it so",
        )
    config.set_floatx("float32")
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_last")


class _KerasImport(importlib.abc.MetaPathFinder):
    """Has the classes registered behind the first import of Keras; only looking changes nothing."""

    def __init__(self) -> None:
        self._asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Keras's own spec, its loader wrapped; `None` for everything else."""
        del path, target
        if fullname != "keras" or self._asking:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec("keras")
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader, self)
        return spec


class _ThenRegister(importlib.abc.Loader):
    """A module's own loader, followed by the registration."""

    def __init__(self, loader: importlib.abc.Loader, finder: _KerasImport):
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Keras's module, as its own loader makes it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run Keras's module, on our backend, then register."""
        os.environ[VARIABLE] = BACKEND
        module.__loader__ = self._loader
        if module.__spec__:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _register()
