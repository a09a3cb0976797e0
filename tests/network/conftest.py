"""Tests of networks take the tiny configuration with a network that has all of its parts."""

from collections.abc import Callable

import pytest

from ris_tf.config import Config


@pytest.fixture(scope="session")
def make_config(make_config: Callable[..., Config], whole_network: tuple[str, ...]):
    """Makes the tiny configuration with a whole network, changed by `key=value` texts."""

    def make(*overrides: str) -> Config:
        kind = () if any(text.startswith("network={") for text in overrides) else whole_network
        return make_config(*kind, *overrides)

    return make
