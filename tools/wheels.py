"""Installs the wheel of dist/ into fresh environments, outside of the checkout, and uses it there.

Every Python that is found, each without extras, with `[train]`, with `[gui]` and with all of them.
What should work must work, what is not installed must be named in one line. Packages come from
where pip takes them.

    python tools/wheels.py [PYTHON ...] [--extras train,gui] [--run FOLDER] [--keep FOLDER]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
TINY = [
    word
    for value in ("training.epochs=1", "training.batches_per_epoch=3", "training.batch=8",
                  "training.compile=false", "training.validation_batches=1",
                  "training.validation_batch=8", "training.spectrum_scenes=0",
                  "network.filters=4", "network.blocks=0", "network.rounds=0",
                  "training.head_multiplier=0",  # a cause, so that `check` names a page
                  "localize.grid=[31, 16]", "localize.planes=3")
    for word in ("--set", value)
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A command, how it should end, and what it should leave or print.

    Attributes:
        words: the command.
        codes: exit codes that are right.
        makes: a file that must be there afterwards.
        ends: how its output must end.
        prints: what its output must have.
        opens: a word of its output before the path of a file that must be there.
    """

    words: list[str]
    codes: tuple[int, ...] = (0,)
    makes: str | None = None
    ends: str = ""
    prints: str = ""
    opens: str = ""


def ris_tf(*words: str, **right: object) -> Step:
    """A command of `ris-tf`."""
    return Step(["ris-tf", *words], **right)  # type: ignore[arg-type]


HELP = [ris_tf("--version"), ris_tf("--help"), ris_tf("knobs", "learning", prints="learning_rate")]
READS = [
    ris_tf("runs", prints="first"),
    ris_tf("show", "runs/first"),
    ris_tf("check", "runs/first", codes=(1,), prints="checks passed", opens="more: "),
    ris_tf("export", "runs/first", "--to", "csv", "--out", "csv", makes="csv/steps.csv"),
    ris_tf("figure", "training", "runs/first", "--out", "a.png", makes="a.png"),
]
TRAINS = [
    ris_tf("train", "quickstart", "--name", "first", *TINY, makes="runs/first/run.json"),
    ris_tf("simulate", "quickstart", "--scenes", "4", "--out", "s.npz", makes="s.npz"),
    ris_tf("localize", "runs/first", "s.npz", "--out", "p.csv", makes="p.csv"),
]
PICTURE = Step(
    ["ris-gui", "--screenshot", "loss.png", "--tab", "loss", "runs/first"], makes="loss.png"
)
NO_MONITOR = Step(PICTURE.words, codes=(2,), ends="pip install 'ris-tf[gui]'")
NO_TRAINING = ris_tf(
    "train", "quickstart", "--name", "second", codes=(2,), ends="pip install 'ris-tf[train]'"
)
EXPORTS = [
    ris_tf("export", "runs/first", "--to", "onnx", makes="runs/first/exports/network.onnx"),
    ris_tf("export", "runs/first", "--to", "tensorboard", makes="runs/first/exports/tensorboard"),
]
NO_EXPORT = ris_tf(
    "export", "runs/first", "--to", "onnx", codes=(2,), ends="pip install 'ris-tf[export]'"
)
ALONE = "alone"  # without any extra
STEPS = {
    "train": [*HELP, *TRAINS, *READS, NO_MONITOR, NO_EXPORT],
    ALONE: [*HELP, *READS, NO_MONITOR, NO_TRAINING],
    "gui": [*HELP, *READS, PICTURE, NO_TRAINING],
    "all+export": [*HELP, *TRAINS, *READS, PICTURE, *EXPORTS, ris_tf("doctor")],
}


@dataclass
class Tried:
    """What came of one environment."""

    installed_s: float = 0.0
    used_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Try every environment; the exit code is 1 if anything was wrong."""
    options = _options()
    wheel = newest_wheel(ROOT / "dist")
    home = Path(options.keep or tempfile.mkdtemp(prefix="wheels-"))
    failed = False
    for python in options.pythons or pythons():
        run = options.run
        for extra in options.extras.split(","):
            place = home / f"{Path(python).name}-{extra}"
            tried = attempt(python, wheel, extra, place, run)
            run = run or _run_of(place, home)
            failed |= bool(tried.wrong)
            _report(python, extra, tried)
            if not options.keep:
                shutil.rmtree(place, ignore_errors=True)
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pythons", nargs="*", help="interpreters; all that are found")
    parser.add_argument("--extras", default=",".join(STEPS), help="which; %(default)s")
    parser.add_argument("--run", type=Path, help="a run for those that cannot train one")
    parser.add_argument("--keep", help="folder for the environments, which stay")
    return parser.parse_args()


def newest_wheel(dist: Path) -> Path:
    """The wheel that `make release` has built."""
    wheels = sorted(dist.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        sys.exit("wheels: dist/ has no wheel; make release")
    return wheels[-1]


def pythons() -> list[str]:
    """Interpreters of the supported versions, on the path or of pyenv."""
    own = sorted(Path.home().glob(".pyenv/versions/*/bin/python3.*"))
    found = {version: shutil.which(f"python{version}") for version in PYTHONS}
    for path in own:
        version = path.name.removeprefix("python")
        if found.get(version, "") is None or "shims" in str(found.get(version)):
            found[version] = str(path)
    for version in (version for version, path in found.items() if not path):
        print(f"python{version}: not on this machine")
    return [path for path in found.values() if path]


def attempt(python: str, wheel: Path, extra: str, place: Path, run: Path | None) -> Tried:
    """Install into a new environment and take every step.

    Args:
        python: interpreter.
        wheel: what is installed.
        extra: with which extra.
        place: a folder for environment and files.
        run: a run that another environment has trained.
    """
    tried, began = Tried(), time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    work = place / "work"
    work.mkdir(parents=True)
    if run is not None and TRAINS[0] not in STEPS[extra]:
        shutil.copytree(run, work / "runs" / "first")
    tried.wrong += _install(python, wheel, extra, place / "venv")
    tried.installed_s = time.monotonic() - began
    for step in STEPS[extra] if not tried.wrong else ():
        tried.wrong += take(step, place / "venv" / "bin", work)
    tried.used_s = time.monotonic() - began - tried.installed_s
    return tried


def _install(python: str, wheel: Path, extra: str, venv: Path) -> list[str]:
    extras = "" if extra == ALONE else f"[{extra.replace('+', ',')}]"
    pip = [venv / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check",
           "-c", ROOT / "constraints.txt", f"{wheel}{extras}"]  # fmt: skip
    for words in ([python, "-m", "venv", venv], pip):
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=_outside())
        if done.returncode:
            return [f"not installed: {done.stderr.strip().splitlines()[-1]}"]
    return []


def take(step: Step, programs: Path, work: Path) -> list[str]:
    """What is wrong with a step; nothing where it ended as it should."""
    done = subprocess.run(
        [programs / step.words[0], *step.words[1:]], cwd=work, env=_outside(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    command, output = " ".join(step.words[:3]), done.stdout.strip()
    last = (output.splitlines() or [""])[-1]
    wrong = []
    if done.returncode not in step.codes:
        wrong.append(f"{command}: exit code {done.returncode}: {last}")
    if not output.endswith(step.ends) or step.prints not in output or "Traceback" in output:
        wrong.append(f"{command}: printed {last}")
    if step.opens and not _opened(step.opens, output):
        wrong.append(f"{command}: names no file that is there after {step.opens!r}")
    if step.makes and not (work / step.makes).exists():
        wrong.append(f"{command}: made no {step.makes}")
    if step.ends and len(output.splitlines()) != 1:
        wrong.append(f"{command}: {len(output.splitlines())} lines where one should be")
    return wrong


def _opened(before: str, output: str) -> bool:
    """Whether the output has a path after some word, and a file is there."""
    _, found, rest = output.partition(before)
    return bool(found) and Path(rest.split()[0]).is_file()


def _outside() -> dict[str, str]:
    """The environment without what leads to the checkout, and without a display."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "DISPLAY", "WAYLAND_DISPLAY")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _run_of(place: Path, home: Path) -> Path | None:
    """A copy of the run that an environment has trained, for those that cannot train."""
    run = place / "work" / "runs" / "first"
    return Path(shutil.copytree(run, home / "run", dirs_exist_ok=True)) if run.exists() else None


def _report(python: str, extra: str, tried: Tried) -> None:
    state = "as it should be" if not tried.wrong else f"{len(tried.wrong)} wrong"
    name = f"{Path(python).name} {extra}"
    times = f"installed in {tried.installed_s:4.0f} s, used for {tried.used_s:4.0f} s"
    print(f"{name:21} {times}: {len(STEPS[extra])} steps, {state}", flush=True)
    for wrong in tried.wrong:
        print(f"    {wrong}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
