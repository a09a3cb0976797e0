"""Registries of terms, networks and estimators, and the plug-ins that add to them. No TensorFlow.

A plug-in is a module that the person at the keyboard names: never one that only a run's
folder, a configuration or an installed package names.
"""

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from ris_tf.errors import UserError

GROUP = "ris_tf.plugins"  # of entry points
OPTION = "--plugin"
HOW_TO_ADD = "add one of your own with --plugin MODULE (docs/plug-ins.md)"

T = TypeVar("T")


class PluginError(UserError):
    """A plug-in cannot be loaded, or what it adds is invalid."""


class MissingOutputError(UserError):
    """Something needs an output that a network does not have: `key`, a field of `Prediction`."""


class Registry(Mapping[str, T], Generic[T]):
    """Things by name, in the order in which they were added.

    Args:
        what: the kind of thing, for messages: "term".
        pattern: regular expression of their names.
        reserved: names that only this package may use.
    """

    every: "list[Registry[Any]]" = []  # noqa: RUF012 (all registries, to remove a plug-in)

    def __init__(self, what: str, pattern: str, reserved: Sequence[str] = ()):
        self.what = what
        self._pattern = pattern
        self._reserved = frozenset(reserved)
        self._things: dict[str, T] = {}
        self.every.append(self)

    def __getitem__(self, name: str) -> T:
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def add(self, name: str, thing: T, module: str) -> None:
        """Add a thing.

        Args:
            name: of the thing.
            thing: the thing.
            module: name of the module that defines it.

        Raises:
            PluginError: the name is taken or not allowed.
        """
        ours = module.startswith("ris_tf.")
        if not isinstance(name, str) or not re.fullmatch(self._pattern, name):
            raise PluginError(key=self.what, value=name, allowed=f"must read {self._pattern}")
        if name in self._things or (name in self._reserved and not ours):
            remedy = "choose another name"
            raise PluginError("is there already", key=self.what, value=name, remedy=remedy)
        self._things[name] = thing

    def unknown(self, name: str, option: str) -> UserError:
        """The error of a name that nobody added, as typed behind an option."""
        near = difflib.get_close_matches(str(name), self, n=1, cutoff=0.5)
        return UserError(
            f"no such {self.what}{f', did you mean {near[0]}?' if near else ''}",
            key=option,
            value=name,
            allowed=f"must be one of {', '.join(self)}",
            remedy=HOW_TO_ADD,
        )


def sentence_of(thing: Any, what: str, name: str) -> str:
    """The first sentence of a docstring, without its full stop.

    Raises:
        PluginError: the docstring is missing.
    """
    paragraph = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    sentence = " ".join(paragraph.split()).partition(". ")[0].removesuffix(".")
    if not sentence:
        remedy = "its first sentence is shown in tables and forms"
        raise PluginError("has no docstring", key=what, value=name, remedy=remedy)
    return sentence


def require_signature(
    function: Callable[..., Any], given: Sequence[str], what: str, name: str
) -> None:
    """Refuse a function that cannot be called with so many arguments.

    Raises:
        PluginError: it takes other arguments.
    """
    try:
        inspect.signature(function).bind(*given)
    except TypeError as error:
        allowed = f"must be a function of ({', '.join(given)})"
        problem = f"takes {inspect.signature(function)}" if callable(function) else ""
        raise PluginError(problem, key=what, value=name, allowed=allowed) from error


# -- modules that add things ----------------------------------------------------------------------

_loaded: dict[str, str] = {}  # module name -> name to load it by in another process


def named_plugins() -> list[str]:
    """The plug-ins of this process, by names that another process can load."""
    return list(_loaded.values())


def mark_loaded(names: Sequence[str]) -> None:
    """Mark plug-ins as loaded that another process loaded and described."""
    _loaded.update({module_of(name): name for name in names})


def load_plugins(names: Sequence[str] | None) -> None:
    """Load plug-ins, each once.

    Args:
        names: entry points of the group `ris_tf.plugins`, modules, or paths of `.py` files.

    Raises:
        PluginError: a plug-in does not exist, raises, or adds something invalid; nothing that it
            added is kept.
    """
    for name in names or ():
        module, again = module_of(name), _name_elsewhere(name)
        if _loaded.get(module, again) != again:
            problem = f"{_loaded[module]} has the same name"
            raise PluginError(problem, key=OPTION, value=name, remedy="rename one")
        if module not in _loaded:
            restore = _restorer()
            try:
                _import(name, module)
            except PluginError:
                restore()
                raise
            _loaded[module] = again


def require_plugins(recorded: Sequence[str], what: str) -> None:
    """Refuse a run or search whose plug-ins this process has not loaded.

    Args:
        recorded: from `named_plugins`.
        what: the run or search, in the message.

    Raises:
        PluginError: plug-ins are missing; the error names them.
    """
    missing = [name for name in recorded if module_of(name) not in _loaded]
    if missing:
        options = " ".join(f"{OPTION} {name}" for name in missing)
        raise PluginError(
            "was made with a plug-in, which must be named again",
            source=what,
            remedy=f"add {options}",
        )


def module_of(name: str) -> str:
    """The name of a plug-in's module: of a file, its stem."""
    return Path(name).stem if _is_file(name) else name


@contextmanager
def plugins_apart() -> Iterator[None]:
    """Remove at the end of the block everything that was added in it: for tests, notebooks."""
    restore = _restorer()
    try:
        yield
    finally:
        restore()


def _restorer() -> Callable[[], None]:
    """A function that removes everything that is added from now on."""
    before = [(registry, dict(registry._things)) for registry in Registry.every]
    loaded = dict(_loaded)

    def restore() -> None:
        for registry, things in before:
            registry._things = things
        for module in _loaded.keys() - loaded.keys():
            sys.modules.pop(module, None)
        _loaded.clear()
        _loaded.update(loaded)

    return restore


def _is_file(name: str) -> bool:
    return name.endswith(".py") or "/" in name or "\\" in name


def _name_elsewhere(name: str) -> str:
    """The name of the same plug-in in another folder."""
    return str(Path(name).resolve()) if _is_file(name) else name


def _import(name: str, module: str) -> None:
    try:
        if _is_file(name):
            _import_file(Path(name).resolve(), module)
        else:
            _import_module(name)
    except PluginError as error:
        raise PluginError.like(error, f"{OPTION} {name}") from error
    except (Exception, SystemExit) as error:  # whatever a plug-in raises
        reason = " ".join(str(error).split())[:300]
        problem = f"raises {type(error).__name__}: {reason}{_file_and_line(error)}"
        raise PluginError(problem, source=f"{OPTION} {name}") from error


def _file_and_line(error: BaseException) -> str:
    """File and line in the plug-in's code where an exception was raised, or nothing."""
    own = (
        frame
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if frame.filename != __file__ and not frame.filename.startswith("<frozen")
    )
    frame = next(own, None)
    return f" ({Path(frame.filename).name}, line {frame.lineno})" if frame else ""


def _import_file(path: Path, module: str) -> None:
    if not path.is_file():
        raise PluginError("no such file")
    other = importlib.util.find_spec(module) if module.isidentifier() else None
    taken = other is not None and other.origin is not None and Path(other.origin) != path
    if not module.isidentifier() or taken:
        problem = f"a module cannot have the name {module!r}"
        raise PluginError(problem, remedy="give the file another name")
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    try:
        spec.loader.exec_module(made)
    except BaseException:
        del sys.modules[module]
        raise


def _import_module(name: str) -> None:
    points = {point.name: point for point in entry_points(group=GROUP)}
    module = points[name].module if name in points else name
    if not _known(module):
        installed = f"installed ones are {', '.join(points)}; " if points else ""
        remedy = f"{installed}give the path of a .py file, or install the module"
        raise PluginError("no such module", remedy=remedy)
    importlib.import_module(module)


def _known(module: str) -> bool:
    """Whether a module of that name is installed."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False
