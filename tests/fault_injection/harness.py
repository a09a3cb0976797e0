"""What the fault tests share: processes that can be harmed, and what a run is compared by."""

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forked import Forked

from ris_tf.runlog import read_run_log

FULL = os.environ.get("RIS_FAULTS") == "full"
CONFIG = Path(__file__).with_name("faults.yaml")
HARMED = Path(__file__).with_name("harmed.py")
# Entered after each window.
WINDOW = "ris_tf.engine.recorder:StepRecorder.on_train_batch_end"


@dataclass(frozen=True)
class Done:
    """A process that has ended.

    Attributes:
        code: exit code, or minus the signal that ended it.
        said: everything that it printed.
    """

    code: int
    said: str

    def in_order(self, code: int) -> "Done":
        """This, if it ended with that code and without a traceback."""
        assert self.code == code, self.said
        assert "Traceback" not in self.said, self.said
        return self


class Harmed:
    """Starts `ris-tf` processes that are harmed as planned; see harmed.py for plans."""

    def __call__(self, *argv: str | Path, seconds: float | None = None, **plan: Any) -> Done:
        """Run a command to its end, or kill it after a time."""
        process = Forked(HARMED, json.dumps(plan), *argv, joined=True)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        if seconds is not None:
            process.kill()
        said, _ = process.communicate()
        return Done(process.wait(), said)

    def train(self, runs: Path, *overrides: str, **plan: Any) -> Done:
        """Begin the run `runs/run`."""
        sets = [word for override in overrides for word in ("--set", override)]
        return self("train", CONFIG, "--runs-dir", runs, "--name", "run", *sets, **plan)

    def go_on(self, runs: Path, **plan: Any) -> Done:
        """Resume the run, or begin it where it had not come to exist."""
        if not (runs / "run").exists():
            return self.train(runs, **plan)
        return self("train", "--resume", runs / "run", **plan)


def weights(run: Path, file: str = "last.npz") -> dict[str, bytes]:
    """Every array of a checkpoint."""
    with np.load(run / "checkpoints" / file, allow_pickle=False) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files if name != "progress"}


def history(run: Path) -> list[tuple]:
    """What training wrote into the log: windows, epochs, validations, phases, without their times.

    An event that is there twice, or not at all, makes another list.
    """
    kinds = ("step", "epoch", "validation", "phase")
    times = ("time", "seconds", "scenes_per_second")
    lines = [json.loads(line) for line in (run / "events.jsonl").read_bytes().splitlines()]
    return [
        tuple((name, str(value)) for name, value in line.items() if name not in times)
        for line in lines
        if line["kind"] in kinds
    ]


def outcome(run: Path) -> tuple[dict[str, bytes], list[tuple], str]:
    """What two runs that are the same have in common."""
    end = read_run_log(run / "events.jsonl").end
    return weights(run), history(run), end.reason if end else "no end event"


def assert_same(run: Path, reference: tuple) -> None:
    """A run came to what the uninterrupted one came to."""
    found = outcome(run)
    assert found[2] == reference[2]
    assert found[1] == reference[1]
    differing = [name for name in reference[0] if reference[0][name] != found[0].get(name)]
    assert not differing
    assert set(found[0]) == set(reference[0])


def end_of(run: Path) -> tuple[str, str]:
    """Reason and text of the end event."""
    end = read_run_log(run / "events.jsonl").end
    return (end.reason, end.text) if end else ("", "")


def finished(run: Path) -> bool:
    """Whether a run came to its end; it may not be there yet."""
    return run.exists() and end_of(run)[0] == "finished"


def warnings_of(run: Path) -> str:
    """Notices of level warning, joined."""
    notices = read_run_log(run / "events.jsonl").notices
    return "\n".join(notice.text for notice in notices if notice.level == "warning")
