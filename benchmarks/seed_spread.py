"""How much a search's objective depends on the seed: quickstart's own values, trained like a trial.

Every run is `ris-tf train` of what a trial of the configuration's own values would be. All networks
are compared on the validation scenes of the first seed, as trials are. Five minutes on two cores.
"""

import statistics
import subprocess
import sys
from pathlib import Path

import keras

from ris_tf.config import Config, dump_config, load_config, replace_values
from ris_tf.search.running.budget import trial_config
from ris_tf.training.task import make_trainer

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs" / "seeds"
SEEDS = (42, 43, 44)
SCENES, EPOCHS = 7680, 6  # an epoch, and how many: as in docs/searches.md


def main() -> None:
    """Train what is not there yet, and print the objectives."""
    quickstart = load_config(ROOT / "configs" / "quickstart.yaml")
    configs = {
        seed: trial_config(
            replace_values(quickstart, {"seed": seed, "search.scenes": SCENES}), {}, EPOCHS, None
        )
        for seed in SEEDS
    }
    RUNS.mkdir(parents=True, exist_ok=True)
    for seed, config in configs.items():
        train(f"seed{seed}", config)
    values = [objective(RUNS / f"seed{seed}", configs[SEEDS[0]]) for seed in SEEDS]
    for seed, value in zip(SEEDS, values, strict=True):
        print(f"seed {seed}  objective {value:.4f}")
    print(f"mean {statistics.mean(values):.4f}, deviation {statistics.stdev(values):.4f}")


def train(name: str, config: Config) -> None:
    """A run, unless it is there already."""
    if (RUNS / name).exists():
        return
    file = RUNS / f"{name}.yaml"
    file.write_text(dump_config(config))
    options = ["--name", name, "--runs-dir", str(RUNS)]
    command = [sys.executable, "-m", "ris_tf.cli", "train", str(file), *options]
    subprocess.run(command, check=True, cwd=ROOT)


def objective(run: Path, config: Config) -> float:
    """A run's best network on the validation scenes of a configuration."""
    network = keras.models.load_model(run / "checkpoints" / "best.keras")
    return make_trainer(config, network).validated()["objective"]


if __name__ == "__main__":
    main()
