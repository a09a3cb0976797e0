"""A fault planted into a real short run: what ruins it, and what the checks must call it."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.runlog import RunDirectory
from ris_tf.training.batches import simulated
from ris_tf.training.task import LocalizationTask, make_trainer

SMALL = Path(__file__).with_name("small.yaml")
REFERENCE = (
    "network={kind: reference, width: 32, heads: 2, feedforward: 32, layers: 1, filters: 16,"
    " angle_grid: [13, 9]}",
    "covariance={beta: 0.3, beta_jitter: 0.05}",
    "objective.weights={heatmap: 0, presence: 0, power: 0, deviation: 0, orthogonality: 0.001,"
    " cross: 0.001, subspace: 0.05, angle: 0.75, range: 0.45}",
    "training.learning_rate=1e-3",
    "training.head_multiplier=4",
)
# Matrices of 16 filters are the smallest that take orthogonal steps.
MUON = ("training.optimizer=muon", "network.filters=16")


@dataclass(frozen=True)
class Plant:
    """What ruins a run, and what the checks must call it.

    Attributes:
        faults: any of which is right.
        overrides: of the configuration.
        harm: patches the code; entered before the trainer is made.
        scenes: makes other scenes of those that are simulated.
        batch_of: makes another `batch_of` of it, which also knows split, epoch and number.
        once: called with the session before it runs.
        warns: whether it is a warning, since training gets somewhere all the same.
        mends: whether the remedies, as settings, make the run healthy though the harm stays.
    """

    faults: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    harm: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    scenes: Callable = lambda scenes: scenes
    batch_of: Callable = lambda batch_of: batch_of
    once: Callable[[TrainingSession], object] = lambda session: None
    warns: bool = False
    mends: bool = False


def run_planted(plant: Plant, path: Path, *overrides: str) -> RunDirectory:
    """A run of the small configuration with a fault."""
    config = load_config(SMALL, (*plant.overrides, *overrides))
    run = RunDirectory.create(path, dump_config(config), ["test"])
    run.begin_session(["test"])
    batch_of = plant.batch_of(simulated(config))

    def harmed(*place):
        return plant.scenes(batch_of(*place))

    with plant.harm(), Reporter(run.console_path, Console(file=io.StringIO())) as reporter:
        trainer = make_trainer(config, batch_of=harmed)
        task = LocalizationTask(trainer, config, run, harmed)
        session = TrainingSession(trainer, reporter, task, run)
        plant.once(session)
        session.run()
    run.end_session()
    return run
