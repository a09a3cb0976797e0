"""Prints what the checks say of plants: `python tell.py WORD ...` of those whose names have a word.

`python tell.py --into NAME FOLDER NAME FOLDER ...` keeps the runs, for pictures of them.
"""

import sys
import tempfile
import time
from pathlib import Path

from causes import EVERY, HEALTHY
from own_plants import OWN, OWN_HEALTHY, OwnPlant, run_own
from plants import Plant, run_planted

from ris_tf.runlog import RunDirectory, causes_of, check_health, verdict_on
from ris_tf.runlog.health import NOTICE

PLANTED = {**EVERY, **OWN}
SOUND = {**{name: Plant((), overrides) for name, overrides in HEALTHY.items()}, **OWN_HEALTHY}
EVERYTHING = {**PLANTED, **{f"healthy {name}": plant for name, plant in SOUND.items()}}


def main() -> None:
    """Plant them one by one."""
    words = sys.argv[1:]
    if words[:1] == ["--into"]:
        for name, folder in zip(words[1::2], words[2::2], strict=True):
            tell(name, Path(folder))
    else:
        for name in EVERYTHING:
            if not words or any(word in name for word in words):
                tell(name, Path(tempfile.mkdtemp()) / "run")


def tell(name: str, path: Path) -> None:
    """Plant one, and print the verdict, what of it was told as it happened, and what fails."""
    plant, began = EVERYTHING[name], time.time()
    try:
        run = (run_own if isinstance(plant, OwnPlant) else run_planted)(plant, path)
    except Exception as error:  # noqa: BLE001  what a plant raises is printed, others go on
        print(f"!! {name}: {type(error).__name__} {str(error)[:300]}")
        run = RunDirectory.open(path)
    checks = check_health(run.log(), run.identity.task)
    verdict = verdict_on(checks)
    right = (verdict.check.cause if verdict.check else "") in (plant.faults or ("",))
    told = [n.values.get("cause") for n in run.log().notices if n.what == NOTICE]
    print(f"{'ok' if right else 'NO'} {name} ({time.time() - began:.0f} s): {verdict.sentence}")
    print(f"   {[c.cause for c in causes_of(checks)]}, told {told}, {verdict.remedies}, {path}")
    for check in checks if not right else ():
        if not check.passed:
            print("      ", check.level, check.name, "|", check.result, "|", check.because or "")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
