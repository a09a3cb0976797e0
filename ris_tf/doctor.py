"""What of this product works on this machine: versions, memory, disk, display, TensorFlow.

Everything is tried here and now; nothing is written but a file that is removed again, in the
folder where runs would go. TensorFlow is imported last: it takes seconds.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from packaging.requirements import Requirement

from ris_tf.disk import in_home
from ris_tf.engine.compiled import OFF, VARIABLE, cache_folder, may_use_gpu, mine_alone
from ris_tf.engine.program_files import held_bytes
from ris_tf.processor import available_threads, processor_name
from ris_tf.words import counted

PACKAGE = "ris-tf"
# What the parts of this package are for that can be installed; the first is always there.
PARTS = {"": "everything needs it", "train": "no training here", "gui": "no monitor here"}
LITTLE_MEMORY, LITTLE_DISK = 4 << 30, 2 << 30  # bytes
SLOW = 1.5  # of float32's time: a precision that does not pay
SIZE, TIMES = 384, 5  # of the matrix product that is timed
QT_SECONDS = 30
QT = "from PySide6.QtWidgets import QApplication; QApplication(['-'])"
CLOSE = {"float32": 1e-5, "bfloat16": 3e-2, "float16": 4e-3}  # relative to the largest entry


class Mark(StrEnum):
    """How good a finding is."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Attributes:
        name: what.
        mark: `BAD` where training or the monitor will not work.
        text: what was seen.
        remedy: what to do; empty where there is nothing to do.
    """

    name: str
    mark: Mark
    text: str
    remedy: str = ""


def examine(folder: Path) -> Iterator[Finding]:
    """Try everything, the quick things first.

    Args:
        folder: where runs go; the folder above it, where it is not there yet.
    """
    yield from versions()
    yield machine()
    yield memory()
    yield disk(folder)
    yield compiled()
    yield keras_settings()
    yield from window() if find_spec("PySide6") else ()
    yield from computing() if find_spec("tensorflow") and find_spec("keras") else ()


# -- without TensorFlow ---------------------------------------------------------------------------


def versions() -> Iterator[Finding]:
    """This package, Python, and the packages that it requires, as they are installed."""
    yield Finding("python", Mark.GOOD, f"{platform.python_version()} at {sys.executable}")
    try:
        version, requires = metadata.version(PACKAGE), metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        remedy = "install it: pip install ris-tf, or pip install -e . in its folder"
        yield Finding(PACKAGE, Mark.BAD, "runs from a folder, not installed", remedy)
        return
    yield Finding(PACKAGE, Mark.GOOD, f"{version} at {Path(__file__).parent}")
    needed = [Requirement(text) for text in requires]
    found = [(part, _installed(one)) for one in needed for part in _part_of(one)]
    good = ", ".join(f"{one.name} {one.text}" for _, one in found if one.mark is Mark.GOOD)
    yield Finding("packages", Mark.GOOD, good)
    lacking = {part: [one.name for p, one in found if p == part and not one.text] for part in PARTS}
    yield from (one for _, one in found if one.mark is Mark.BAD and one.text)
    for part, names in lacking.items():
        if names:
            text = f"{', '.join(names)} not installed: {PARTS[part]}"
            mark = Mark.NOTE if part else Mark.BAD
            yield Finding(part or "packages", mark, text, f"pip install '{_with_extra(part)}'")


def _with_extra(part: str) -> str:
    return f"{PACKAGE}[{part}]" if part else PACKAGE


def _part_of(needed: Requirement) -> list[str]:
    """The part of `PARTS` that needs a package; none for what developers need."""
    if needed.name == PACKAGE:
        return []
    marker = needed.marker
    return [part for part in PARTS if not marker or marker.evaluate({"extra": part})][:1]


def _installed(needed: Requirement) -> Finding:
    """The version that is installed, of those that are right; no text where there is none."""
    wanted = f"{needed.name}{needed.specifier}"
    remedy = f"pip install '{wanted}'"
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return Finding(needed.name, Mark.BAD, "", remedy)
    if not needed.specifier.contains(version, prereleases=True):
        return Finding(needed.name, Mark.BAD, f"{version}, but {wanted} is required", remedy)
    return Finding(needed.name, Mark.GOOD, version)


def machine() -> Finding:
    """System, processor, and the threads that this process may use."""
    threads, of = available_threads(), os.cpu_count() or 1
    share = (
        counted(threads, "thread")
        if threads == of
        else f"{threads} of {counted(of, 'thread')} allowed here"
    )
    text = f"{platform.system()} {platform.release()}, {processor_name()}, {share}"
    return Finding("machine", Mark.GOOD, text)


def memory() -> Finding:
    """Memory that is free now."""
    has = psutil.virtual_memory()
    text = f"{_size(has.available)} of {_size(has.total)} free"
    if has.available > LITTLE_MEMORY:
        return Finding("memory", Mark.GOOD, text)
    remedy = "training takes 1 to 4 GB: end other programs, or lower training.batch"
    return Finding("memory", Mark.NOTE, text, remedy)


def disk(folder: Path) -> Finding:
    """Whether a run's files can be written, and how much fits."""
    there = folder.absolute()
    while not there.is_dir():
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            file.write(bytes(1 << 16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        text, remedy = f"{there}: {error.strerror}", "choose another folder: --runs-dir"
        return Finding("disk", Mark.BAD, text, remedy)
    free = shutil.disk_usage(there).free
    text = f"{_size(free)} free in {there}"
    if free > LITTLE_DISK:
        return Finding("disk", Mark.GOOD, text)
    return Finding("disk", Mark.NOTE, text, "a run takes 10 to 100 MB: make room")


def compiled() -> Finding:
    """What is kept of programs that XLA compiled, or why nothing is."""
    folder = cache_folder()
    if folder is None:
        why = f"{VARIABLE}={OFF}" if os.environ.get(VARIABLE) else "there is no home folder"
        text, remedy = f"nothing is kept: {why}", "without it, a run begins later"
        return Finding("compiled", Mark.NOTE, text, remedy)
    if may_use_gpu():
        return Finding("compiled", Mark.GOOD, "nothing is kept where there is a GPU")
    if folder.exists() and not mine_alone(folder):
        text = f"nothing is kept: others can write to {folder}, or to a folder above it"
        return Finding("compiled", Mark.NOTE, text, f"name another folder: {VARIABLE}")
    return Finding("compiled", Mark.GOOD, f"{held_bytes(folder) / 1e6:.0f} MB in {folder}")


def keras_settings() -> Finding:
    """What the person's own settings of Keras are; networks of this package do not follow them."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    path = Path(os.environ.get("KERAS_HOME") or in_home("~/.keras")) / "keras.json"
    text = f"backend {backend}" + (f", settings in {path}" if path.is_file() else "")
    if backend == "tensorflow":
        return Finding("keras", Mark.GOOD, text)
    remedy = "commands take TensorFlow all the same; in Python, import ris_tf before keras"
    return Finding("keras", Mark.NOTE, text, remedy)


def window() -> Iterator[Finding]:
    """Whether Qt draws, and whether there is a screen to draw on."""
    problem = _qt_problem()
    if problem:
        remedy = "ris-gui says what it lacks; on Debian: apt-get install libegl1 libxkbcommon0"
        yield Finding("Qt", Mark.BAD, problem, remedy)
    else:
        yield Finding("Qt", Mark.GOOD, "draws offscreen")
    shown = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if shown or sys.platform in ("win32", "darwin"):
        yield Finding("display", Mark.GOOD, shown or "of the system")
        return
    remedy = "for the window: ssh -X, or ris-gui on a machine that sees the runs' folder"
    yield Finding("display", Mark.NOTE, "none: training and commands need none", remedy)


def _qt_problem() -> str:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", QT]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=QT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no window within {QT_SECONDS} s"
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"ended with {done.returncode}"


# -- with TensorFlow ------------------------------------------------------------------------------


def computing() -> Iterator[Finding]:
    """TensorFlow, its devices, XLA, and the precisions that a network can be trained in."""
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    os.environ[VARIABLE] = OFF  # whether XLA compiles, not whether it once did
    begin = time.perf_counter()
    try:
        load_tensorflow()
    except ImportError as error:
        remedy = "pip install --force-reinstall tensorflow"
        yield Finding("tensorflow", Mark.BAD, str(error).splitlines()[0], remedy)
        return
    seconds = time.perf_counter() - begin
    yield Finding("tensorflow", Mark.GOOD, f"imported in {seconds:.1f} s")
    yield devices()
    yield xla()
    yield from precisions()


def devices() -> Finding:
    """Processors and GPUs that TensorFlow sees; a GPU that it does not see is a fault."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
        return Finding("devices", Mark.GOOD, ", ".join(str(name) for name in names))
    if Path("/proc/driver/nvidia/version").exists():
        remedy = "pip install 'ris-tf[gpu]', in this environment"
        return Finding("devices", Mark.BAD, "an NVIDIA driver, but TensorFlow sees no GPU", remedy)
    return Finding("devices", Mark.GOOD, "the processor; no GPU")


def xla() -> Finding:
    """Whether XLA compiles what the step needs: a factorization, a solve, a gradient."""
    import tensorflow as tf

    def compute(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            gram = tf.matmul(x, x, transpose_a=True) + tf.eye(x.shape[1])
            solved = tf.linalg.cholesky_solve(tf.linalg.cholesky(gram), tf.transpose(x))
            value = tf.reduce_sum(tf.abs(solved) ** 2)
        return value, tape.gradient(value, x)

    x = tf.random.stateless_normal([24, 16], seed=(1, 2))
    begin = time.perf_counter()
    try:
        compiled = tf.function(compute, jit_compile=True)(x)
    except tf.errors.OpError as error:
        remedy = "train without it, more slowly: --set training.compile=false"
        return Finding("XLA", Mark.BAD, error.message.splitlines()[0], remedy)
    seconds = time.perf_counter() - begin
    wrong = max(_deviation(*pair) for pair in zip(compiled, compute(x), strict=True))
    if wrong > CLOSE["float32"]:
        remedy = "train without it: --set training.compile=false, and report this"
        return Finding("XLA", Mark.BAD, f"deviates by {wrong:.1e} from TensorFlow", remedy)
    return Finding("XLA", Mark.GOOD, f"compiles ({seconds:.1f} s), and agrees to {wrong:.0e}")


def precisions() -> Iterator[Finding]:
    """The matrix product in each precision: whether it is right, and what it costs."""
    import tensorflow as tf

    a, b = (tf.random.stateless_normal([SIZE, SIZE], seed=(3, i)) for i in range(2))
    exact = tf.matmul(tf.cast(a, tf.float64), tf.cast(b, tf.float64))
    base = 0.0
    for name, close in CLOSE.items():
        left, right = tf.cast(a, name), tf.cast(b, name)
        product, seconds = _timed(lambda left=left, right=right: tf.matmul(left, right))
        base = base or seconds
        wrong, speed = _deviation(product, exact), 2e-9 * SIZE**3 / seconds
        text = f"{speed:,.0f} GFLOP/s, right to {wrong:.0e}"
        if wrong > close:
            yield Finding(name, Mark.BAD, text, "train in float32, and report this")
        elif seconds > SLOW * base:
            text += f", {seconds / base:.1f} times the time of float32"
            yield Finding(name, Mark.NOTE, text, "train in float32 here")
        else:
            yield Finding(name, Mark.GOOD, text)


def _timed(compute: Callable) -> tuple:
    """What a function returns, and the least seconds of some calls."""
    compute().numpy()
    least = float("inf")
    for _ in range(TIMES):
        begin = time.perf_counter()
        result = compute()
        result.numpy()
        least = min(least, time.perf_counter() - begin)
    return result, least


def _deviation(one: Any, other: Any) -> float:
    """The largest deviation, relative to the largest entry."""
    import tensorflow as tf

    one, other = tf.cast(one, tf.float64), tf.cast(other, tf.float64)
    return float(tf.reduce_max(tf.abs(one - other)) / tf.reduce_max(tf.abs(other)))


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def without_home(text: str) -> str:
    """Text with the person's folder as `~`: it will stand in bug reports."""
    home = str(in_home("~"))
    return re.sub(rf"{re.escape(home)}(?=/|\b)", "~", text) if home not in ("/", "~") else text
