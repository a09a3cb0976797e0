"""Several replicas are one: the same step as one replica on the joined batch, decided alike."""

import json
from pathlib import Path

import numpy as np
import pytest
from forked import Forked

from ris_tf.config import Config, load_config
from ris_tf.data.export import export_scenes
from ris_tf.engine.cluster import Worker
from ris_tf.errors import UserError
from ris_tf.scene import Split

PROGRAM = Path(__file__).with_name("replicas_process.py")


def begin(out, *overrides, environment=None):
    return Forked(PROGRAM, out, *overrides, environment=environment, joined=True)


def finished(out, process):
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    with np.load(out) as file:
        return dict(file)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A replica that computes whole batches."""
    out = tmp_path_factory.mktemp("one") / "out.npz"
    return finished(out, begin(out))


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """Two replicas on two logical processors; what each computes alone is compiled."""
    out = tmp_path_factory.mktemp("mirrored") / "out.npz"
    two = ("training.distribution=mirrored", "training.replicas=2", "training.compile=true")
    return finished(out, begin(out, *two))


@pytest.fixture(scope="module")
def workers(tmp_path_factory, two_workers):
    """Two processes that TF_CONFIG joins."""
    folder = tmp_path_factory.mktemp("workers")
    outs = [folder / f"{index}.npz" for index in range(2)]
    processes = [
        begin(out, "training.distribution=multi_worker", environment=environment)
        for out, environment in zip(outs, two_workers, strict=True)
    ]
    return [finished(out, process) for out, process in zip(outs, processes, strict=True)]


def assert_same_training(several, one):
    """Reports, figures and every variable agree to rounding."""
    applied = one["names"].tolist().index("ok")
    np.testing.assert_array_equal(several["rows"][:, applied], one["rows"][:, applied])
    counted = one["rows"][:, applied] == 1  # what is reported of poison depends on the compiler
    np.testing.assert_allclose(several["rows"][counted], one["rows"][counted], rtol=1e-5, atol=1e-6)
    for name in (name for name in one if name.startswith("figure/")):
        np.testing.assert_allclose(several[name], one[name], rtol=2e-2, err_msg=name)
    # Adam's first steps are sign(g): elements whose gradient is rounding noise may differ.
    names = [name for name in one if name.startswith("0/")]
    differs = [~np.isclose(several[n], one[n], rtol=2e-3, atol=5e-6).ravel() for n in names]
    assert np.concatenate(differs).mean() < 0.005


def test_poison_on_one_replica_drops_the_window_of_all(one):
    """What the comparison below rests on: the second of three windows is dropped."""
    ok = one["rows"][:, one["names"].tolist().index("ok")]
    np.testing.assert_array_equal(ok, [1, 0, 1])


def test_two_replicas_equal_one_on_the_joined_batch(one, mirrored):
    assert_same_training(mirrored, one)


def test_replicas_never_diverge(mirrored):
    """Both copies of every variable have the same bits."""
    names = [name[2:] for name in mirrored if name.startswith("0/")]
    assert len(names) > 10
    for name in names:
        assert mirrored[f"0/{name}"].tobytes() == mirrored[f"1/{name}"].tobytes(), name


def test_two_workers_equal_one_on_the_joined_batch(one, workers):
    for worker in workers:
        assert_same_training(worker, one)


def test_workers_never_diverge_and_can_agree(workers):
    first, second = workers
    assert set(first) == set(second)
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name
    np.testing.assert_array_equal(first["total"], [2, 1])  # how many, and the sum of their numbers


@pytest.mark.thorough
def test_two_replicas_share_batches_of_files(tmp_path):
    """Half of each batch is simulated behind those of the files; both replicas have both kinds."""
    config = load_config(Path(PROGRAM).with_name("replicas.yaml"))
    export_scenes(config, tmp_path / "scenes.npz", 37, Split.TRAINING)
    files = f"{tmp_path / 'scenes.npz'}"
    on = (f"data.train={files}", f"data.validation={files}", "data.simulated_share=0.25")
    outs = [tmp_path / "one.npz", tmp_path / "two.npz"]
    several = ("training.distribution=mirrored", "training.replicas=2")
    processes = [begin(outs[0], *on), begin(outs[1], *on, *several)]
    one, two = (finished(out, process) for out, process in zip(outs, processes, strict=True))
    assert one["rows"][:, one["names"].tolist().index("ok")].all()
    assert_same_training(two, one)


@pytest.mark.parametrize(
    ("task", "index", "count"),
    [
        ({"worker": ["a:1", "b:1"], "task": ("worker", 0)}, 0, 2),
        ({"worker": ["a:1", "b:1"], "task": ("worker", 1)}, 1, 2),
        ({"chief": ["c:1"], "worker": ["a:1", "b:1"], "task": ("chief", 0)}, 0, 3),
        ({"chief": ["c:1"], "worker": ["a:1", "b:1"], "task": ("worker", 1)}, 2, 3),
    ],
)
def test_tf_config_says_who_writes(monkeypatch, task, index, count):
    kind, number = task.pop("task")
    document = {"cluster": task, "task": {"type": kind, "index": number}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(document))
    worker = Worker.of("multi_worker")
    assert (worker.index, worker.count) == (index, count)
    assert worker.writes == (index == 0)
    assert worker.chief == ("c:1" if "chief" in task else "a:1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '"x"',
        "{}",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "0"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": [1]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": [1], "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": false}}',
        '{"cluster": {"worker": ["a:١٢"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:65536"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": [":1"]}, "task": {"type": "worker", "index": 0}}',
        "[" * 50_000,
        '{"cluster": ' + "[" * 50_000 + "]" * 50_000 + "}",
    ],
)
def test_bad_tf_config_is_one_line_with_a_remedy(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=r"TF_CONFIG.*e\.g\. TF_CONFIG=") as refused:
        Worker.of("multi_worker")
    assert "\n" not in str(refused.value)


def test_one_process_needs_no_tf_config(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "nonsense of another program")
    assert Worker.of(Config().training) == Worker()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["training.replicas=2"], "mirrored"),
        (["training.distribution=mirrored", "training.replicas=3"], "multiple"),
    ],
)
def test_replicas_that_cannot_be(make_config, overrides, said):
    with pytest.raises(UserError, match=said):
        make_config(*overrides)
