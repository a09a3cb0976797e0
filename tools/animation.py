"""Makes docs/images/monitor.webp: the monitor while a run learns, tab by tab, as it paints itself.

The log of a run that `make pictures` has trained is played again: what it had written by then
stands in a folder, and the window is painted for each picture. Nothing that is shown is made up.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import psutil
from PIL import Image

from ris_tf.runlog import RunDirectory
from ris_tf.runlog.identity import encoded

ROOT = Path(__file__).parent.parent
RUN = ROOT / "runs" / "pictures" / "quickstart"
OUT = ROOT / "docs" / "images" / "monitor.webp"
SIZE = "1200x680"
SHOWN_MS, LAST_MS = 700, 2500
TIMES = 3  # it is played, then it stands still
LARGEST = 2_000_000  # bytes


@dataclass(frozen=True)
class Picture:
    """A tab, and how much of the log there is, as a share of its lines."""

    tab: str
    share: float


PICTURES = (
    *(Picture("loss", share) for share in (0.04, 0.09, 0.15, 0.22, 0.3)),
    *(Picture("gradients", share) for share in (0.36, 0.42)),
    *(Picture("scene", share) for share in (0.48, 0.58, 0.68, 0.78)),
    *(Picture("metrics", share) for share in (0.84, 0.92, 1)),
    Picture("health", 1),
)


def main(run: Path = RUN) -> None:
    """Paint every picture, and put them together."""
    if not (run / "run.json").exists():
        sys.exit(f"animation: {run} is not there; make pictures trains it")
    with tempfile.TemporaryDirectory() as place:
        frames = [painted(picture, run, Path(place)) for picture in PICTURES]
        shown = [SHOWN_MS] * (len(frames) - 1) + [LAST_MS]
        first, *others = frames
        first.save(
            OUT, save_all=True, append_images=others, duration=shown, loop=TIMES,
            lossless=True, quality=100, method=6,
        )  # fmt: skip
    size = OUT.stat().st_size
    print(f"{OUT.relative_to(ROOT)}: {len(frames)} pictures, {size / 1e6:.2f} MB")
    if size > LARGEST:
        sys.exit("animation: above 2 MB: fewer pictures, or smaller ones")


def painted(picture: Picture, run: Path, place: Path) -> Image.Image:
    """The window, with what the run had written by then."""
    folder = place / "quickstart"
    shutil.rmtree(folder, ignore_errors=True)
    as_it_was(run, folder, picture.share)
    file = place / "picture.png"
    options = ["--screenshot", str(file), "--tab", picture.tab, "--theme", "light", "--size", SIZE]
    subprocess.run([sys.executable, "-m", "gui", *options, str(folder)], check=True, cwd=ROOT,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    with Image.open(file) as opened:
        return opened.convert("RGB")


def as_it_was(run: Path, folder: Path, share: float) -> None:
    """A copy of a run with the first lines of its log, worked on by this process, now."""
    folder.mkdir()
    lines = (run / "events.jsonl").read_bytes().splitlines()
    kept = [orjson.loads(line) for line in lines[: max(round(share * len(lines)), 10)]]
    later = time.time() - max(event.get("time", 0) for event in kept)
    for event in kept:
        if "time" in event:
            event["time"] += later
    (folder / "events.jsonl").write_bytes(b"".join(orjson.dumps(e) + b"\n" for e in kept))
    shutil.copy(run / "config.yaml", folder)
    console = (run / "console.log").read_bytes().splitlines(keepends=True)
    (folder / "console.log").write_bytes(b"".join(console[: round(share * len(console))]))
    (folder / "samples").mkdir()
    for event in kept:
        if event["kind"] == "sample":
            name = f"epoch_{event['epoch']:04}.npz"
            shutil.copy(run / "samples" / name, folder / "samples")
    identity = replace(
        RunDirectory.open(run).identity,
        name="quickstart", host=platform.node(), pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )  # fmt: skip
    (folder / "run.json").write_bytes(encoded(identity))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
