"""A wheel made from the source distribution works where there is no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

SOURCES = ("LICENSE", "MANIFEST.in", "README.md", "configs", "constraints.txt", "gui",
           "pyproject.toml", "ris_tf", "tools")  # fmt: skip
BUILD = "from setuptools import build_meta; build_meta.build_{}({!r})"
TINY = [
    word
    for value in ("training.epochs=1", "training.batches_per_epoch=2", "training.batch=8",
                  "training.compile=false", "training.validation_batches=1",
                  "training.validation_batch=8", "training.spectrum_scenes=0", "training.samples=0",
                  "network.blocks=0", "network.rounds=0")
    for word in ("--set", value)
]  # fmt: skip


def outside() -> dict[str, str]:
    """The environment without what leads to the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def home(root, tmp_path_factory) -> Path:
    """A folder outside of the checkout with `venv/`, into which the wheel is installed."""
    home = tmp_path_factory.mktemp("installed")
    source = home / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, source / name)
    packed = home / "packed"
    packed.mkdir()
    _python(BUILD.format("sdist", str(packed)), source)
    (archive,) = packed.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(home / "unpacked", filter="data")
    (unpacked,) = (home / "unpacked").iterdir()
    _python(BUILD.format("wheel", str(packed)), unpacked)
    wheel = next(packed.glob("*.whl"))
    _install(home, wheel)
    _install(home, wheel, "light", ("tensorflow", "keras", "pyside6", "shiboken6"))
    for used in (source, home / "unpacked"):
        shutil.rmtree(used)
    return home


def _python(program: str, folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, env=outside()
    )


def _install(home: Path, wheel: Path, name: str = "venv", without: tuple[str, ...] = ()) -> None:
    """Install a wheel alone; what it depends on is this environment's, some packages excepted."""
    venv = home / name
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--no-compile", wheel], check=True, env=outside())
    (packages,) = (venv / "lib").glob("python*/site-packages")
    others = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    for path in others:
        there = packages / f"of-{Path(path).parent.parent.name}"
        there.mkdir()
        for package in Path(path).iterdir():
            if not package.name.lower().startswith((*without, "__editable__")):
                (there / package.name).symlink_to(package)
    paths = "".join(f"{path}\n" for path in packages.glob("of-*"))
    (packages / "dependencies.pth").write_text(paths)


@pytest.fixture(scope="module")
def run(home):
    """Runs a program of the installation: its exit code and what it printed."""

    def run(program: str, *words: str, venv: str = "venv") -> tuple[int, str]:
        done = subprocess.run(
            [home / venv / "bin" / program, *words],
            cwd=home,
            env=outside(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def test_it_runs_from_the_wheel(run, home):
    program = "import ris_tf, gui; print(ris_tf.__file__, gui.__file__, ris_tf.Localizer.__name__)"
    code, printed = run("python", "-c", program)
    assert code == 0, printed
    package, monitor, name = printed.splitlines()[-1].split()
    assert Path(package).is_relative_to(home / "venv")
    assert Path(monitor).is_relative_to(home / "venv")
    assert name == "Localizer"
    assert (Path(package).parent / "py.typed").exists()
    assert (Path(package).parent / "__init__.pyi").exists()
    assert not (Path(package).parent.parent / "tools").exists()


@pytest.mark.parametrize(
    "words",
    [("ris-tf", "--help"), ("ris-gui", "--help"), ("python", "-m", "ris_tf.hpo", "--help")],
)
def test_help(run, words):
    code, printed = run(*words)
    assert code == 0, printed
    assert "usage" in printed.lower()


def test_trains_a_configuration_by_name(run, home):
    code, printed = run("ris-tf", "train", "quickstart", "--name", "first", *TINY)
    assert code == 0, printed
    assert "finished: 1 epoch" in printed
    assert (home / "runs" / "first" / "checkpoints" / "best.keras").exists()


def test_shows_the_network_of_a_configuration_by_name(run):
    code, printed = run("ris-tf", "model", "quickstart")
    assert code == 0, printed
    assert "104,183" in printed


def test_hpo_finds_the_reference_network(run, home):
    (home / "space.yaml").write_text("network.image: [[9, 9]]\n")
    code, printed = run("python", "-m", "ris_tf.hpo", "--space", "space.yaml")
    assert code == 2
    assert "network.image: unknown key of a configuration with the reference network" in printed


def test_init_writes_what_trains(run, home):
    code, printed = run("ris-tf", "init", "reference", "--out", "mine.yaml")
    assert code == 0, printed
    compare = "from ris_tf import load_config as f; print(f('mine.yaml') == f('reference'))"
    assert run("python", "-c", compare) == (0, "True\n")


def test_unknown_name_lists_those_there_are(run):
    code, printed = run("ris-tf", "simulate", "quikstart", "--out", "a.npz")
    assert code == 2
    assert "default-panel, default-panel-gpu, quickstart, reference" in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("ris-tf", "train", "quickstart"), "train"),
        (("ris-tf", "tune", "quickstart", "--n-trials", "1"), "train"),
        (("ris-tf", "simulate", "quickstart", "--out", "a.npz"), "train"),
        (("ris-gui", "--screenshot", "a.png", "."), "gui"),
    ],
)
def test_what_is_not_installed_is_named_and_nothing_made(run, home, words, extra):
    """A server needs no Qt, and a laptop that watches no TensorFlow."""
    before = _made(home)
    code, printed = run(*words, venv="light")
    assert code == 2
    assert printed.endswith(f"pip install 'ris-tf[{extra}]'\n")
    assert printed.count("\n") == 1
    assert _made(home) == before


def _made(folder: Path) -> set[Path]:
    """What lies below a folder, but for what Python compiles as it imports."""
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_runs_are_read_without_tensorflow_and_qt(run, home):
    code, printed = run("ris-tf", "runs", venv="light")
    assert code == 0, printed
    code, printed = run("ris-tf", "doctor", venv="light")
    assert code == 0, printed
    assert "no training here" in printed
    assert "no monitor here" in printed
