"""Starts `ris-tf` again and again from one process that has TensorFlow loaded but never used.

Run as a script. A request is a JSON line on standard input; the answers are two lines on standard
output, `{"pid": ...}` once the child runs and `{"status": ...}` once it is gone. Each child is a
process of its own, forked, so that a trial costs no seconds of imports.

What is to go wrong in a child is told in places: every statement in `ris_tf.training`,
`ris_tf.runlog` and `ris_tf.cli` is preceded by a call of `tick`, put there when the module is
loaded. Between any two statements a child can be killed, sent a signal, run out of disk, or raise.
"""

import ast
import atexit
import gc
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

WATCHED = ("ris_tf.training", "ris_tf.runlog", "ris_tf.cli")
OPERATIONS = ("replace", "rename", "unlink", "fsync", "ftruncate", "write")  # of the module os


# -- statements as places -------------------------------------------------------------------------


class _Ticks(ast.NodeTransformer):
    """Puts `__tick__("module.function:line")` before each statement of every function."""

    def __init__(self, module: str):
        self.module = module
        self.function = ""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:  # noqa: N802
        outer, self.function = self.function, node.name
        self.generic_visit(node)
        self.function = outer
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if self.function and isinstance(block, list) and not isinstance(node, ast.ClassDef):
                setattr(node, name, [part for line in block for part in self._ticked(line)])
        return node

    def _ticked(self, statement: ast.stmt) -> list[ast.stmt]:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return [statement]  # a docstring
        place = f"{self.module}.{self.function}:{statement.lineno}"
        call = ast.Call(ast.Name("__tick__", ast.Load()), [ast.Constant(place)], [])
        tick = ast.copy_location(ast.Expr(call), statement)
        return [ast.fix_missing_locations(tick), statement]


class _TickingLoader(SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):  # pyright: ignore
        tree = _Ticks(self.name.rpartition(".")[2]).visit(ast.parse(data, str(path)))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname):
        """Never the cached byte code, which has no ticks."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module):
        module.__dict__["__tick__"] = lambda place: _hook(place)
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if not fullname.startswith(WATCHED):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and spec.origin.endswith(".py"):
            spec.loader = _TickingLoader(fullname, spec.origin)
        return spec


def _nothing(place: str) -> None:
    del place


_hook: Callable[[str], None] = _nothing


# -- what goes wrong there ------------------------------------------------------------------------


WRITE = os.write  # before anything is put in its place


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fill(fault: dict) -> None:
    """Fill the disk that holds `folder`, except `spare` bytes."""
    folder = Path(fault["folder"])
    free = os.statvfs(folder)
    size = free.f_bavail * free.f_frsize - fault.get("spare", 0)
    with (folder / "filler").open("wb") as file:
        while size > 0:
            size -= file.write(bytes(min(size, 1 << 16)))
        file.flush()


def _raise(fault: dict) -> None:
    raise RuntimeError(fault.get("text", "put there by a test"))


def _signal(*names: str) -> Callable[[dict], None]:
    def send(fault: dict) -> None:
        del fault
        for name in names:
            signal.raise_signal(signal.Signals[name])

    return send


DEEDS: dict[str, Callable[[dict], Any]] = {
    "kill": lambda fault: _die(),
    "fill": _fill,
    "raise": _raise,
    "stop": lambda fault: Path(fault["file"]).touch(),
    "SIGINT": _signal("SIGINT"),
    "SIGTERM": _signal("SIGTERM"),
    "SIGINT twice": _signal("SIGINT", "SIGINT"),
}


def _at_place(fault: dict) -> None:
    """Do the deed at the `nth` tick whose place begins with `place`."""
    global _hook  # noqa: PLW0603 (what the instrumented modules call)
    place, left = fault["place"], [fault.get("nth", 1)]

    def hook(here: str) -> None:
        if here.startswith(place):
            left[0] -= 1
            if left[0] == 0:
                DEEDS[fault["deed"]](fault)

    _hook = hook


def _at_call(fault: dict) -> None:
    """Die before, after or in the middle of the `nth` call of a function of `os`."""
    name, when, left = fault["call"], fault["when"], [fault.get("nth", 1)]
    real = getattr(os, name)

    def fatal(*args, **kwargs):
        left[0] -= 1
        if left[0]:
            return real(*args, **kwargs)
        if when == "half":
            _half_done(name, args)
        elif when == "after":
            real(*args, **kwargs)
        return _die()

    setattr(os, name, fatal)


def _half_done(name: str, args: tuple) -> None:
    """Half the bytes of a write; for a sync, half of the half-written file that was to be synced."""
    if name == "write":
        descriptor, data = args
        WRITE(descriptor, data[: len(data) // 2])
    elif name == "fsync":
        path = Path(os.readlink(f"/proc/self/fd/{args[0]}"))
        if "partial" in path.name:
            os.truncate(path, path.stat().st_size // 2)


def _count(fault: dict) -> None:
    """Write down every place, and the calls of `os`, of a run in which nothing goes wrong."""
    global _hook  # noqa: PLW0603
    places: list[str] = []
    calls: Counter[str] = Counter()
    _hook = places.append
    for name in OPERATIONS:
        setattr(os, name, _counted(name, calls))

    def keep() -> None:
        Path(fault["count"]).write_text(json.dumps({"places": places, "calls": calls}))

    atexit.register(keep)


def _counted(name: str, calls: Counter) -> Callable:
    real = getattr(os, name)

    def call(*args, **kwargs):
        calls[name] += 1
        return real(*args, **kwargs)

    return call


def prepare(fault: dict) -> None:
    """Arrange what is to go wrong in this process; see `harness.Fault`."""
    if "place" in fault:
        _at_place(fault)
    elif "call" in fault:
        _at_call(fault)
    elif "count" in fault:
        _count(fault)


# -- the process that is forked -------------------------------------------------------------------


def _load() -> None:
    """Everything that a training process imports, and nothing computed."""
    import tensorflow  # noqa: F401

    import ris_tf.cli.main
    import ris_tf.training.session
    from tensorflow.python.eager import context  # pyright: ignore

    started = context._context is not None and context.context()._context_handle is not None
    assert not started, "TensorFlow's runtime must not be there before the fork"
    assert len(os.listdir("/proc/self/task")) == 1, "only one thread survives a fork"
    gc.freeze()


def _scenes_from_a_table() -> None:
    """Scenes of a batch from one simulated batch and a table of noise: a quarter of the tracing.

    They still differ from batch to batch and follow from its number alone.
    """
    import numpy as np
    import tensorflow as tf

    from ris_tf.training.step import GuardedTrainer

    def batch(self, split, epoch, batch):
        if not hasattr(self, "table"):
            with tf.init_scope():
                self.table = self.simulator(split, 0, 0, self.config.training.batch)
        y = self.table.measurement.y
        noise = np.random.default_rng(1).standard_normal((16, 2, *y.shape)).astype(np.float32)
        which = (5 * epoch + batch) % 16
        moved = y + 0.3 * tf.complex(tf.gather(noise[:, 0], which), tf.gather(noise[:, 1], which))
        return self.table._replace(measurement=self.table.measurement._replace(y=moved))

    GuardedTrainer.batch = batch
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def _become(request: dict) -> None:
    """Turn this fork into `ris-tf` with the request's arguments."""
    out = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    errors = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (out, 1), (errors, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(request["cwd"])
    sys.argv = ["ris-tf", *request["arguments"]]
    if request["quick"]:
        _scenes_from_a_table()
    prepare(request["fault"])


def _answer(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _serve() -> bool:
    """Answer requests until there are no more; True in a child, which is `ris-tf` from there."""
    _answer(pid=os.getpid())
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
            return True
        _answer(pid=pid)
        _, status = os.waitpid(pid, 0)
        _answer(status=os.waitstatus_to_exitcode(status))
    return False


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.meta_path.insert(0, _Finder())
    _load()
    if _serve():
        from ris_tf.cli.main import main

        main()
