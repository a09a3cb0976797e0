"""Whole run folders, and what anybody may do to them: bytes, kinds, sizes, links, numbers."""

import copy
import json
import math
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ris_tf.config import Config
from ris_tf.runlog import (
    CheckpointEvent,
    End,
    Epoch,
    EventWriter,
    Notice,
    RunDirectory,
    Sample,
    Series,
    Session,
    SpectrumSample,
    Validation,
    write_sample,
)
from ris_tf.search import Choices, Search, SearchDirectory, Trial, TrialState

PER_EPOCH, EPOCHS = 6, 2
SERIES = [
    *("loss", "norm/backbone", "norm/head", "norm/total", "ok", "scale", "beta", "iteration"),
    *("schedule", "clip", "offender", "rate/backbone", "rate/head"),
    *("term/covariance", "term/subspace", "weight/covariance", "weight/subspace"),
]
CLEAR, TURN = "\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe"
NASTY: list[Any] = [
    *(None, True, [], {}, "", 0, -1, -5, 0.5, 1e30, -1e18, 1e308, -1e308, 2**63, 2**64, 10**18),
    *(CLEAR, TURN, "two\nlines\n  loss  best 0.0000", "[/bold][red]", "x" * 100_000, "\u0000"),
    *([1, 2, 3], [[[]]], {"a": {"b": []}}, "/etc/passwd", "../../outside", [None] * 50, "١٢"),
]
LARGEST = 1 << 25  # bytes of a file whose bytes are changed: one may be huge by now
RAW = [b"NaN", b"Infinity", b"1e999", b"-", b'"\\ud800"', b"[" * 3000 + b"]" * 3000, b"9" * 6000]


def intact(folder: Path) -> None:
    """A folder of runs: one that nobody harms, another, and a search with a trial."""
    for name in ("good", "one"):
        _run(folder / name, "finished" if name == "good" else "stopped")
    plan = Search(algorithm="random", trials=2, space={"network.width": Choices((448, 512))})
    search = SearchDirectory.create(folder / "wide", plan, config=Config())
    _run(search.trial_path(1), "finished")
    search.write_trial(Trial(1, {"network.width": 448}, TrialState.FINISHED, 0.5, epochs=2))


def _run(path: Path, ended: str) -> None:
    run = RunDirectory.create(path, "seed: 1\nscene: {sources_max: 2}\n", ["ris-tf"])
    run.begin_session(["ris-tf", "train", "quick.yaml"])
    with EventWriter(run.events_path) as log:
        windows = EPOCHS * PER_EPOCH
        log.write(Session(1, 1e9, 0, 0, windows, EPOCHS, PER_EPOCH))
        log.write(Series(SERIES))
        for i in range(windows):
            values = [math.exp(-i / 20)] * len(SERIES)
            log.step(i, i // PER_EPOCH, 1e9 + i, values)
            if (i + 1) % PER_EPOCH == 0:
                epoch = i // PER_EPOCH
                log.write(Epoch(epoch, i, 1e9 + i, 1.0, 10.0, []))
                log.write(Validation(epoch, i, 1e9 + i, "ema", {"loss": 0.5, "term/subspace": 0.1}))
                log.write(Sample(i, epoch, 1e9 + i, f"samples/epoch_{epoch:04d}.npz"))
                log.write(CheckpointEvent(i + 1, epoch + 1, 1e9 + i, "checkpoints/last.npz", True))
        log.write(Notice(1e9, "info", "something to know", values={"count": 2}))
        log.write(End(1e9 + windows, windows, ended, f"{ended} for a reason"))
    write_sample(run.samples / "epoch_0000.npz", _sample())
    np.savez(run.checkpoints / "last.npz", progress=np.array("{}"), kernel=np.zeros((4, 4)))
    run.console_path.write_text("epoch 1\nepoch 2\n")
    run.end_session()


def _sample() -> SpectrumSample:
    angles, positions = np.linspace(-30.0, 30.0, 7), np.zeros((2, 3, 3), np.float32)
    return SpectrumSample(
        azimuth_deg=angles,
        elevation_deg=angles,
        spectrum_db=np.zeros((2, 7, 7), np.float16),
        truth=positions,
        estimate=positions,
        snr_db=np.zeros(2, np.float32),
        epoch=0,
        step=5,
    )


# -- what is done to them -------------------------------------------------------------------------


def harm(folder: Path, outside: Path, random: Random) -> list[str]:
    """Do one to four things to a folder of runs, never to the run `good`; what was done."""
    return [_harm_once(folder, outside, random) for _ in range(random.randint(1, 4))]


def _harm_once(folder: Path, outside: Path, random: Random) -> str:
    act = random.choice([_bytes, _bytes, _other_kind, _document, _document, _log, _name, _yaml])
    places = [place for place in sorted(folder.rglob("*")) if _harmable(place, folder)]
    target = random.choice(places) if places else folder / "one"
    with suppress(OSError, ValueError):  # it harms what was harmed before, which may not be there
        return f"{act.__name__} {act(target, outside, random)}"
    return f"{act.__name__} not done"


def _harmable(place: Path, folder: Path) -> bool:
    return place.relative_to(folder).parts[0] != "good" and not place.is_symlink()


def _bytes(target: Path, outside: Path, random: Random) -> str:
    """Flip, cut, insert, repeat bytes, or put others in their place."""
    target = _a_file(target, random)
    data = bytearray(target.read_bytes())
    place = random.randrange(len(data) + 1)
    what = random.choice(["flip", "cut", "insert", "repeat", "random", "empty", "raw"])
    if what == "flip" and data:
        for _ in range(random.randint(1, 8)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif what == "cut":
        del data[place:]
    elif what == "insert":
        data[place:place] = random.randbytes(random.randint(1, 64))
    elif what == "raw":
        data[place:place] = random.choice(RAW)
    elif what == "repeat":
        data *= 3
    else:
        data = bytearray(random.randbytes(300) if what == "random" else b"")
    target.write_bytes(data)
    return f"{what} {target}"


def _other_kind(target: Path, outside: Path, random: Random) -> str:
    """Put something else under a name."""
    kind = random.choice([*KINDS])
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink()
    KINDS[kind](target, outside)
    return f"{kind} {target}"


def _socket(target: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(target))


def _huge(target: Path, outside: Path) -> None:
    with target.open("wb") as file:
        file.truncate(1 << 36)


KINDS: dict[str, Callable[[Path, Path], Any]] = {
    "pipe": lambda target, outside: os.mkfifo(target),
    "zeros": lambda target, outside: target.symlink_to("/dev/zero"),
    "full": lambda target, outside: target.symlink_to("/dev/full"),
    "terminal": lambda target, outside: target.symlink_to("/dev/tty"),
    "itself": lambda target, outside: target.symlink_to(target.name),
    "elsewhere": lambda target, outside: target.symlink_to(outside / "file"),
    "folder elsewhere": lambda target, outside: target.symlink_to(outside),
    "not yet": lambda target, outside: target.symlink_to(outside / "not-there"),
    "upwards": lambda target, outside: target.symlink_to(".."),
    "folder": lambda target, outside: target.mkdir(),
    "socket": _socket,
    "huge": _huge,
    "nothing": lambda target, outside: None,
}


def _document(target: Path, outside: Path, random: Random) -> str:
    """Another value at some place of a JSON document, or of some lines of a log."""
    target = _a_file(target, random, (".json", ".jsonl", "lock"))
    lines = target.read_bytes().splitlines() if target.suffix == ".jsonl" else [target.read_bytes()]
    done = []
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(lines))
        document = json.loads(lines[place])
        done.append(_replaced(document, random))
        lines[place] = json.dumps(document).encode()
    target.write_bytes(b"\n".join(lines) + b"\n")
    return f"{target} {done}"


def _replaced(document: Any, random: Random) -> str:
    """Replace a value somewhere in a document by another."""
    places = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = random.choice(places)
    if isinstance(document[key], dict | list) and document[key] and random.random() < 0.5:
        return _replaced(document[key], random)
    value = copy.deepcopy(random.choice(NASTY))
    if isinstance(document, dict) and random.random() < 0.2:
        document[str(value)[:50]] = document.pop(key)
        return f"renamed {key}"
    document[key] = value
    return f"{key} = {str(value)[:40]!r}"


def _log(target: Path, outside: Path, random: Random) -> str:
    """Lines of a log in another order, again, or of another kind."""
    target = _a_file(target, random, (".jsonl",))
    lines = target.read_bytes().splitlines(keepends=True)
    what = random.choice(["shuffled", "again", "series", "sessions", "values", "long"])
    if what == "shuffled":
        random.shuffle(lines)
    elif what == "again":
        lines *= 3
    elif what == "series":
        names = [f"term/{random.random()}" for _ in range(3000)]
        lines.insert(random.randrange(len(lines)), _line(kind="series", names=names))
    elif what == "sessions":
        lines[2:2] = lines[:1] * 50
    elif what == "values":
        step = {"kind": "step", "step": 3, "epoch": 0, "time": 1.0, "values": [1.0] * 500}
        lines.insert(random.randrange(len(lines)), _line(**step))
    else:
        lines.insert(random.randrange(len(lines)), b"x" * 5_000_000 + b"\n")
    target.write_bytes(b"".join(lines))
    return f"{what} {target}"


def _line(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _name(target: Path, outside: Path, random: Random) -> str:
    """Another name for a file or folder."""
    names = [CLEAR, TURN, "a\nrun  finished", "[/red]", "y" * 255, ".hidden", "run.json", "-x"]
    name = os.fsencode(random.choice(names).replace("/", ":")) + random.choice([b"", b"\xff"])
    os.rename(os.fsencode(target), os.fsencode(target.parent) + b"/" + name[:255])  # noqa: PTH104
    return f"{target} to {name[:40]!r}"


def _yaml(target: Path, outside: Path, random: Random) -> str:
    """A configuration that YAML readers stumble at."""
    target = _a_file(target, random, (".yaml",))
    texts = [
        "seed: 1" + ":1" * 50_000,
        "seed: 010",
        "[" * 5000,
        "a: &a [*a]",
        "!!python/name:os.system",
    ]
    texts += [f"seed: {CLEAR}", "seed: 2026-11-27", "? [1]\n: 2", "seed: 1\nseed: 2", "\x00"]
    target.write_text(random.choice(texts))
    return str(target)


def _a_file(target: Path, random: Random, suffixes: tuple[str, ...] = ()) -> Path:
    """The target, if it is such a file, else one near it."""
    home = target if target.is_dir() else target.parent
    files = [one for one in sorted(home.rglob("*")) if one.is_file() and not one.is_symlink()]
    files = [one for one in files if one.stat().st_size < LARGEST]
    files = [one for one in files if not suffixes or one.name.endswith(suffixes)]
    if target in files and random.random() < 0.7:
        return target
    if not files:
        raise ValueError(f"no such file below {home}")
    return random.choice(files)
