"""Layers that are not trained, by name."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

import keras

from ris_tf.config import ConfigError
from ris_tf.network import Network

KEY = "training.frozen"


def own_path(variable: keras.Variable, network: Network) -> str:
    """A variable's path without the name of its network: `encoder_0/expand/kernel`."""
    return variable.path.removeprefix(f"{network.name}/")


def layers_of(paths: Iterable[str]) -> list[str]:
    """The layers that variables are in, the inner ones behind the outer, each once."""
    return list(dict.fromkeys(part for path in paths for part in _above(path)))


def _above(path: str) -> Iterator[str]:
    """`a/b/kernel` to `a`, `a/b`; of a variable of the network itself, its own name."""
    parts = path.split("/")
    for depth in range(1, max(len(parts), 2)):
        yield "/".join(parts[:depth])


def freeze(network: Network, patterns: Sequence[str]) -> list[keras.Variable]:
    """Take layers out of training: their variables get no update, no decay, no average.

    Args:
        network: whose layers they are.
        patterns: names of layers as in paths of variables, with `*` for any letters; a layer
            is frozen with all that is in it.

    Returns:
        The variables that are frozen.

    Raises:
        ConfigError: a pattern matches no layer, or nothing is left to train.
    """
    trained = {own_path(v, network): v for v in network.trainable_variables}
    names = layers_of(trained)
    frozen = set()
    for pattern in patterns:
        matched = {name for name in names if fnmatchcase(name, pattern)}
        if not matched:
            allowed = f"layers are {', '.join(names)}"
            raise ConfigError("matches no layer", key=KEY, value=pattern, allowed=allowed)
        frozen |= {path for path in trained if matched & set(_above(path))}
    if patterns and len(frozen) == len(trained):
        problem = "leaves nothing to train"
        raise ConfigError(problem, key=KEY, value=list(patterns), remedy="freeze fewer layers")
    for path in frozen:
        trained[path].trainable = False
    return [variable for path, variable in trained.items() if path in frozen]
