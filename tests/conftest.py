"""Shared by all tests: a quiet TensorFlow, an offscreen Qt, a configuration small enough to run."""

import fcntl
import gc
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

from ris_tf.config import Config, load_config

# Before anything imports TensorFlow: workers share two cores, so each computes with one thread,
# and what XLA compiled for one test is there for the next: it is half of the suite's time.
COMPILED = Path(__file__).parents[1] / ".pytest_cache" / f"xla-{version('tensorflow')}"
os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory='{COMPILED}'")
# What nobody compiled before is compiled in a hurry: twice as fast as with all optimizations.
HURRY = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_llvm_disable_expensive_passes=true",
)
os.environ.setdefault("XLA_FLAGS", " ".join(HURRY))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Its kernels are worth their choice in large layers only: a fifth of a tiny training's time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Graphs are made of hundreds of thousands of objects that stay: looking through them for garbage as
# often as Python does takes a tenth of the tests' time. What makes many of them collects them.
gc.set_threshold(100_000, 50, 100)

# A shell has its background jobs ignore Ctrl-C, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A person's runs try new examples each time; CI repeats itself, so that red means the change.
settings.register_profile(
    "tests", deadline=None, max_examples=25, derandomize="CI" in os.environ, print_blob=True
)
settings.load_profile("tests")

# A run of it spends its time on tracing what is computed: the network has nothing that the step, a
# run or a search would not notice. Tests of networks and terms have WHOLE_NETWORK beside it.
TINY = """
geometry: {columns: 4, rows: 4}
scene: {antennas: 4, snapshots: 4, sources_max: 3, snr_db: [0, 20]}
codes: {beams: 16}
network: {kind: beamspace, image: [7, 5], planes_m: [1.0, 4.0], filters: 6, blocks: 0,
          rounds: 0, width: 8}
training: {epochs: 2, batches_per_epoch: 4, batch: 8, validation_batches: 2, threads: 1,
           learning_rate: 1e-3}
"""
WHOLE_NETWORK = ("network.blocks=1", "network.rounds=1")
TINY_REFERENCE = (
    "network={kind: reference, width: 16, heads: 2, feedforward: 16, layers: 1, filters: 8,"
    " angle_grid: [9, 7]}"
)


# Files that take longest, then folders of tests that train whole runs, then all others.
LONGEST = (
    *("test_notebooks.py", "test_tune.py", "test_weights_commands.py", "test_readme.py"),
    *("test_replicas.py", "test_evaluate.py", "test_localize_commands.py", "test_session.py"),
    *("test_commands.py", "test_calibrate_commands.py", "test_installed.py", "test_networks.py"),
    *("test_disk.py", "test_scale.py", "test_estimators.py", "test_examples.py"),
    *("test_planted.py", "test_step.py", "test_window_processes.py", "test_kills.py"),
)
SLOWEST = ("end_to_end", "plugins", "fault_injection", "diagnosis", "engine", "training")


SWEEPS = ("fault_injection", "diagnosis")
FULL = os.environ.get("RIS_FAULTS") == "full"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first: no worker begins one when the other has nothing left to do.

    What is thorough is left to `make faults`.
    """
    for item in items:
        thorough = item.get_closest_marker("thorough") is not None
        if thorough or item.path.parent.name in SWEEPS:
            item.add_marker("faults")
        if thorough and not FULL:
            item.add_marker(pytest.mark.skip(reason="thorough: RIS_FAULTS=full"))

    def place(item: pytest.Item) -> int:
        if item.path.name in LONGEST:
            return LONGEST.index(item.path.name)
        return len(LONGEST) + (item.path.parent.name not in SLOWEST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a folder that all workers share: `made_once("name", fill)` calls `fill(folder)` once.

    The first worker that asks makes it, others wait; it is there when it is whole. Tests read it.
    """
    home = tmp_path_factory.getbasetemp()
    home = home.parent if "PYTEST_XDIST_WORKER" in os.environ else home

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, partial = home / f"shared-{name}", home / f"shared-{name}-partial"
        with (home / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                fill(partial)
                partial.rename(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration file that trains in seconds."""
    path = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def make_config(tiny_yaml: Path):
    """Makes the tiny configuration, changed by `key=value` texts."""

    def make(*overrides: str) -> Config:
        return load_config(tiny_yaml, overrides)

    return make


@pytest.fixture(scope="session")
def whole_network() -> tuple[str, ...]:
    """The overrides that make the tiny configuration's network one with all of its parts."""
    return WHOLE_NETWORK


@pytest.fixture(scope="session")
def tiny_reference() -> str:
    """The override that makes the tiny configuration's network a reference network."""
    return TINY_REFERENCE


@pytest.fixture(scope="session")
def two_workers() -> list[dict[str, str]]:
    """Environments of two processes on this machine that TF_CONFIG joins."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    cluster = {"worker": addresses}
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return Path(__file__).parent.parent
