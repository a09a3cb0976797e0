"""Whether the product is right and quick on this machine's GPU: a table, in eight minutes at most.

`make gpu-check`, or `gpu_check.py [--minutes 8] [--out TABLE.md]`. Without a GPU the rows of the
processor are run, and those of the GPU are marked as not run. Exit code 1 where a row fails.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from bench_step import operations
from machine import matrix_product_flops, seconds

from ris_tf.config import Config, load_config, parse_config
from ris_tf.network import build_network
from ris_tf.scene import Simulator, Split
from ris_tf.training.task import make_trainer

MINUTES = 8.0
LONGEST_S = 75.0  # that a row takes: none begins later before the end
CLI = (sys.executable, "-m", "ris_tf.cli")
SMALL = """
geometry: {columns: 4, rows: 4}
scene: {antennas: 4, snapshots: 4, sources_max: 2, snr_db: [0, 20]}
codes: {beams: 16}
network: {image: [7, 5], planes_m: [1.0, 4.0], filters: 4, blocks: 0, rounds: 0}
training: {epochs: 3, batches_per_epoch: 40, batch: 8, validation_batches: 1, threads: 1,
           checkpoint_minutes: 0.001, samples: 0}
"""
EXACT, ROUNDED = 2e-5, 1e-3  # relative to the largest entry: float32, and TF32's ten bits
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")
NOT_RUN = "not run"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        check: what was looked at.
        device: where.
        result: what came of it.
        verdict: `ok`, `FAILED`, `not run`, or empty where nothing can fail.
    """

    check: str
    device: str
    result: str
    verdict: str = ""


@dataclass
class Table:
    """Rows, as they come, until the time is over.

    Attributes:
        deadline: seconds of the monotonic clock.
        gpu: name of the GPU; empty where there is none.
        rows: so far.
    """

    deadline: float
    gpu: str
    rows: list[Row] = field(default_factory=list)

    def take(self, check: str, device: str, measure: Callable[[], tuple[str, bool | None]]) -> None:
        """Run a check if there is its device and time left, and print its row."""
        if device == "GPU" and not self.gpu:
            row = Row(check, device, "no GPU here", NOT_RUN)
        elif time.monotonic() > self.deadline:
            row = Row(check, device, "the time was over", NOT_RUN)
        else:
            row = Row(check, device, *_measured(measure))
        self.rows.append(row)
        print(_line(row), flush=True)


def _measured(measure: Callable[[], tuple[str, bool | None]]) -> tuple[str, str]:
    try:
        result, good = measure()
    except Exception as error:  # noqa: BLE001 (a row that fails does not hide the others)
        return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}", "FAILED"
    return result, "" if good is None else "ok" if good else "FAILED"


def _line(row: Row) -> str:
    return f"| {row.check} | {row.device} | {row.result} | {row.verdict} |"


# -- the same numbers -----------------------------------------------------------------------------


def scenes_on(device: str, config: Config, compiled: bool) -> dict[str, np.ndarray]:
    """A batch of scenes as one device computes it."""
    simulator, batch = Simulator(config), config.training.batch
    make = tf.function(
        lambda number: simulator(Split.TEST, 0, number, batch), jit_compile=compiled or None
    )
    with tf.device(f"{device}:0"):
        scenes = make(tf.constant(0, tf.int64))
    return {name: np.asarray(value) for name, value in scenes.measurement._asdict().items()}


def furthest(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> tuple[float, str]:
    """The largest difference over the largest entry, and which array has it."""
    apart = {
        name: float(np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max())
        for name in theirs
    }
    worst = max(apart, key=lambda name: apart[name])
    return apart[worst], worst


def scenes_agree(device: str) -> tuple[str, bool]:
    """Scenes of a device, compiled, and of the processor, uncompiled."""
    config = parse_config({"training": {"batch": 32}})
    apart, worst = furthest(scenes_on(device, config, True), scenes_on("CPU", config, False))
    return f"{apart:.1e} of the largest entry ({worst})", apart < EXACT


def terms_on(device: str, config: Config, compiled: bool) -> dict[str, np.ndarray]:
    """Loss, terms and gradient norms of the first window, with the weights of the seed."""
    with tf.device(f"{device}:0"):
        trainer = make_trainer(config)
        step = tf.function(trainer.train_step, jit_compile=compiled or None, autograph=False)
        with trainer.computing():
            values = np.ravel(step(tf.constant(0, tf.int64))["values"])
    named = dict(zip(trainer.series, values, strict=True))
    return {n: v for n, v in named.items() if n.startswith(("loss", "term/", "norm/")) and v}


def terms_agree(device: str, tf32: bool = False) -> tuple[str, bool]:
    """The first window on a device, compiled, and on the processor, uncompiled."""
    reference = terms_on("CPU", _small("training.compile=false"), False)
    apart, worst = furthest(terms_on(device, _small(f"training.tf32={tf32}"), True), reference)
    return f"{apart:.1e} ({worst})", apart < (ROUNDED if tf32 else 10 * EXACT)


def _small(*overrides: str) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        return load_config(_written(Path(folder)), overrides)


def _written(folder: Path) -> Path:
    path = folder / "small.yaml"
    path.write_text(SMALL)
    return path


# -- a run ----------------------------------------------------------------------------------------


def killed_and_resumed(device: str) -> tuple[str, bool]:
    """A run that is killed within an epoch and resumed, beside one that nobody disturbed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["train", _written(folder), "--runs-dir", folder, "--device", device.lower()]
        _run([*words, "--name", "whole"])
        with subprocess.Popen(
            [*CLI, *map(str, words), "--name", "killed"], stdout=subprocess.DEVNULL
        ) as process:
            _wait_for(folder / "killed" / "checkpoints" / "previous.npz", process)
            process.send_signal(signal.SIGKILL)
        _run(["train", "--resume", folder / "killed", "--device", device.lower()])
        same, number = _same_arrays(folder)
    return f"{same} of {number} arrays have the same bits", same == number


def _run(words: list) -> None:
    subprocess.run([*CLI, *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def _wait_for(file: Path, process: subprocess.Popen) -> None:
    while not file.exists() and process.poll() is None:
        time.sleep(0.01)


def _same_arrays(folder: Path) -> tuple[int, int]:
    pair = [np.load(folder / name / "checkpoints" / "last.npz") for name in ("whole", "killed")]
    names = [name for name in pair[0].files if name != "progress"]
    return sum(pair[0][n].tobytes() == pair[1][n].tobytes() for n in names), len(names)


def evaluated(device: str) -> tuple[str, bool | None]:
    """`ris-tf evaluate` of the estimators that need no network."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        words = ["evaluate", "--config", "quickstart", "--estimators", "pursuit"]
        words += ["--scenes", "200", "--no-figures", "--device", device.lower(), "--out"]
        _run([*words, folder])
        table = (Path(folder) / "evaluation.csv").read_text().splitlines()
    rows = [line.split(",") for line in table[1:]]
    whole = {row[4]: float(row[5]) for row in reversed(rows) if row[0] == "pursuit"}
    recall, speed = whole["recall_direction"], whole["milliseconds"]
    took = f"{time.monotonic() - began:.0f} s with its start"
    return f"recall {recall:.2f}, {speed:.1f} ms a scene, {took}", None


# -- speed ----------------------------------------------------------------------------------------


def reference_speed(device: str, precision: str, batch: int) -> tuple[str, bool | None]:
    """Scenes a second of the reference network's step, and its share of the matrix product."""
    tf32 = precision == "tf32"
    chosen = "float32" if tf32 else precision
    settings = [f"training.batch={batch}", f"training.precision={chosen}", f"training.tf32={tf32}"]
    config = load_config("reference", settings)
    with tf.device(f"{device}:0"):
        product = matrix_product_flops()
        network = build_network(config)
        trainer = make_trainer(config, network)
        step = tf.function(trainer.train_step, jit_compile=True, autograph=False)
        windows = iter(range(10**6))
        began = time.monotonic()
        with trainer.computing():
            elapsed = seconds(lambda: step(tf.constant(next(windows), tf.int64))["values"], 5, 2)
    share = operations(network, config) / elapsed / product
    compiling = time.monotonic() - began - 7 * elapsed
    speed = f"{batch / elapsed:,.0f} scenes/s, {share:.0%} of the product"
    return f"{speed} (float32, {product / 1e12:.2f} TFLOP/s), compiled in {compiling:.0f} s", None


def main() -> int:
    """Run all that fits into the time; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    name = str(details.get("device_name", "GPU")) if gpus else ""
    table = Table(time.monotonic() + 60 * asked.minutes - LONGEST_S, name)
    title = f"GPU: {name or 'none'}; TensorFlow {tf.__version__}"
    print(f"{title}\n\n{_line(Row('check', 'device', 'result', 'verdict'))}\n|---|---|---|---|")
    table.take("terms, layers in TF32", "GPU", lambda: terms_agree("GPU", True))
    for precision in PRECISIONS:
        what = f"reference, {precision}"
        table.take(what, "GPU", lambda p=precision: reference_speed("GPU", p, 512))
    for device in ("GPU", "CPU"):
        table.take("scenes against the processor's", device, lambda d=device: scenes_agree(d))
        table.take("terms and gradient norms", device, lambda d=device: terms_agree(d))
        table.take("killed and resumed", device, lambda d=device: killed_and_resumed(d))
        table.take("evaluate, 200 scenes", device, lambda d=device: evaluated(d))
    table.take("reference, float32", "CPU", lambda: reference_speed("CPU", "float32", 16))
    if asked.out:
        lines = [title, "", _line(Row("check", "device", "result", "verdict")), "|---|---|---|---|"]
        asked.out.write_text("\n".join([*lines, *map(_line, table.rows)]) + "\n")
    return any(row.verdict == "FAILED" for row in table.rows)


if __name__ == "__main__":
    sys.exit(main())
