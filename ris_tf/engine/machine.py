"""What a run computes on, and what is no longer promised where it goes on elsewhere."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.engine.replicas import Replicas
from ris_tf.processor import available_threads, processor_name
from ris_tf.runlog import RunDirectory
from ris_tf.words import counted

OTHER_BITS = "the run goes on, but not to the same bits"


class Machine(NamedTuple):
    """What computes a run in this process.

    Attributes:
        device: the kind of GPU, or the processor.
        threads: of the processor, that TensorFlow computes one operation with.
        replicas: devices that share each batch, over all machines.
    """

    device: str
    threads: int
    replicas: int


def this_machine(replicas: Replicas) -> Machine:
    """What this process computes on; TensorFlow has begun to compute."""
    threads = tf.config.threading.get_intra_op_parallelism_threads() or available_threads()
    return Machine(_device(), threads, replicas.count)


def _device() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return processor_name()
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def moved(run: RunDirectory, now: Machine) -> list[str]:
    """What differs from a run's last session, a line each; older logs do not tell all.

    Args:
        run: with the log that it has so far.
        now: what computes from here.
    """
    sessions, lines = run.log(outline=True).sessions, []
    if not sessions:
        return []
    before = sessions[-1]
    if before.device and before.device != now.device:
        lines.append(f"computed on {before.device} until now, on {now.device} from here")
    if before.threads and before.threads != now.threads:
        lines.append(
            f"computed with {counted(before.threads, 'thread')} until now, {now.threads} from here"
        )
    if before.replicas and before.replicas != now.replicas:
        lines.append(
            f"{counted(before.replicas, 'replica')} until now, {now.replicas} from here: "
            "each draws its own dropout"
        )
    return [f"{line}: {OTHER_BITS}" for line in lines]


def crowded(threads: int) -> str:
    """What to know of a run with more threads than processors; empty where there are enough."""
    here = available_threads()
    if threads <= here:
        return ""
    return (
        f"the run has {counted(threads, 'thread')}, and this machine {counted(here, 'processor')} "
        "for it: it is slower, to the same bits"
    )


def first_planned(run: RunDirectory) -> int:
    """Windows that a run planned first: what its checkpoints of version 0.2 do not say."""
    sessions = run.log(outline=True).sessions
    return sessions[0].windows if sessions else 0
