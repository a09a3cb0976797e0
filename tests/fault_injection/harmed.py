"""`ris-tf`, harmed at exact places: `harmed.py PLAN ARGUMENT...`, the plan as JSON.

- `{}`: nothing happens;
- `{"lines": n, "signal": s}`: it sends itself a signal before the n-th line that it executes in
  `ris_tf.engine`, `ris_tf.training`, `ris_tf.runlog` and `ris_tf.cli`;
- `{"count": file}`: writes which file each of those lines is in, as JSON;
- `{"files": n, "half": true}`: it dies at its n-th operation on files, after half of a write;
- `{"entering": "module:Class.function", "times": n, "signal": s}`: it sends itself a signal when it
  calls that function for the n-th time;
- `{"entering": "module:Class.function", "signals": {n: [s, ...]}}`: several, at several times;
- `{"entering": "module:Class.function", "times": n, "fill": file, "leave": bytes}`: then a file
  takes all the space that its file system has, but so much;
- `{"entering": "module:Class.function", "times": n, "cut": file}`: then a file loses a half;
- `{"raising": "module:Class.function"}`: that function raises.
"""

import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import ris_tf
from ris_tf.cli.main import main

HOME = Path(ris_tf.__file__).parent
WATCHED = tuple(str(HOME / room) + os.sep for room in ("engine", "training", "runlog", "cli"))
DIE = signal.SIGKILL


def send(number: int) -> None:
    """Send this process a signal; an ordinary one is handled before this returns."""
    os.kill(os.getpid(), number)


class Lines:
    """Counts the lines that are executed in the watched rooms."""

    def __init__(self, at: int = -1, number: int = DIE):
        self.at, self.number = at, number
        self.files: list[str] = []

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Follow only frames of the watched rooms."""
        return self._line if frame.f_code.co_filename.startswith(WATCHED) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.files.append(Path(frame.f_code.co_filename).name)
            if len(self.files) == self.at:
                send(self.number)
        return self._line


def harm_files(at: int, half: bool) -> None:
    """Die at the `at`-th operation on files, counted from 1."""
    done = 0

    def harmful(operation: Any) -> Any:
        @functools.wraps(operation)
        def harmed(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == at:
                if half and operation is write:
                    write(args[0], args[1][: len(args[1]) // 2])
                send(DIE)
            return operation(*args, **kwargs)

        return harmed

    write = os.write
    for name in ("write", "fsync", "replace", "rename", "ftruncate", "unlink"):
        setattr(os, name, harmful(getattr(os, name)))


def wrap(place: str, before: Any) -> None:
    """Call `before` whenever the function at `module:Class.function` is entered."""
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    function = getattr(owner, name)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        before()
        return function(*args, **kwargs)

    setattr(owner, name, wrapped)


def send_all(numbers: list[int]) -> None:
    """Send this process signals, one after the other."""
    for number in numbers:
        send(number)


def entering(place: str, times: int, act: Callable[[], None]) -> None:
    """Act on the `times`-th entry."""
    entered = 0

    def before() -> None:
        nonlocal entered
        entered += 1
        if entered == times:
            act()

    wrap(place, before)


def harm(plan: dict[str, Any]) -> None:
    """What happens where a plan says `entering`."""
    if "cut" in plan:
        os.truncate(plan["cut"], Path(plan["cut"]).stat().st_size // 2)
    if "fill" in plan:
        fill(Path(plan["fill"]), plan["leave"])
    for _ in range(plan.get("repeat", 1)):
        if "signal" in plan:
            send(plan["signal"])


def fill(path: Path, leave: int) -> None:
    """Take the space that is left but `leave` bytes."""
    space = os.statvfs(path.parent)
    path.write_bytes(bytes(max(space.f_bavail * space.f_frsize - leave, 0)))


def broken() -> None:
    """What a hook raises."""
    raise MemoryError("injected")


def run(plan: dict[str, Any]) -> None:
    """Be `ris-tf`, to the end that is planned."""
    lines = None
    if "files" in plan:
        harm_files(plan["files"], plan.get("half", False))
    for times, numbers in plan.get("signals", {}).items():
        entering(plan["entering"], int(times), functools.partial(send_all, numbers))
    if "entering" in plan and "signals" not in plan:
        entering(plan["entering"], plan.get("times", 1), lambda: harm(plan))
    if "raising" in plan:
        wrap(plan["raising"], broken)
    if "lines" in plan or "count" in plan:
        lines = Lines(plan.get("lines", -1), plan.get("signal", DIE))
        sys.settrace(lines)
    try:
        main()
    finally:
        sys.settrace(None)
        if lines and "count" in plan:
            Path(plan["count"]).write_text(json.dumps(lines.files))


if __name__ == "__main__":
    plan = json.loads(sys.argv.pop(1))
    run(plan)
