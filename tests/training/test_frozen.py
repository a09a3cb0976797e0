"""Layers that are left out of training: nothing of them moves, and they are no fault."""

import numpy as np
import pytest
from sessions import SHORT, begin

from ris_tf.config import ConfigError
from ris_tf.network import build_network
from ris_tf.runlog import check_health
from ris_tf.training.frozen import freeze, own_path


@pytest.fixture
def network(make_config, whole_network):
    return build_network(make_config(*whole_network))


def test_a_layer_is_frozen_with_all_that_is_in_it(network):
    frozen = {own_path(v, network) for v in freeze(network, ["trunk/block_*", "cell_head"])}
    expected = {p for p in (own_path(v, network) for v in network.variables)
                if p.startswith(("trunk/block_", "cell_head/"))}  # fmt: skip
    assert frozen == expected != set()
    trained = {own_path(v, network) for v in network.trainable_variables}
    assert not trained & frozen
    assert "trunk/stem/kernel" in trained


@pytest.mark.parametrize("pattern", ["block_0", "trunk/stem/kernel", "Trunk", "trunk/*/nothing"])
def test_a_pattern_that_matches_no_layer_is_refused_with_their_names(network, pattern):
    with pytest.raises(ConfigError, match="matches no layer; layers are trunk, trunk/stem,"):
        freeze(network, ["trunk", pattern])


def test_something_must_be_left_to_train(network):
    with pytest.raises(ConfigError, match="leaves nothing to train"):
        freeze(network, ["*"])


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param("[trunk]", id="backbone"),
        pytest.param("[cell_head, 'detection_head_*']", id="heads", marks=pytest.mark.thorough),
    ],
)
def test_frozen_variables_stay_to_the_bit(make_config, whole_network, tmp_path, patterns):
    """Weight decay is on and windows are clipped: neither reaches them, nor do averages."""
    run, session = begin(
        make_config,
        tmp_path / "run",
        overrides=(*SHORT, *whole_network, f"training.frozen={patterns}"),
    )
    network = session.trainer.model
    before = {own_path(v, network): np.array(v.value) for v in network.variables}
    frozen = {own_path(v, network) for v in network.non_trainable_variables}
    assert session.run().reason == "finished"
    after = {own_path(v, network): np.array(v.value) for v in network.variables}
    moved = {path for path in before if (before[path] != after[path]).any()}
    assert moved == before.keys() - frozen
    assert not [name for name in session.variables if name.startswith(("ema", "swa/"))
                and name.partition("/")[2] in frozen]  # fmt: skip
    checks = {check.name: check for check in check_health(run.log())}
    assert checks["all parameters trained"].passed
    assert checks["order of updates"].passed
