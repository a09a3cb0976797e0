"""What it takes before the first window: tracing the guarded step, and XLA compiling it.

Instructions are those that XLA gets, before its own passes. Processor seconds are those of all
threads: where other programs run, they tell more than the clock. Without a cache of compiled
programs; each configuration is compiled in a process of its own.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

CONFIGS = Path(__file__).parent.parent / "configs"
NAMES = ("quickstart", "default-panel", "reference")


def measured(name: str) -> str:
    """A line of the table."""
    import tensorflow as tf

    from ris_tf.config import load_config
    from ris_tf.training.task import make_trainer

    trainer = make_trainer(load_config(CONFIGS / f"{name}.yaml"))
    step = tf.function(trainer.train_step, jit_compile=True, autograph=False)
    window = tf.constant(0, tf.int64)
    begin = time.perf_counter()
    step.get_concrete_function(window)
    traced = time.perf_counter()
    program = step.experimental_get_compiler_ir(window)(stage="hlo")
    instructions = sum(" = " in line for line in str(program).splitlines())
    compiling, processors = time.perf_counter(), time.process_time()
    tf.nest.map_structure(lambda value: value.numpy(), step(window))
    done = time.perf_counter()
    return (
        f"{name:14s} {traced - begin:8.1f} s {instructions:10,} instructions "
        f"{done - compiling:8.1f} s compile and run, "
        f"{time.process_time() - processors:.1f} s of processors"
    )


def main() -> None:
    if len(sys.argv) > 1:
        print(measured(sys.argv[1]))
        return
    clean = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
    for name in NAMES:
        words = [sys.executable, __file__, name]
        quiet = {**clean, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(words, env=quiet, check=True, capture_output=True, text=True)
        print(done.stdout, end="", flush=True)


if __name__ == "__main__":
    main()
